"""Who acts, remembered for a second, so that a click does not cost a query, and forgotten at once when it ends."""

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
        self._ended = 0

    async def get(self, key: bytes, look_up: Callable[[bytes], Awaitable[T | None]]) -> T | None:
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        ended_before = self._ended
        found = await look_up(key)
        self._kept.pop(key, None)
        if found is not None and self._ended == ended_before:
            self._kept[key] = (time.monotonic() + SECONDS, found)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return found

    def forget(self, user_id: UUID) -> None:
        """Something of this person ended: the next look-up asks the database."""
        self._ended += 1
        for key in [key for key, (_, answer) in self._kept.items() if answer.user_id == user_id]:
            del self._kept[key]

    def forget_all(self) -> None:
        self._ended += 1
        self._kept.clear()
