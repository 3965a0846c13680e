"""Runs every simulated number within the app: the paired ones at work, the others showing a QR."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import NumberToRun, numbers_to_run
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.lease import (
    RENEW_SECONDS,
    LeaseLost,
    acquire_lease,
    lease_holder,
    release_lease,
    renew_lease,
)
from saasbot.domain.channels.pairing import begin_pairing, complete_pairing, fail_pairing, show_code
from saasbot.domain.simulator.access import TOPIC
from saasbot.domain.simulator.faults import spend
from saasbot.infra import process_identity
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.events import Event, Listener
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import ChannelKind, Desired
from saasbot.wa_runtime.host import NumberHost
from saasbot.wa_runtime.simulator.pairing import SimulatorPairing
from saasbot.wa_runtime.simulator.transport import SimulatorTransport
from saasbot.wa_runtime.transport import NumberRef, PairingCode, PairingFailed, Wiring

log = get_logger(__name__)

_POLL_SECONDS = 5.0


class _NoLongerWanted(Exception):
    """Another attempt has taken this one's place, or its owner has stopped it."""


@dataclass
class _Attempt:
    """A pairing at work. Its ids are known once it has begun."""

    task: asyncio.Task[None] | None = None
    id: UUID | None = None
    pairing: SimulatorPairing | None = None


