"""How late the event loop of this process wakes up: so long everything in it waits, receiving and sending included."""

import asyncio
from collections import deque
from collections.abc import Callable

_SAMPLE_SECONDS = 0.5
_last_minute: deque[float] = deque(maxlen=120)


def worst_lag() -> float | None:
    """Seconds, of the last minute; nothing where nobody samples."""
    return max(_last_minute, default=None)


async def sample_loop_lag(observe: Callable[[float], object] | None = None) -> None:
    """Twice a second, until cancelled. `observe` is told each sample, in seconds."""
    loop = asyncio.get_running_loop()
    while True:
        asked = loop.time() + _SAMPLE_SECONDS
        await asyncio.sleep(_SAMPLE_SECONDS)
        lag = max(0.0, loop.time() - asked)
        _last_minute.append(lag)
        if observe is not None:
            observe(lag)
