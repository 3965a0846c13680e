"""The job queue (Procrastinate, in the same database): deferred by name, on the transaction of the caller."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import procrastinate

from saasbot.infra import db

app = procrastinate.App(connector=procrastinate.PsycopgConnector())


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[procrastinate.App]:
    """The queue with connections of its own, for the process that runs a worker. Deferring needs none.

    May be opened again after it was closed; connections that the server dropped are replaced.
    """
    connector = procrastinate.PsycopgConnector(conninfo=dsn, min_size=1, max_size=12)
    with app.replace_connector(connector):
        async with app.open_async():
            yield app


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
    connection = await db.driver_connection()
    await app.configure_task(
        task, lock=lock, queueing_lock=queueing_lock, schedule_at=schedule_at, connection=connection
    ).defer_async(**arguments)
