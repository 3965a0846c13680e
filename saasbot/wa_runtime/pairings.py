"""The attempts to link a number that are under way: one throw-away process each, a few at once."""

import asyncio
import contextlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import NumberToRun
from saasbot.domain.channels.pairing import give_up_pairing
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import ChannelStatus
from saasbot.wa_runtime.backoff import pause_seconds
from saasbot.wa_runtime.child import Child
from saasbot.wa_runtime.transport import NumberRef
from saasbot.wa_runtime.unheld import report_unheld

log = get_logger(__name__)

MODULE = "saasbot.wa_runtime.pair"
ATTEMPT_SECONDS = 165 + 30
"""WhatsApp ends an attempt after 160; the rest is for connecting before and, once a phone has used a code, logging in."""
LINKED_SECONDS = 90
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 2.0, 60.0
CRASHES = 3
_END_SECONDS = 6

_DATABASE_AWAY = "database_away"
_TRY_AGAIN = frozenset({"network_unreachable", "proxy_unreachable", "not_wanted", _DATABASE_AWAY})


@dataclass
class _Attempt:
    number: NumberToRun
    task: asyncio.Task[None] | None = None
    id: UUID | None = None
    """Which attempt the process runs, as the last look knew: the one that was asked for when it started, then `said`."""
    said: UUID | None = None
    """What it has said itself. A look that began before that knows the other one: both are right until the next look."""
    ended: str | None = None
    deadline: float = 0.0


class Pairings:
    """Told which numbers shall be linked, it runs their attempts until each is linked, over, or no longer wanted."""

    def __init__(self, log_dir: Path) -> None:
        self._log_file = log_dir / "pairing.log"
        self._attempts: dict[UUID, _Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(settings().pairings_at_once)
        self._loop = asyncio.get_running_loop()

    async def set_wanted(self, numbers: list[NumberToRun]) -> None:
        """Start what is missing, end what is no longer wanted or was replaced by a newer attempt."""
        wanted = {number.channel_id: number for number in numbers}
        for channel_id, attempt in list(self._attempts.items()):
            now = wanted.get(channel_id)
            if now is None or (attempt.id is not None and now.pairing_attempt not in (attempt.id, attempt.said)):
                self._abandon(channel_id)
            attempt.id = attempt.said or attempt.id
        for channel_id, number in wanted.items():
            if channel_id not in self._attempts:
                attempt = self._attempts[channel_id] = _Attempt(number, id=number.pairing_attempt)
                attempt.task = asyncio.create_task(self._run(attempt), name=f"pairing-{channel_id}")
                self._tasks.add(attempt.task)
                attempt.task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Returns when every process is gone."""
        for channel_id in list(self._attempts):
            self._abandon(channel_id)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abandon(self, channel_id: UUID) -> None:
        """Its process ends in a moment; a newer one waits for the number's lease meanwhile."""
        attempt = self._attempts.pop(channel_id, None)
        if attempt is not None and attempt.task is not None:
            attempt.task.cancel()

    async def _run(self, attempt: _Attempt) -> None:
        """Processes one after the other, until one has written a result that stands."""
        channel_id, tries, crashes = attempt.number.channel_id, 0, 0
        try:
            while True:
                tries += 1
                pause = pause_seconds(tries, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
                if self._slots.locked():  # this one begins when one of them is over
                    log.info("pairing.waits", channel_id=str(channel_id))
                    await self._report(attempt, ChannelStatus.STARTING, "pairing_busy")
                async with self._slots:
                    code = await self._process(attempt, pause)
                log.info("pairing.ended", channel_id=str(channel_id), reason=attempt.ended, exit_code=code)
                if attempt.ended is None:
                    crashes += 1
                    if crashes >= CRASHES:
                        await self._give_up(attempt)
                        return
                elif attempt.ended not in _TRY_AGAIN:
                    return
                else:
                    crashes = 0
                if attempt.ended == _DATABASE_AWAY:  # it could not say so itself
                    retry_at = datetime.now(UTC) + timedelta(seconds=pause)
                    await self._report(attempt, ChannelStatus.RECONNECTING, "store_unavailable", retry_at)
                await asyncio.sleep(pause)
        finally:
            if self._attempts.get(channel_id) is attempt:
                del self._attempts[channel_id]

    async def _process(self, attempt: _Attempt, retry_in: float) -> int:
        attempt.ended, attempt.deadline = None, self._loop.time() + ATTEMPT_SECONDS

        def heard(line: dict[str, Any]) -> None:
            if line.get("linked"):
                attempt.deadline = self._loop.time() + LINKED_SECONDS
            attempt.ended = line.get("ended", attempt.ended)
            if "attempt" in line:
                attempt.said = UUID(line["attempt"])

        child = Child(MODULE, self._log_file, heard)
        try:
            await child.start()
            child.tell(
                {
                    "company_id": str(attempt.number.company_id),
                    "channel_id": str(attempt.number.channel_id),
                    "retry_in": retry_in,
                }
            )
            return await self._until_over(child, attempt)
        except OSError as error:
            log.error("pairing.not_started", error=str(error))
            return os.EX_OSERR
        finally:
            await asyncio.shield(child.end(_END_SECONDS))

    async def _until_over(self, child: Child, attempt: _Attempt) -> int:
        waiting = asyncio.ensure_future(child.wait())
        while not waiting.done() and (rest := attempt.deadline - self._loop.time()) > 0:
            await asyncio.wait({waiting}, timeout=rest)
        if not waiting.done():
            log.warning("pairing.took_too_long", channel_id=str(attempt.number.channel_id))
            child.kill()
        return await waiting

    async def _report(
        self, attempt: _Attempt, status: ChannelStatus, reason: str, retry_at: datetime | None = None
    ) -> None:
        """What its owner reads while no process is at work for it."""
        ref = NumberRef(attempt.number.company_id, attempt.number.channel_id, None)
        await report_unheld(ref, status, reason, retry_at=retry_at)

    async def _give_up(self, attempt: _Attempt) -> None:
        """The process dies each time: the number stops until its owner asks again."""
        actor, channel_id = Actor.system(attempt.number.company_id), attempt.number.channel_id
        with contextlib.suppress(NotFound, *DOWN):
            async with unit_of_work(actor):
                await give_up_pairing(actor, channel_id, attempt=attempt.said or attempt.id)
