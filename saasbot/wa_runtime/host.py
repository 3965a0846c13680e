"""The numbers that one process holds: started, woken, commanded and drained together."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from saasbot.domain.channels.commands import COMMANDS, MEDIA, OUTBOX
from saasbot.infra.events import Listener
from saasbot.infra.logging import get_logger
from saasbot.models import ChannelStatus
from saasbot.wa_runtime.backoff import pause_seconds
from saasbot.wa_runtime.number import Number
from saasbot.wa_runtime.transport import NumberRef, Transport, Wiring
from saasbot.wa_runtime.unheld import report_unheld

log = get_logger(__name__)

_STAGGER_SECONDS = 0.05
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
STEADY_SECONDS = 300
"""A number that dies after so long begins anew with its pauses."""


class NumberHost:
    """Runs a `Number` for each wanted reference, and only for those."""

    def __init__(
        self,
        listener: Listener,
        make_transport: Callable[[NumberRef, Wiring], Transport],
        spool_dir: Path,
        *,
        redelivers: bool,
    ) -> None:
        """`redelivers`: of the transports that are made (`Transport.redelivers`)."""
        self._make_transport = make_transport
        self._spool_dir, self._redelivers = spool_dir, redelivers
        self._numbers: dict[UUID, Number] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._pausing: set[UUID] = set()
        self._background: set[asyncio.Task[None]] = set()
        listener.subscribe(OUTBOX, self._on_outbox)
        listener.subscribe(MEDIA, self._on_media)
        listener.subscribe(COMMANDS, self._on_command)
        listener.on_gap(self._wake_all)

    @property
    def held(self) -> set[UUID]:
        """The numbers at work: not those that died and pause."""
        return self._numbers.keys() - self._pausing

    async def set_wanted(self, wanted: Iterable[NumberRef]) -> None:
        """Start what is missing, staggered, and stop what is no longer wanted (or was paired with another session)."""
        by_id = {ref.channel_id: ref for ref in wanted}
        stale = [channel_id for channel_id, number in self._numbers.items() if by_id.get(channel_id) != number.ref]
        for channel_id in stale:
            self._numbers[channel_id].stop()
        if ending := [self._tasks[c] for c in stale if c in self._tasks]:
            await asyncio.wait(ending)  # whoever cancels this, at the end of the process, leaves them to `stop`
        for channel_id, ref in by_id.items():
            if channel_id not in self._tasks:
                self._start(ref)
                await asyncio.sleep(_STAGGER_SECONDS)

    async def stop(self) -> None:
        """Drain every number; returns when all leases are released."""
        for number in self._numbers.values():
            number.stop()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _start(self, ref: NumberRef) -> None:
        number = self._make(ref)
        self._tasks[ref.channel_id] = asyncio.create_task(self._run(number), name=f"number-{ref.channel_id}")

    def _make(self, ref: NumberRef) -> Number:
        number = Number(ref, self._make_transport, self._spool_dir, redelivers=self._redelivers)
        self._numbers[ref.channel_id] = number
        return number

    async def _run(self, number: Number) -> None:
        """Until it is over. A number that dies begins anew, with growing pauses while it goes on dying."""
        ref, failures = number.ref, 0
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    await number.run()
                    return
                except Exception:
                    log.exception("number.crashed", channel_id=str(ref.channel_id))
                failures = 1 if loop.time() - began > STEADY_SECONDS else failures + 1
                await self._pause(number, failures)
                if number.stopped.is_set():
                    return
                number = self._make(ref)
        finally:
            self._numbers.pop(ref.channel_id, None)
            self._tasks.pop(ref.channel_id, None)

    async def _pause(self, number: Number, failures: int) -> None:
        """Say that it died, and wait: no longer than until it is stopped."""
        if number.stopped.is_set():
            return
        seconds = pause_seconds(failures, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        self._pausing.add(number.ref.channel_id)
        try:
            # nobody holds it now who could say so: the database would go on calling it open
            retry_at = datetime.now(UTC) + timedelta(seconds=seconds)
            await report_unheld(number.ref, ChannelStatus.RECONNECTING, "transport_fault", retry_at=retry_at)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await number.stopped.wait()
        finally:
            self._pausing.discard(number.ref.channel_id)

    def _on_outbox(self, payload: str) -> None:
        number = self._numbers.get(UUID(json.loads(payload)["channel"]))
        if number is not None:
            number.wake_outbox()

    def _on_media(self, payload: str) -> None:
        number = self._numbers.get(UUID(json.loads(payload)["channel"]))
        if number is not None:
            number.wake_media()

    def _on_command(self, payload: str) -> None:
        arguments = json.loads(payload)
        number = self._numbers.get(UUID(arguments.pop("channel")))
        if number is None:
            return
        task = asyncio.create_task(self._command(number, arguments.pop("command"), arguments))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _command(self, number: Number, command: str, arguments: dict[str, object]) -> None:
        try:
            await number.command(command, arguments)
        except Exception:
            log.exception("number.command_failed", channel_id=str(number.ref.channel_id), command=command)

    def _wake_all(self) -> None:
        for number in self._numbers.values():
            number.wake_outbox()
            number.wake_media()
            number.say_state()
