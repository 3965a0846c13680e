"""Browser tabs without a browser: stand for Reflex in the tests of the hub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Screen:
    """A tab's state, as a page would have it."""

    page: str = "/channels"
    shown: list[Any] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, _state: type) -> Any:
        return self


class FakeTabs:
    """Tabs by token, each with a lock."""

    def __init__(self) -> None:
        self.screens: dict[str, Screen] = {}

    def open(self, token: str) -> Screen:
        return self.screens.setdefault(token, Screen())

    def connected(self) -> set[str]:
        return set(self.screens)

    @asynccontextmanager
    async def modify(self, tab: str, state: type[Any]) -> AsyncIterator[Any]:
        async with self.screens[tab].lock:
            yield self.screens[tab]
