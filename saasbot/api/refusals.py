"""Why the gate does not let a request pass, and the line in the log about it: one a second of each kind, with a count."""

import time
from dataclasses import dataclass

from starlette.responses import Response

from saasbot.api.problems import problem
from saasbot.infra.logging import get_logger

log = get_logger(__name__)

_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    code: str
    detail: str
    retry_after: int = 0
    """Seconds; 0 when waiting does not help."""

    def answer(self) -> Response:
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else None
        return problem(self.status, self.code, self.detail, headers=headers)


NOTHING_HERE = Refusal(404, "not_found", "There is nothing at this address.")
FOREIGN_HOST = Refusal(403, "foreign_host", "This address only answers by the name of this machine.")
FOREIGN_ORIGIN = Refusal(403, "foreign_origin", "Requests from other sites are refused.")
TOO_LARGE = Refusal(413, "too_large", "This is larger than what is accepted here.")
TOO_SLOW = Refusal(408, "too_slow", "The rest of this did not come in time. Try again.")
TOO_MANY_BODIES = Refusal(
    429, "too_many_requests", "Too much is being sent at once. Wait until some of it has arrived.", 5
)


def too_often(seconds: int) -> Refusal:
    return Refusal(429, "too_many_requests", "Too many requests. Try again in a moment.", seconds)


class RefusalLog:
    """Whoever floods us with what is refused does not flood the log."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[float, int]] = {}

    def note(self, event: str, reason: str, **more: str) -> None:
        """`more` is of the one that is written; `unwritten` counts those of its kind since the last line."""
        now = time.monotonic()
        written_at, unwritten = self._kinds.get(f"{event} {reason}", (float("-inf"), 0))
        if now - written_at < _SECONDS:
            self._kinds[f"{event} {reason}"] = (written_at, unwritten + 1)
            return
        self._kinds[f"{event} {reason}"] = (now, 0)
        log.info(event, reason=reason, unwritten=unwritten, **more)
