"""Procrastinate's app, where tasks are registered and workers take them. What only defers goes through `jobs.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import procrastinate

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
