"""How long WhatsApp takes to acknowledge a send: counted by the holder of a number, added to its lease as it renews it."""

from bisect import bisect_left
from dataclasses import dataclass

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds; one more count is for what took longer. Old counts lose their meaning when these change."""


@dataclass(frozen=True, slots=True)
class Acks:
    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    """One for each bound, not cumulated, and the one above them all."""
    seconds: float = 0.0


NO_ACKS = Acks()


class AckMeter:
    """What was acknowledged since somebody last took it."""

    def __init__(self) -> None:
        self._counts, self._seconds = list(NO_ACKS.counts), 0.0

    def note(self, seconds: float) -> None:
        """One send was acknowledged after so long."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def take(self) -> Acks:
        """All of it; the meter starts again."""
        taken = Acks(tuple(self._counts), self._seconds)
        self._counts, self._seconds = list(NO_ACKS.counts), 0.0
        return taken

    def give_back(self, acks: Acks) -> None:
        """What was taken could not be stored."""
        self._counts = [mine + theirs for mine, theirs in zip(self._counts, acks.counts, strict=True)]
        self._seconds += acks.seconds
