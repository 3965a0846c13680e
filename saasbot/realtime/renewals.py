"""Tabs whose person has signed out or may something else now follow at once, not at their next click."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextvars import Context

from saasbot.infra.logging import get_logger

log = get_logger(__name__)

Renew = Callable[[str], Awaitable[None]]
"""Afterwards the tab (its client token) holds what the person of its session may see now, or nothing."""


class Renewals:
    """Runs `renew` beside whatever the hub does."""

    def __init__(self, renew: Renew) -> None:
        self._renew = renew
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, tab: str) -> None:
        task = asyncio.create_task(self._run(tab), context=Context())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        for task in list(self._running):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, tab: str) -> None:
        try:
            await self._renew(tab)
        except Exception:  # the guard does the same at the tab's next event
            log.exception("hub.renewal_failed")
