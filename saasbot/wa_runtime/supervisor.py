"""Keeps every WhatsApp number that shall run in some bridge process, and every attempt to link one in a process of its own.

It lives in the app and never imports the library: the library can end its process at any moment, and does.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import numbers_to_run
from saasbot.domain.channels.act_outbox import settle_abandoned_acts
from saasbot.domain.channels.lease import lease_holder
from saasbot.domain.channels.outbox_marks import settle_abandoned
from saasbot.domain.channels.state import report_state
from saasbot.infra import process_identity
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.events import Event, Listener
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import ChannelKind, ChannelStatus
from saasbot.wa_runtime.pairings import Pairings
from saasbot.wa_runtime.shard import Shard
from saasbot.wa_runtime.transport import NumberRef

log = get_logger(__name__)

_POLL_SECONDS = 5.0
_STAGGER_SECONDS = 0.5


class Supervisor:
    """Make it before the listener starts (it subscribes), start it after."""

    def __init__(self, listener: Listener) -> None:
        self._look = asyncio.Event()
        self._stopping = False
        self._watcher: asyncio.Task[None] | None = None
        self._shards: list[Shard] = []
        self._background: set[asyncio.Task[None]] = set()
        self._log_dir = settings().data_dir / "logs"
        self._per_bridge = settings().numbers_per_bridge
        self._pairings = Pairings(self._log_dir)
        listener.on_event(self._on_event)
        listener.on_gap(self._look.set)

    async def start(self) -> None:
        """Numbers that shall run start to; those without a session show a code to link them."""
        self._watcher = asyncio.create_task(self._watch(), name="whatsapp-supervisor")

    async def stop(self) -> None:
        """Returns when every bridge is drained and gone."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        self._stopping = True
        await asyncio.gather(self._pairings.stop(), *(shard.end() for shard in self._shards), *self._background)

    def is_running(self) -> bool:
        return self._watcher is not None and not self._watcher.done()

    @property
    def bridges(self) -> dict[int, set[UUID]]:
        """Process id of each living bridge, and the numbers it holds."""
        return {shard.pid: shard.held for shard in self._shards if shard.pid is not None}

    def _on_event(self, event: Event) -> None:
        if event.kind == "channel":
            self._look.set()

    async def _watch(self) -> None:
        while True:
            self._look.clear()
            try:
                await self._reconcile()
            except DOWN as error:
                log.warning("supervisor.numbers_unknown", error=str(error))
            except Exception:  # whatever one number causes, the others need their supervisor
                log.exception("supervisor.failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._look.wait()

    async def _reconcile(self) -> None:
        numbers = await numbers_to_run(ChannelKind.WHATSAPP)
        await self._pairings.set_wanted([number for number in numbers if number.device_jid is None])
        wanted = {
            n.channel_id: NumberRef(n.company_id, n.channel_id, n.device_jid)
            for n in numbers
            if n.device_jid is not None
        }
        self._keep_only(wanted)
        placed = {channel_id for shard in self._shards for channel_id in shard.numbers}
        for channel_id, ref in wanted.items():
            if channel_id not in placed:
                await self._announce(ref)
                await self._place(ref)
        for shard in self._shards:
            shard.tell()
        for shard in [shard for shard in self._shards if not shard.numbers]:
            self._shards.remove(shard)
            self._in_background(shard.end())

    def _keep_only(self, wanted: dict[UUID, NumberRef]) -> None:
        """Numbers that shall not run leave their shard; one that was linked anew stays with its new session."""
        for shard in self._shards:
            shard.numbers = {channel_id: wanted[channel_id] for channel_id in shard.numbers if channel_id in wanted}

    async def _place(self, ref: NumberRef) -> None:
        """Into a bridge with room, else into a new one. A suspect keeps its numbers to itself."""
        for shard in self._shards:
            if not shard.suspect and len(shard.numbers) < self._per_bridge:
                shard.numbers[ref.channel_id] = ref
                return
        if self._shards:
            await asyncio.sleep(_STAGGER_SECONDS)
        self._open({ref.channel_id: ref})

    async def _announce(self, ref: NumberRef) -> None:
        """What the number did when it was last held is over; its process will need seconds to say so itself."""
        actor = Actor.system(ref.company_id)
        async with unit_of_work(actor):
            other = await lease_holder(actor, ref.channel_id)
            if other is None or process_identity.is_dead(other):
                await report_state(actor, ref.channel_id, epoch=None, status=ChannelStatus.STARTING)

    def _open(self, numbers: dict[UUID, NumberRef], *, suspect: bool = False) -> None:
        shard = Shard(numbers, self._log_dir, on_crash=self._crashed, on_hopeless=self._split_or_stop, suspect=suspect)
        self._shards.append(shard)

    def _crashed(self, shard: Shard) -> None:
        """Its numbers are not connected until it is back: say so."""
        assert shard.restarts_in is not None
        retry_at = datetime.now(UTC) + timedelta(seconds=shard.restarts_in)
        for ref in shard.numbers.values():
            self._in_background(self._report(ref, ChannelStatus.RECONNECTING, "bridge_restarting", retry_at=retry_at))

    def _split_or_stop(self, shard: Shard) -> None:
        """One of its numbers may be what kills it: try them in halves, and stop the one that dies alone."""
        self._shards.remove(shard)
        if self._stopping:
            return
        refs = list(shard.numbers.values())
        if len(refs) == 1:
            log.error("supervisor.number_quarantined", channel_id=str(refs[0].channel_id))
            self._in_background(self._report(refs[0], ChannelStatus.FAILED, "bridge_crashed", ended=True))
            return
        for half in (refs[: len(refs) // 2], refs[len(refs) // 2 :]):
            if half:
                self._open({ref.channel_id: ref for ref in half}, suspect=True)

    async def _report(
        self,
        ref: NumberRef,
        status: ChannelStatus,
        reason: str,
        *,
        retry_at: datetime | None = None,
        ended: bool = False,
    ) -> None:
        actor = Actor.system(ref.company_id)
        try:
            async with unit_of_work(actor):
                await report_state(
                    actor, ref.channel_id, epoch=None, status=status, reason=reason, retry_at=retry_at, ended=ended
                )
                if ended:  # nobody holds it, and nobody will who could say what became of what was in hand
                    await settle_abandoned(actor, ref.channel_id)
                    await settle_abandoned_acts(actor, ref.channel_id)
        except NotFound:
            pass  # deleted meanwhile
        except DOWN as error:
            log.warning("supervisor.state_not_written", channel_id=str(ref.channel_id), error=str(error))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
