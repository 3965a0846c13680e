"""How much anybody may ask of us: requests and sockets by address, and the size of a body by path."""

import time
from collections import OrderedDict
from dataclasses import dataclass

_MEGABYTE = 1024 * 1024
_FORM_OVERHEAD = 64 * 1024
_UPLOAD = 10 * _MEGABYTE + _FORM_OVERHEAD
_ATTACHMENT = 100 * _MEGABYTE + _FORM_OVERHEAD
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    burst: float
    per_second: float


SIGN_IN = Rate(burst=60, per_second=1)
"""Registering, signing in, resetting: each costs a password hash or a mail."""
API = Rate(burst=600, per_second=100)
UPLOADS = Rate(burst=40, per_second=2)
SOCKETS = Rate(burst=60, per_second=2)
MESSAGES = Rate(burst=300, per_second=100)
"""Of one socket."""
OWN_MACHINE = 20.0
"""Outside production requests from this very machine may be this many times as frequent: tests, benchmarks, people trying."""

LONGEST_MESSAGE = 300_000
"""Bytes of one socket message: a long prompt in an event, with room."""
MOST_SOCKETS = 200
"""Of one address at a time."""

_BODY_LIMITS = (
    ("/uploads", _ATTACHMENT),
    ("/api/v1/products/", _UPLOAD),
    ("/api/", _MEGABYTE),
    ("/sim/", 140 * _MEGABYTE),  # media as base64; only with the simulator, only from this machine
    ("/demo-model/", 4 * _MEGABYTE),
)
_OTHER_BODIES = 64 * 1024


def body_limit(path: str) -> int:
    """Bytes that a request to this path may carry."""
    return next((limit for prefix, limit in _BODY_LIMITS if path.startswith(prefix)), _OTHER_BODIES)


def rate_of(path: str) -> tuple[str, Rate] | None:
    """The budget that a request spends from, by name; nothing for pages and their files, and for the simulator."""
    if (
        path.startswith("/api/v1/auth/")
        and not path.endswith(("/me", "/refresh", "/logout"))
        and "/sessions" not in path
    ):
        return "sign_in", SIGN_IN
    if path.startswith("/auth/"):
        return "sign_in", SIGN_IN
    if path.startswith("/uploads"):
        return "uploads", UPLOADS
    if path.startswith("/api/"):
        return "api", API
    return None


class Buckets:
    """Token buckets in the memory of this process, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def spend(self, name: str, whose: str, rate: Rate, *, factor: float = 1.0) -> float:
        """Take one. Returns 0, or the seconds until there is one again."""
        now = time.monotonic()
        burst, per_second = rate.burst * factor, rate.per_second * factor
        left, at = self._kept.pop((name, whose), (burst, now))
        left = min(burst, left + (now - at) * per_second)
        taken = left >= 1
        self._kept[name, whose] = (left - 1 if taken else left, now)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        return 0.0 if taken else (1 - left) / per_second
