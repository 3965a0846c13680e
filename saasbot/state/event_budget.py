"""How many events a session, or a tab, may send."""

import time
from collections import OrderedDict
from enum import Enum

_REMEMBERED = 20_000


class Spent(Enum):
    GRANTED = "granted"
    FIRST_REFUSED = "first refused"
    """The first since there was room: worth a word."""
    REFUSED = "refused"


class EventBudget:
    """Token buckets in the memory of this process, the longest unused forgotten first."""

    def __init__(self, *, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._kept: OrderedDict[str, tuple[float, float, bool]] = OrderedDict()
        """What is left, since when (seconds, monotonic), and whether the refusal was told."""

    def spend(self, whose: str) -> Spent:
        """One event. After a refusal the next is told again when half of the budget had come back."""
        now = time.monotonic()
        left, at, told = self._kept.pop(whose, (self._burst, now, False))
        left = min(self._burst, left + (now - at) * self._per_second)
        told = told and left < self._burst / 2
        granted = left >= 1
        self._kept[whose] = (left - 1 if granted else left, now, told or not granted)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        if granted:
            return Spent.GRANTED
        return Spent.REFUSED if told else Spent.FIRST_REFUSED
