"""Jobs that forget people."""

import contextlib
from uuid import UUID

import procrastinate

from saasbot.domain import privacy
from saasbot.domain.actor import Actor
from saasbot.domain.admin import erasure
from saasbot.domain.privacy import company, export
from saasbot.domain.privacy.archive import build_export, fail_export
from saasbot.domain.privacy.steps import finish, users_and_devices
from saasbot.infra import job_queue
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.roles import database_urls
from saasbot.infra.settings import settings
from saasbot.models import ErasureStep
from saasbot.wa_runtime.neonize_store import forget_session
from saasbot.wa_runtime.spool_sweep import forget_unreadable, sweep
from saasbot.wa_runtime.store_erasure import forget_person

_EXPORT_TRIES = 5


@job_queue.app.task(name=privacy.ERASE_TASK, retry=procrastinate.RetryStrategy(max_attempts=8, exponential_wait=4))
async def erase_contact(company_id: str, erasure_id: str) -> None:
    """From whichever step it is at to the end; a try that failed goes on where it was."""
    actor, id = Actor.system(UUID(company_id)), UUID(erasure_id)
    spool = settings().data_dir / "spool"
    await sweep(spool)  # what waits there would bring the person back; in the journal it is found
    await forget_unreadable(actor, spool)
    while (step := await privacy.erase_next(actor, id)) is not None:
        if step == ErasureStep.SESSIONS:
            await forget_person(database_urls().wa_store, *await users_and_devices(actor, id))
            await finish(actor, id)
        if step in (ErasureStep.SESSIONS, ErasureStep.DONE):
            return


@job_queue.app.task(name=company.ERASE_TASK, retry=procrastinate.RetryStrategy(max_attempts=50, wait=30))
async def erase_company(erasure_id: str) -> None:
    """When its week is over, everything of a company goes. A number that somebody still holds is waited for."""
    due = await erasure.due_erasure(UUID(erasure_id))
    if due is None:
        return
    due = await erasure.stop_numbers(due)
    if due is None:
        raise NumberStillHeld
    for device in due.devices:
        await forget_session(database_urls().wa_store, device)
    await erasure.erase_company(due, data_dir=settings().data_dir)


@job_queue.app.periodic(cron="41 * * * *")
@job_queue.app.task(name="privacy.take_up", queueing_lock="privacy.take_up")
async def take_up(timestamp: int) -> None:
    """Once an hour: a company whose week has been over for a while, and whose job has given up."""
    for erasure_id in await erasure.overdue():
        with contextlib.suppress(NumberStillHeld):
            await erase_company(erasure_id=str(erasure_id))


@job_queue.app.task(
    name=export.EXPORT_TASK, retry=procrastinate.RetryStrategy(max_attempts=_EXPORT_TRIES, wait=20), pass_context=True
)
async def make_export(context: procrastinate.JobContext, company_id: str, export_id: str) -> None:
    """The ZIP is there; after the last try its owner reads that it is not."""
    actor, id = Actor.system(UUID(company_id)), UUID(export_id)
    try:
        await build_export(actor, id)
    except NotFound:
        return  # the company is gone
    except Exception:
        if context.job.attempts >= _EXPORT_TRIES:
            await fail_export(actor, id)
        raise


@job_queue.app.task(name=export.REMOVE_TASK, retry=procrastinate.RetryStrategy(max_attempts=8, exponential_wait=4))
async def remove_export(company_id: str, export_id: str) -> None:
    """A day later the copy is gone."""
    actor = Actor.system(UUID(company_id))
    with contextlib.suppress(NotFound):
        async with unit_of_work(actor):
            await export.remove_export(actor, UUID(export_id))


class NumberStillHeld(Exception):
    """Its holder has not let go yet; the job is tried again."""
