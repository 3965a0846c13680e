"""Growing pauses between attempts: doubled each time, capped, a quarter by chance so that many do not return together."""

import random


def pause_seconds(failures: int, *, first: float, longest: float) -> float:
    """The pause after this many failures in a row (1 for the first)."""
    seconds = min(first * 2.0 ** min(failures - 1, 30), longest)
    return seconds * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, guards nothing
