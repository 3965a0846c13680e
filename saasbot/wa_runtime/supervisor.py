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
from saasbot.domain.admin.runtime import (
    deleted_numbers_with_queued,
    numbers_left_in_hand,
    numbers_to_run,
    outdated_numbers,
)
from saasbot.domain.channels.act_outbox import settle_abandoned_acts
from saasbot.domain.channels.manage import resume_outdated
from saasbot.domain.channels.outbox_drops import drop_queued_of_channel
from saasbot.domain.channels.outbox_marks import settle_abandoned
from saasbot.domain.channels.outdated import client_version
from saasbot.domain.channels.state import report_state
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.events import Event, Listener
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import ChannelKind, ChannelStatus
from saasbot.wa_runtime.pairings import Pairings
from saasbot.wa_runtime.shard import Shard
from saasbot.wa_runtime.transport import NumberRef
from saasbot.wa_runtime.unheld import report_unheld

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
            await asyncio.gather(self._watcher, return_exceptions=True)
        self._stopping = True
        ends = self._pairings.stop(), *(shard.end() for shard in self._shards), *self._background
        for failed in await asyncio.gather(*ends, return_exceptions=True):  # none keeps the others from being drained
            if isinstance(failed, BaseException):
                log.error("supervisor.not_ended", exc_info=failed)

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
        resumed = False
        while True:
            self._look.clear()
            try:
                await self._reconcile()
                await _settle_left_in_hand()
                if not resumed:
                    await self._resume_outdated()
                    resumed = True
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
            if n.device_jid is not None and not n.blocked  # no bridge holds it until then: one that restarts would dial
        }
        self._keep_only(wanted)
        self._drop_abandoned()
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

    async def _resume_outdated(self) -> None:
        """Once, at the start: what WhatsApp refused an older client may be open to this one."""
        for company_id, channel_id in await outdated_numbers(client_version()):
            actor = Actor.system(company_id)
            with contextlib.suppress(NotFound):
                async with unit_of_work(actor):
                    await resume_outdated(actor, channel_id)

    def _keep_only(self, wanted: dict[UUID, NumberRef]) -> None:
        """Numbers that shall not run leave their shard; one that was linked anew stays with its new session."""
        for shard in self._shards:
            shard.keep({channel_id: wanted[channel_id] for channel_id in shard.numbers if channel_id in wanted})

    def _drop_abandoned(self) -> None:
        """Whatever nobody thought of that ended a bridge's keeper, its numbers are placed anew."""
        for shard in [shard for shard in self._shards if shard.abandoned]:
            log.error(
                "supervisor.bridge_abandoned", bridge=shard.name, numbers=len(shard.numbers), exc_info=shard.fault
            )
            self._shards.remove(shard)
            self._in_background(shard.end())

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
            await report_state(
                actor, ref.channel_id, epoch=None, device_jid=ref.device_jid, status=ChannelStatus.STARTING
            )

    def _open(self, numbers: dict[UUID, NumberRef], *, suspect: bool = False) -> None:
        shard = Shard(numbers, self._log_dir, on_crash=self._crashed, on_hopeless=self._split_or_stop, suspect=suspect)
        self._shards.append(shard)

    def _crashed(self, shard: Shard) -> None:
        """Its numbers are not connected until it is back: say so."""
        assert shard.restarts_in is not None
        retry_at = datetime.now(UTC) + timedelta(seconds=shard.restarts_in)
        for ref in shard.numbers.values():
            self._in_background(report_unheld(ref, ChannelStatus.RECONNECTING, "bridge_restarting", retry_at=retry_at))

    def _split_or_stop(self, shard: Shard) -> None:
        """One of its numbers may be what kills it: try them in halves, and stop the one that dies alone."""
        self._shards.remove(shard)
        if self._stopping:
            return
        refs = list(shard.numbers.values())
        if len(refs) == 1:
            log.error("supervisor.number_quarantined", channel_id=str(refs[0].channel_id))
            self._in_background(report_unheld(refs[0], ChannelStatus.FAILED, "bridge_crashed", ended=True))
            return
        for half in (refs[: len(refs) // 2], refs[len(refs) // 2 :]):
            if half:
                self._open({ref.channel_id: ref for ref in half}, suspect=True)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _settle_left_in_hand() -> None:
    """What was in hand when a number of any kind, simulated or not, was last held, and nobody comes who could say what became of it:
    its holder died or lost the database, and its owner stopped or deleted it before the next one. And what a holder put back into
    the outbox of a number that was deleted meanwhile."""
    for company_id, channel_id, epoch in await numbers_left_in_hand():
        actor = Actor.system(company_id)
        async with unit_of_work(actor):
            # whoever takes the number at this instant has a higher epoch: what that one sends is left alone
            doubtful = await settle_abandoned(actor, channel_id, epoch=epoch + 1)
            await settle_abandoned_acts(actor, channel_id, epoch=epoch + 1)
        log.warning("outbox.interrupted", channel_id=str(channel_id), messages=len(doubtful))
    for company_id, channel_id in await deleted_numbers_with_queued():
        actor = Actor.system(company_id)
        async with unit_of_work(actor):
            await drop_queued_of_channel(actor, channel_id, error="number_deleted")
