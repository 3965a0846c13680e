"""The numbers that one process holds: started, woken, commanded and drained together."""

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import UUID

from saasbot.domain.channels.commands import COMMANDS, MEDIA, OUTBOX
from saasbot.infra.events import Listener
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.number import Number
from saasbot.wa_runtime.transport import NumberRef, Transport, Wiring

log = get_logger(__name__)

_STAGGER_SECONDS = 0.05


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
        self._background: set[asyncio.Task[None]] = set()
        listener.subscribe(OUTBOX, self._on_outbox)
        listener.subscribe(MEDIA, self._on_media)
        listener.subscribe(COMMANDS, self._on_command)
        listener.on_gap(self._wake_all)

    @property
    def held(self) -> set[UUID]:
        return set(self._numbers)

    async def set_wanted(self, wanted: Iterable[NumberRef]) -> None:
        """Start what is missing, staggered, and stop what is no longer wanted (or was paired with another session)."""
        by_id = {ref.channel_id: ref for ref in wanted}
        stale = [channel_id for channel_id, number in self._numbers.items() if by_id.get(channel_id) != number.ref]
        for channel_id in stale:
            self._numbers[channel_id].stop()
        if stale:
            await asyncio.gather(*(self._tasks[c] for c in stale if c in self._tasks), return_exceptions=True)
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
        number = Number(ref, self._make_transport, self._spool_dir, redelivers=self._redelivers)
        self._numbers[ref.channel_id] = number
        self._tasks[ref.channel_id] = asyncio.create_task(self._run(number), name=f"number-{ref.channel_id}")

    async def _run(self, number: Number) -> None:
        channel_id = number.ref.channel_id
        try:
            await number.run()
        except Exception:
            log.exception("number.crashed", channel_id=str(channel_id))
        finally:
            self._numbers.pop(channel_id, None)
            self._tasks.pop(channel_id, None)

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
