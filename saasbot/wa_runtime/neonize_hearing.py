"""Whether a connected number still hears: a question to WhatsApp now and then, when nothing else has been heard.

The library pings by itself and doubts a socket that is dead within forty seconds, but goes on with it for three minutes; and an
acknowledgement that does not come it only waits for. So where there is doubt a question is asked at once, and where it is quiet
against expectation after a while. An unanswered one means that the connection must be made anew; one late ping means nothing.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.neonize_client import LibraryClient  # first: it prepares the library's import
from saasbot.wa_runtime.neonize_gate import NotPassed, passed

from neonize.exc import NeonizeError  # isort: skip

log = get_logger(__name__)

QUIET_SECONDS = 80
"""A number that usually hears something is asked about after so long: with the answer's time, deafness lasts two minutes at most."""
CALM_AFTER_SECONDS, CALM_SECONDS = 900, 600
"""One that has heard nothing for a quarter of an hour has nobody who writes: the library's own pings are enough for it, nearly."""
ANSWER_SECONDS = 15
_UNHEARD = ("websocket", "not connected", "disconnected", "timed out", "timeout", "client is nil", "closed")


class Hearing:
    """Of one client, for as long as it is logged in."""

    def __init__(self, client: LibraryClient) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._heard = self._asked = self._loop.time()
        self._answered_at = datetime.now(UTC)
        self._doubt = asyncio.Event()

    def heard(self) -> None:
        """From any thread: something came."""
        self._heard = self._loop.time()

    @property
    def heard_at(self) -> datetime:
        """When something came last, be it an answer; at first, when the number was logged in."""
        came_at = datetime.now(UTC) - timedelta(seconds=self._loop.time() - self._heard)
        return max(came_at, self._answered_at)

    def doubt(self, answered_at: datetime | None = None) -> None:
        """Something that should have come has not: ask at once. `answered_at`: when WhatsApp answered the library last."""
        if answered_at is not None:
            self._answered_at = max(self._answered_at, answered_at)
        self._doubt.set()

    async def until_deaf(self) -> None:
        """Returns when a question stays without an answer."""
        while True:
            try:
                # one that was calm may be no more: looked at as often as if it were not
                async with asyncio.timeout_at(min(self._due(), self._loop.time() + QUIET_SECONDS)):
                    await self._doubt.wait()
            except TimeoutError:
                if self._loop.time() < self._due():
                    continue
            self._doubt.clear()
            self._asked = self._loop.time()
            if not await self._answered():
                return
            self._answered_at = datetime.now(UTC)

    def _due(self) -> float:
        calm = self._loop.time() - self._heard > CALM_AFTER_SECONDS
        return max(self._heard, self._asked) + (CALM_SECONDS if calm else QUIET_SECONDS)

    async def _answered(self) -> bool:
        try:
            asking = await passed(self._client.api.get_blocklist())  # small, and nothing remembers its answer
        except NotPassed:
            log.warning("neonize.not_asked")
            return False
        done, _ = await asyncio.wait({asking}, timeout=ANSWER_SECONDS)
        if not done:
            asking.add_done_callback(lambda late: late.cancelled() or late.exception())
            log.warning("neonize.unheard", seconds=ANSWER_SECONDS)
            return False
        error = asking.exception()
        if isinstance(error, NeonizeError):  # a refusal was heard as well
            return not any(word in str(error).lower() for word in _UNHEARD)
        if error is not None:
            raise error
        return True
