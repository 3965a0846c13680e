"""The job queue (Procrastinate, in the same database): deferred by name, on the transaction of the caller.

The queue itself is loaded with the first job: a bridge, of which there are many, seldom has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saasbot.infra import db


@dataclass(frozen=True, slots=True)
class Deferral:
    """One of several jobs of a task. `schedule_at` None: at once."""

    arguments: dict[str, Any]
    lock: str | None = None
    schedule_at: datetime | None = None


async def defer(
    task: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_at: datetime | None = None,
    **arguments: Any,
) -> None:
    """Run the task after the current transaction commits (and never if it does not).

    `lock`: tasks with the same lock run one after the other. `queueing_lock`: a second waiting task with it raises
    `procrastinate.exceptions.AlreadyEnqueued` and spoils the transaction: callers know from their own rows whether one waits.
    Arguments are ids and other small JSON.
    """
    from saasbot.infra.job_queue import app

    connection = await db.driver_connection()
    await app.configure_task(
        task, lock=lock, queueing_lock=queueing_lock, schedule_at=schedule_at, connection=connection
    ).defer_async(**arguments)


async def defer_together(task: str, deferrals: Sequence[Deferral]) -> None:
    """The same of several jobs, in one statement."""
    from procrastinate.jobs import Job

    from saasbot.infra.job_queue import app

    waiting = [
        Job(
            id=None,
            queue="default",
            lock=deferral.lock,
            queueing_lock=None,
            task_name=task,
            task_kwargs=deferral.arguments,
            scheduled_at=deferral.schedule_at,
        )
        for deferral in deferrals
    ]
    await app.job_manager.batch_defer_jobs_async(waiting, connection=await db.driver_connection())
