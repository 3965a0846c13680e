"""How much anybody may ask of us: requests, sockets and bytes by network and session, and the size of a body by path."""

import re
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass

_MEGABYTE = 1024 * 1024
_FORM_OVERHEAD = 64 * 1024
_IMAGE = 10 * _MEGABYTE + _FORM_OVERHEAD
_ATTACHMENT = 100 * _MEGABYTE + _FORM_OVERHEAD
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    burst: float
    per_second: float


Budget = tuple[str, Rate]
"""By the name under which it is kept."""

SIGN_IN = Rate(burst=60, per_second=1)
"""Registering, signing in, resetting: each costs a password hash or a mail."""
API = Rate(burst=600, per_second=100)
UPLOADS = Rate(burst=40, per_second=2)
PAGES = Rate(burst=1000, per_second=100)
"""Pages, their scripts and whatever is refused. A first visit asks for some 50 files; an office shares one address."""
MEDIA = Rate(burst=1000, per_second=100)
REPORTS = Rate(burst=30, per_second=0.5)
"""Of browsers, about what a page was not allowed to do."""
SOCKETS = Rate(burst=60, per_second=2)
MESSAGES = Rate(burst=300, per_second=100)
"""Of one socket."""
NETWORK_MESSAGES = Rate(burst=4000, per_second=400)
"""Of all sockets of a network. Whoever sends more is read more slowly, never cut: after a restart a whole office loads at once."""
LONG_MESSAGES = Rate(burst=4 * _MEGABYTE, per_second=_MEGABYTE / 4)
"""Bytes of those that are longer than `SHORT_MESSAGE`, of a network: each is parsed while everybody else waits."""
SHORT_MESSAGE = 4096
BYTES = Rate(burst=600 * _MEGABYTE, per_second=5 * _MEGABYTE)
"""Of bodies that come in pieces. Whoever sends more is read more slowly, never cut: 900 MB in the first minute, 300 in the next."""
JSON_BYTES = Rate(burst=8 * _MEGABYTE, per_second=_MEGABYTE / 2)
"""Of bodies that are parsed before anybody knows who asks, each while everybody else waits."""
MOST_BRACKETS = 5_000
"""Lists and objects in one JSON text, those within its strings counted too: each is work for the garbage collector, which looks at
all of the process. A hundred thousand empty ones (300 kB) took 0.17 s, five thousand take 5 ms."""
OWN_MACHINE = 20.0
"""Outside production requests from this very machine may be this many times as frequent: tests, benchmarks, people trying."""

LONGEST_MESSAGE = 300_000
"""Bytes of one socket message: a long prompt in an event, with room."""
MOST_SOCKETS, MOST_SOCKETS_OF_A_SESSION = 200, 50
"""Open at a time: of one network, and of one person's browser however many tabs it has."""
MOST_BODIES, MOST_BODIES_OF_A_SESSION = 40, 12
"""On their way in pieces at a time. Our own pages send one after the other."""
LONGEST_SILENCE = 30.0
"""Seconds in which nothing of a body comes; then it is given up."""
SLOWEST, SLOWEST_AFTER = 512, 60.0
"""Bytes a second that a body must reach on the whole, once so many seconds have passed: the slowest phone has ten times that."""

_PRODUCT_IMAGE = re.compile(r"/api/v1/products/[^/]+/image")
"""The one route of the API that is no JSON: it reads nothing before it knows who asks."""
_BODY_LIMITS = (
    ("/uploads", _ATTACHMENT),
    ("/api/", 256 * 1024),  # the longest prompt has 20,000 characters, of up to 12 bytes where a program escapes them
    ("/sim/", 140 * _MEGABYTE),  # media as base64; only with the simulator, only from this machine
    ("/demo-model/", 4 * _MEGABYTE),
    ("/csp-report", 8 * 1024),
)
_OTHER_BODIES = 64 * 1024


def body_limit(path: str) -> int:
    """Bytes that a request to this path may carry."""
    if _PRODUCT_IMAGE.fullmatch(path):
        return _IMAGE
    return next((limit for prefix, limit in _BODY_LIMITS if path.startswith(prefix)), _OTHER_BODIES)


def is_json(path: str) -> bool:
    """Whether a body of a request to this path is parsed as soon as it is there."""
    return path.startswith(("/api/", "/demo-model/")) and not _PRODUCT_IMAGE.fullmatch(path)


def rate_of(path: str) -> Budget | None:
    """The budget that a request spends from, by name; nothing for the simulator, which answers this machine only."""
    if path.startswith("/api/"):
        is_credential = path.startswith("/api/v1/auth/") and "/sessions" not in path
        if is_credential and not path.endswith(("/me", "/companies", "/refresh", "/logout")):
            return "sign_in", SIGN_IN
        return "api", API
    if path.startswith("/auth/"):
        return "sign_in", SIGN_IN
    if path.startswith("/uploads"):
        return "uploads", UPLOADS
    if path.startswith("/media/"):
        return "media", MEDIA
    if path.startswith("/csp-report"):
        return "reports", REPORTS
    return None if path.startswith("/sim/") else ("pages", PAGES)


def rate_of_refusals() -> Budget:
    """Not that of the path: another site's page must not spend what its visitor signs in with."""
    return "pages", PAGES


class Buckets:
    """Token buckets in the memory of this process, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def spend(self, name: str, whose: str, rate: Rate, amount: int = 1, *, factor: float = 1.0) -> float:
        """Take the amount if there is one left at least, into debt if need be. Returns 0, or the seconds until there is one again."""
        left = self._left(name, whose, rate, factor)
        taken = left >= 1
        self._keep(name, whose, left - amount if taken else left)
        return 0.0 if taken else (1 - left) / (rate.per_second * factor)

    def draw(self, name: str, whose: str, rate: Rate, amount: int, *, factor: float = 1.0) -> float:
        """Take the amount, into debt if need be. Returns the seconds until the debt is paid."""
        left = self._left(name, whose, rate, factor) - amount
        self._keep(name, whose, left)
        return max(0.0, -left / (rate.per_second * factor))

    def _left(self, name: str, whose: str, rate: Rate, factor: float) -> float:
        burst = rate.burst * factor
        left, at = self._kept.pop((name, whose), (burst, 0.0))
        return min(burst, left + (time.monotonic() - at) * rate.per_second * factor)

    def _keep(self, name: str, whose: str, left: float) -> None:
        self._kept[name, whose] = (left, time.monotonic())
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)


class Held:
    """How many of something each has at a time."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()

    def take(self, whose: str, most: float) -> bool:
        """One more, if it is not one too many."""
        if self._count[whose] >= most:
            return False
        self._count[whose] += 1
        return True

    def give_back(self, whose: str) -> None:
        self._count[whose] -= 1
        if self._count[whose] <= 0:
            del self._count[whose]
