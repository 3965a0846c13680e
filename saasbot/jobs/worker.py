"""The worker of this process: takes jobs as they come, and rescues those whose worker died."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import procrastinate
from procrastinate.exceptions import ConnectorException
from procrastinate.tasks import Task
from procrastinate.worker import Worker

from saasbot.agent.model import close_models, models
from saasbot.agent.warm_up import warm_up
from saasbot.infra import db, job_queue
from saasbot.infra.logging import get_logger
from saasbot.jobs import accounts, catalogue, channels, media, privacy, turns

log = get_logger(__name__)

TASKS: Sequence[Task] = (
    turns.agent_turn,
    accounts.mail_reset,
    accounts.mail_sign_in_code,
    accounts.mail_security_notice,
    accounts.keep_signing_keys_fresh,
    accounts.remove_expired_rows,
    catalogue.purge_product,
    channels.tell_down,
    channels.mail_down,
    channels.tell_gap_again,
    channels.give_up_late,
    channels.leave_unanswered,
    channels.forget_receipts,
    channels.apply_receipts_left,
    channels.forget_session_logged_out,
    media.remove_unused,
    privacy.erase_contact,
    privacy.erase_company,
    privacy.take_up,
    privacy.make_export,
    privacy.remove_export,
)
"""Importing this module registers them."""

CONCURRENCY = 16
"""Turns wait for a model most of their time, and hold no connection while they do."""
POLL = 0.25
"""Seconds. New jobs are notified; polling finds those whose hour has come and those that waited for a lock."""
HEARTBEAT = 1.0
DEAD_AFTER = 5.0
"""Seconds without a heartbeat: five missed, or a machine too busy to be useful. Short, because a customer waits: who was cut
off in the middle of an answer is answered about when the server is back. A worker that only seemed dead answers nothing
twice: the first of two to commit a turn has answered it."""
_RESCUE_EVERY = 1.0


_at_work: set[Worker] = set()


async def is_working() -> bool:
    """Whether a worker of this process takes jobs now."""
    return bool(_at_work)


@asynccontextmanager
async def running_worker(dsn: str, *, concurrency: int = CONCURRENCY) -> AsyncIterator[None]:
    """Jobs are worked on while the block runs. On leaving, turns in progress have five seconds to end."""
    task = asyncio.create_task(run_worker(dsn, concurrency=concurrency), name="jobs")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def run_worker(dsn: str, *, concurrency: int = CONCURRENCY) -> None:
    """Work until cancelled; a worker that fails (the database went away) is followed by another one."""
    delay = 0.5
    try:
        while True:
            try:
                await warm_up(models())
                async with job_queue.opened(dsn) as app:
                    delay = 0.5
                    await _work(app, concurrency)
            except Exception:  # whatever ended it: the next one reads the queue afresh
                log.exception("jobs.worker_failed", retry_in_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)
    finally:
        await close_models()


async def _work(app: procrastinate.App, concurrency: int) -> None:
    """One worker, until it stops. Beside it, the jobs of dead workers are put back."""
    worker = Worker(
        app,
        name="saasbot",
        concurrency=concurrency,
        fetch_job_polling_interval=POLL,
        shutdown_graceful_timeout=5.0,
        delete_jobs="successful",
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT,
        stalled_worker_timeout=DEAD_AFTER,
    )
    rescuing = asyncio.create_task(_rescue_forever(app), name="jobs-rescue")
    _at_work.add(worker)
    try:
        await worker.run()
    finally:
        _at_work.discard(worker)
        rescuing.cancel()
        with suppress(asyncio.CancelledError):
            await rescuing


async def _rescue_forever(app: procrastinate.App) -> None:
    while True:
        try:
            await rescue_stalled(app)
        except Exception:
            log.exception("jobs.rescue_failed")
        await asyncio.sleep(_RESCUE_EVERY)


async def rescue_stalled(app: procrastinate.App, *, dead_after: float = DEAD_AFTER) -> int:
    """Put the jobs of workers without a heartbeat back into the queue. Returns how many."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=dead_after))
    rescued = 0
    for job in stalled:
        try:
            await app.job_manager.retry_job(job)
        except ConnectorException:
            continue  # another process was faster
        log.warning("jobs.rescued", job_id=job.id, task=job.task_name, attempts=job.attempts)
        rescued += 1
    if rescued:
        await app.job_manager.prune_stalled_workers(dead_after)
    return rescued


def app_dsn() -> str:
    """Where this process's queue is: the same database as everything else."""
    return db.app_dsn()
