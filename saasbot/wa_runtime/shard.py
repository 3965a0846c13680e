"""One bridge process and the numbers it shall hold: kept running, restarted with growing pauses, suspected when it keeps dying."""

import asyncio
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.backoff import pause_seconds
from saasbot.wa_runtime.bridge import DRAIN_SECONDS, number_line
from saasbot.wa_runtime.child import GO_CRASH, Child
from saasbot.wa_runtime.transport import NumberRef

log = get_logger(__name__)

MODULE = "saasbot.wa_runtime.bridge"
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
CRASH_WINDOW_SECONDS = 300
SHORT_LIFE_SECONDS = 5
CRASHES_TO_SUSPECT, CRASHES_OF_A_SUSPECT = 3, 2
SILENCE_SECONDS = 60
"""A bridge that says nothing for so long hangs: its loop is frozen, and so are its numbers."""
RESIDENT_LIMIT = 700 * 1024 * 1024
"""The library leaks a little with every connection; a bridge this large is drained and started anew."""

BEATS_TO_LOG = 60
"""How many heartbeats pass between two lines about a bridge's memory: five minutes."""

_names = count(1)


class Shard:
    """`on_crash(shard)` is called when its process ended unasked; `on_hopeless(shard)` when it does so again and again, and the
    shard has stopped trying."""

    def __init__(
        self,
        numbers: dict[UUID, NumberRef],
        log_dir: Path,
        *,
        on_crash: Callable[["Shard"], None],
        on_hopeless: Callable[["Shard"], None],
        suspect: bool = False,
    ) -> None:
        self.name = next(_names)
        self.numbers = numbers
        self.suspect = suspect
        self.held: set[UUID] = set()
        self.restarts_in: float | None = None
        self._log_file = log_dir / f"bridge-{self.name}.log"
        self._on_crash, self._on_hopeless = on_crash, on_hopeless
        self._crashes: list[float] = []
        self._child: Child | None = None
        self._started_at = 0.0
        self._beat, self._beats = asyncio.Event(), 0
        self._ending = False
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name=f"bridge-{self.name}")

    @property
    def abandoned(self) -> bool:
        """Its keeper has ended: nobody starts its process again."""
        return self._task.done()

    @property
    def fault(self) -> BaseException | None:
        """What its keeper died of, if of an error."""
        return self._task.exception() if self.abandoned and not self._task.cancelled() else None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.alive else None

    def keep(self, numbers: dict[UUID, NumberRef]) -> None:
        """These of its numbers stay. The crashes may have been those of one that leaves: whoever is left alone begins anew, for
        it would be stopped for them. Several would only be tried in halves.
        """
        if numbers.keys() != self.numbers.keys() and len(numbers) <= 1:
            self._crashes = []
        self.numbers = numbers

    def tell(self) -> None:
        """Make it hold exactly `numbers`."""
        if self._child is not None:
            self._child.tell({"numbers": [number_line(ref) for ref in self.numbers.values()]})

    async def end(self) -> None:
        """Drain it; returns when its process is gone."""
        self._ending = True
        if self._child is not None:
            await self._child.end(DRAIN_SECONDS + 1)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        failures = 0
        while not self._ending:
            self._started_at = self._loop.time()
            code = await self._live()
            lived = self._loop.time() - self._started_at
            if self._ending or (code == 0 and lived > SHORT_LIFE_SECONDS):
                continue  # recycled
            failures = 1 if lived > CRASH_WINDOW_SECONDS else failures + 1
            self._log_end(code, lived)
            if code < 0 and self._crashed_too_often():
                self._on_hopeless(self)
                return
            self.restarts_in = pause_seconds(failures, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
            self._on_crash(self)
            await asyncio.sleep(self.restarts_in)
            self.restarts_in = None

    def _crashed_too_often(self) -> bool:
        """Only ends by a signal count: an exit code is our own program's, which the database or the disk has stopped."""
        now = self._loop.time()
        self._crashes = [at for at in self._crashes if now - at < CRASH_WINDOW_SECONDS] + [now]
        return len(self._crashes) >= (CRASHES_OF_A_SUSPECT if self.suspect else CRASHES_TO_SUSPECT)

    def _log_end(self, code: int, lived: float) -> None:
        log.error(
            "bridge.ended",
            bridge=self.name,
            exit_code=code,
            go_crash=code == GO_CRASH,
            seconds=round(lived, 1),
            numbers=len(self.numbers),
            log_file=str(self._log_file),
        )

    async def _live(self) -> int:
        """One process, from start to end. Its exit code."""
        child = self._child = Child(MODULE, self._log_file, self._heard)
        try:
            await child.start()
        except OSError as error:
            log.error("bridge.not_started", bridge=self.name, error=str(error))
            return os.EX_OSERR
        self.tell()
        watching = asyncio.create_task(self._watch(child))
        try:
            return await child.wait()
        finally:
            watching.cancel()
            self.held = set()

    def _heard(self, line: dict[str, Any]) -> None:
        self._beat.set()
        self._beats += 1
        if self._beats % BEATS_TO_LOG == 1:
            log.info("bridge.alive", bridge=self.name, numbers=len(line["held"]), megabytes=line["resident"] >> 20)
        self.held = {UUID(channel_id) for channel_id in line["held"]}
        self.suspect = self.suspect and self._loop.time() - self._started_at < CRASH_WINDOW_SECONDS
        if line["resident"] > RESIDENT_LIMIT and self._child is not None and not self._ending:
            log.warning("bridge.too_large", bridge=self.name, megabytes=line["resident"] >> 20)
            self._child.stop()

    async def _watch(self, child: Child) -> None:
        try:
            while True:
                self._beat.clear()
                async with asyncio.timeout(SILENCE_SECONDS):
                    await self._beat.wait()
        except TimeoutError:
            log.error("bridge.silent", bridge=self.name, seconds=SILENCE_SECONDS)
            child.kill()
