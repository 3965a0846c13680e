"""Who acts, remembered for a second, so that a click does not cost a query, and forgotten at once when it ends. That a token is
nobody's is remembered too: whoever invents one costs a query a second, however often they send it."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar
from uuid import UUID

SECONDS = 1.0
_MOST = 10_000


class OfAPerson(Protocol):
    @property
    def user_id(self) -> UUID: ...


T = TypeVar("T", bound=OfAPerson)


class Recent(Generic[T]):
    """Answers of a look-up by token hash. An answer that was on its way when somebody's rights ended is not kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[float, T]] = OrderedDict()
        self._nobodys: OrderedDict[bytes, float] = OrderedDict()
        """Until when (seconds, monotonic). Apart, so that inventions push nobody out."""
        self._ended = 0

    async def get(self, key: bytes, look_up: Callable[[bytes], Awaitable[T | None]]) -> T | None:
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        if self._nobodys.get(key, 0.0) > time.monotonic():
            return None
        ended_before = self._ended
        found = await look_up(key)
        self._kept.pop(key, None)
        self._nobodys.pop(key, None)
        if self._ended == ended_before:
            self._keep(key, found)
        return found

    def _keep(self, key: bytes, found: T | None) -> None:
        until = time.monotonic() + SECONDS
        if found is None:
            self._nobodys[key] = until
        else:
            self._kept[key] = (until, found)
        for remembered in (self._kept, self._nobodys):
            if len(remembered) > _MOST:
                remembered.popitem(last=False)

    def forget(self, user_id: UUID) -> None:
        """Something of this person ended, or began anew: the next look-up asks the database."""
        self._ended += 1
        self._nobodys.clear()
        for key in [key for key, (_, answer) in self._kept.items() if answer.user_id == user_id]:
            del self._kept[key]

    def forget_all(self) -> None:
        self._ended += 1
        self._kept.clear()
        self._nobodys.clear()
