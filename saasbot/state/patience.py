"""A tab waits for the database instead of staying empty: whoever loads a page while it restarts sees it once it is back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

from saasbot.infra.db import DOWN
from saasbot.infra.logging import get_logger

log = get_logger(__name__)

PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5

T = TypeVar("T")
Load = TypeVar("Load", bound=Callable[..., Any])


async def until_up(ask: Callable[[], Awaitable[T]]) -> T:
    """What it returns, asked again and again while the database is away. `ask` must be safe to repeat.

    Raises: `infra.db.DOWN`, when it has been away for half a minute.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except DOWN as error:
            if time.monotonic() > end:
                raise
            log.warning("state.database_unavailable", error=str(error))
            await asyncio.sleep(_PAUSE_SECONDS)


def patient(load: Load) -> Load:
    """Under `@rx.event`, for a page's load handler: it only reads, so it may be asked again (`until_up`)."""

    @wraps(load)
    async def loading(*arguments: Any, **named: Any) -> Any:
        return await until_up(lambda: load(*arguments, **named))

    return loading  # type: ignore[return-value]
