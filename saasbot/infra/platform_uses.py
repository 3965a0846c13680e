"""Uses of the database role that sees every company: counted for `/metrics`, and in the log, which is kept for 90 days."""

import time
from collections import Counter

from saasbot.infra.logging import get_logger

log = get_logger(__name__)

_SECONDS = 3600.0

counts: Counter[str] = Counter()
"""How often this process worked across companies, by reason. A plain count: bridges have no room for a metrics library."""
_written: dict[str, tuple[float, int]] = {}


def note(why: str) -> None:
    """One more use for this reason. At most a line an hour and reason says how many there were since the one before."""
    counts[why] += 1
    now, (written_at, written) = time.monotonic(), _written.get(why, (float("-inf"), 0))
    if now - written_at >= _SECONDS:
        log.info("platform.used", why=why, uses=counts[why] - written)
        _written[why] = (now, counts[why])