class SimulatorRuntime:
    """Make it before the listener starts (it subscribes), start it after."""

    def __init__(self, listener: Listener) -> None:
        self._transports: dict[UUID, SimulatorTransport] = {}
        self._attempts: dict[UUID, _Attempt] = {}
        self._look = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._host = NumberHost(
            listener,
            self._make_transport,
            settings().data_dir / "spool",
            redelivers=SimulatorTransport.redelivers,
        )
        listener.subscribe(TOPIC, self._notified)
        listener.on_event(self._on_event)
        listener.on_gap(self._on_gap)

    async def start(self) -> None:
        """Numbers that shall run start to; those that were paired need no QR."""
        self._watcher = asyncio.create_task(self._watch(), name="simulator-runtime")

    async def stop(self) -> None:
        """Returns when every number is drained and its lease released."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        await asyncio.gather(*(self._abandon(channel_id) for channel_id in list(self._attempts)))
        await self._host.stop()

    def _make_transport(self, ref: NumberRef, wiring: Wiring) -> SimulatorTransport:
        transport = SimulatorTransport(ref, wiring)
        self._transports[ref.channel_id] = transport
        return transport

    def _notified(self, payload: str) -> None:
        what = json.loads(payload)
        channel_id = UUID(what.pop("channel"))
        if channel_id in self._transports:
            self._transports[channel_id].notified(what)
        attempt = self._attempts.get(channel_id)
        if attempt is not None and attempt.pairing is not None:
            attempt.pairing.notified()

    def _on_event(self, event: Event) -> None:
        if event.kind == "channel":
            self._look.set()

    def _on_gap(self) -> None:
        self._look.set()
        for transport in self._transports.values():
            transport.missed()
        for attempt in self._attempts.values():
            if attempt.pairing is not None:
                attempt.pairing.notified()

    async def _watch(self) -> None:
        while True:
            self._look.clear()
            try:
                # an attempt that begins while the numbers are read is newer than what they say of it
                begun = {channel_id: attempt.id for channel_id, attempt in self._attempts.items()}
                await self._reconcile(await numbers_to_run(ChannelKind.SIMULATOR), begun)
            except DOWN as error:
                log.warning("simulator.numbers_unknown", error=str(error))
            except Exception:
                log.exception("simulator.watch_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._look.wait()

    async def _reconcile(self, numbers: list[NumberToRun], begun: dict[UUID, UUID | None]) -> None:
        unpaired = {n.channel_id: n for n in numbers if n.device_jid is None}
        for channel_id in list(self._attempts):
            wanted, attempt_id = unpaired.get(channel_id), begun.get(channel_id)
            if wanted is None or (attempt_id is not None and wanted.pairing_attempt != attempt_id):
                await self._abandon(channel_id)
        for channel_id, number in unpaired.items():
            if channel_id not in self._attempts:
                attempt = self._attempts[channel_id] = _Attempt()
                attempt.task = asyncio.create_task(
                    self._pair(number.company_id, channel_id, attempt), name=f"pairing-{channel_id}"
                )
        paired = [NumberRef(n.company_id, n.channel_id, n.device_jid) for n in numbers if n.device_jid is not None]
        await self._host.set_wanted(paired)
        for channel_id in set(self._transports) - self._host.held:
            del self._transports[channel_id]

    async def _abandon(self, channel_id: UUID) -> None:
        attempt = self._attempts.get(channel_id)
        if attempt is not None and attempt.task is not None:
            attempt.task.cancel()
            await asyncio.gather(attempt.task, return_exceptions=True)

    async def _pair(self, company_id: UUID, channel_id: UUID, attempt: _Attempt) -> None:
        """One attempt under the number's lease, so that of several processes one shows codes."""
        actor = Actor.system(company_id)
        try:
            async with unit_of_work(actor):
                other = await lease_holder(actor, channel_id)
                dead = other is not None and (
                    other == process_identity.this_process() or process_identity.is_dead(other)
                )
                epoch = await acquire_lease(
                    actor, channel_id, holder=process_identity.this_process(), holder_is_dead=dead
                )
            if epoch is None:
                return
            renewing = asyncio.create_task(_renew(actor, channel_id, epoch))
            try:
                await self._attempt(actor, channel_id, attempt)
            finally:
                renewing.cancel()
                async with unit_of_work(actor):
                    await release_lease(actor, channel_id, epoch=epoch)
        except (NotFound, _NoLongerWanted):
            log.info("simulator.pairing_abandoned", channel_id=str(channel_id))
        except DOWN as error:
            log.warning("simulator.pairing_interrupted", channel_id=str(channel_id), error=str(error))
        except Exception:
            log.exception("simulator.pairing_failed", channel_id=str(channel_id))
        finally:
            self._attempts.pop(channel_id, None)

    async def _attempt(self, actor: Actor, channel_id: UUID, attempt: _Attempt) -> None:
        async with unit_of_work(actor):
            channel = await access_channel(actor, channel_id, lock=True)
            if channel.desired != Desired.RUNNING or channel.device_jid is not None:
                raise _NoLongerWanted
            row = await begin_pairing(actor, channel_id)
        attempt.id = row.attempt
        attempt.pairing = SimulatorPairing(
            actor.company_id, channel_id, row.attempt, row.phone, expected=row.expected_phone
        )

        async def show(code: PairingCode) -> None:
            async with unit_of_work(actor):
                wanted = await show_code(
                    actor,
                    channel_id,
                    attempt=row.attempt,
                    code=code.code,
                    number=code.number,
                    expires_at=code.expires_at,
                )
            if not wanted:
                raise _NoLongerWanted

        try:
            paired = await attempt.pairing.run(show)
        except PairingFailed as failure:
            async with unit_of_work(actor):
                await spend(channel_id, "kick")
                await fail_pairing(actor, channel_id, attempt=row.attempt, reason=failure.reason)
            return
        async with unit_of_work(actor):
            await complete_pairing(
                actor,
                channel_id,
                attempt=row.attempt,
                device_jid=paired.device_jid,
                phone=paired.phone,
                lid=paired.lid,
                push_name=paired.push_name,
            )


async def _renew(actor: Actor, channel_id: UUID, epoch: int) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            async with unit_of_work(actor):
                await renew_lease(actor, channel_id, epoch=epoch)
        except LeaseLost:
            log.warning("simulator.pairing_lease_lost", channel_id=str(channel_id))
            return
        except DOWN as error:
            log.warning("simulator.lease_not_renewed", channel_id=str(channel_id), error=str(error))
