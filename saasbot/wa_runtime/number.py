"""One number at work: its lease, its connection, its outbox and its media, over whichever transport it has.

The same runner serves real WhatsApp (in a bridge process) and the simulator (in the app).
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.acks import AckMeter
from saasbot.domain.channels.act_outbox import settle_abandoned_acts
from saasbot.domain.channels.gaps import begin_gap, end_gap, last_sign_of_life
from saasbot.domain.channels.lease import (
    RENEW_SECONDS,
    LeaseLost,
    acquire_lease,
    lease_holder,
    release_lease,
    renew_lease,
)
from saasbot.domain.channels.outbox import settle_abandoned
from saasbot.domain.channels.proxy import RECONNECT, read_proxy
from saasbot.domain.channels.state import report_state
from saasbot.domain.inbox.calls import is_fresh
from saasbot.domain.inbox.groups import ASK_NAME
from saasbot.infra import events, process_identity
from saasbot.infra.crypto import Unsealable
from saasbot.infra.db import DOWN, app_dsn, sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import ChannelStatus, GapCause
from saasbot.models.table import utcnow
from saasbot.wa_runtime.group_names import GroupNames
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.media import download_pending
from saasbot.wa_runtime.outbox import send_queued
from saasbot.wa_runtime.pace import Pace
from saasbot.wa_runtime.process import resident_bytes
from saasbot.wa_runtime.transport import (
    Call,
    NotConnected,
    NumberRef,
    ProxyUnknown,
    StateChange,
    Transport,
    Typing,
    Wiring,
)

log = get_logger(__name__)

_POLL_SECONDS = 30.0
"""Notifications wake a number; this repairs one that was lost, and what was held back until a time leaves with the next look.
With hundreds of numbers each look is felt."""
_DOWN_SECONDS = 1.0
"""Until the database is asked again."""
_SHORTEST_WAIT = 0.01
_LEASE_POLL_SECONDS = 0.5
SEND_IN_HAND_SECONDS, CLOSE_SECONDS, LAST_STATE_SECONDS = 9.0, 8.0, 0.5
"""How long a stop waits for the send in hand, for the connection to end, then for its last state to be written: with the rest, a
process is gone in 20."""


class Number:
    """Runs until `stop`, until another process takes the number, or until its session ends for good."""

    def __init__(
        self, ref: NumberRef, make_transport: Callable[[NumberRef, Wiring], Transport], spool_dir: Path
    ) -> None:
        self.ref = ref
        self._actor = Actor.system(ref.company_id)
        self._make_transport = make_transport
        self._spool_dir = spool_dir
        self._states: asyncio.Queue[StateChange] = asyncio.Queue()
        self._open = asyncio.Event()
        self._outbox_wake = asyncio.Event()
        self._media_wake = asyncio.Event()
        self._over = asyncio.Event()
        self._epoch = 0
        self._acks = AckMeter()
        self._lost_from: datetime | None = None
        """Since when an earlier holder, that never let go of the number, may have lost what it was given."""
        self._hanging_up: set[asyncio.Task[None]] = set()
        self._group_names = GroupNames(self._actor)
        self._transport: Transport | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Hold the number and work for it. Returns when it is over; the lease is released unless it was lost."""
        if not await self._acquire():
            return
        journal = NumberJournal(
            company_id=self.ref.company_id,
            channel_id=self.ref.channel_id,
            epoch=self._epoch,
            dsn=app_dsn(),
            spool_dir=self._spool_dir,
        )
        wiring = Wiring(journal, self._on_state, self._on_typing, self._on_call, self._epoch, self._proxy)
        self._transport = self._make_transport(self.ref, wiring)
        tasks = [
            asyncio.create_task(loop(), name=f"{name}-{self.ref.channel_id}")
            for name, loop in (
                ("lease", partial(self._keep_lease, journal)),
                ("state", self._report_states),
                ("outbox", self._send_forever),
                ("media", self._download_forever),
            )
        ]
        try:
            await self._settle()
            await journal.replay_spool()
            await self._transport.connect()
            await self._over.wait()
        finally:
            await self._shut_down(tasks, journal)

    def stop(self) -> None:
        """Drain and end: `run` returns when the send in hand is finished and the lease released."""
        self._over.set()

    def wake_outbox(self) -> None:
        """Something may wait to be sent."""
        self._outbox_wake.set()

    def wake_media(self) -> None:
        """Something may wait to be downloaded."""
        self._media_wake.set()

    async def command(self, command: str, arguments: dict[str, Any]) -> None:
        """Do what the app asked of this number (`domain.channels.commands`). What cannot be done now is not done later."""
        transport = self._transport
        if transport is None:
            return
        with contextlib.suppress(NotConnected):
            if command == "typing":
                await transport.typing(arguments["chat"], bool(arguments["on"]))
            elif command == "mark_read":
                author = arguments.get("author") or arguments["chat"]
                await transport.mark_read(arguments["chat"], list(arguments["ids"]), author)
            elif command == ASK_NAME:
                await self._group_names.ask(arguments["chat"], transport)
            elif command == RECONNECT:
                await transport.reconnect()
            elif command == "logout":
                try:
                    await transport.logout()
                finally:
                    self.stop()

    async def _proxy(self) -> str | None:
        try:
            async with unit_of_work(self._actor):
                return await read_proxy(self._actor, self.ref.channel_id)
        except (Unsealable, NotFound, *DOWN) as error:
            raise ProxyUnknown(str(error)) from error

    async def _acquire(self) -> bool:
        """Wait for the lease. False when stopped meanwhile."""
        while not self._over.is_set():
            try:
                async with unit_of_work(self._actor):
                    other = await lease_holder(self._actor, self.ref.channel_id)
                    here = process_identity.this_process()
                    dead = other is not None and (other == here or process_identity.is_dead(other))
                    seen = await last_sign_of_life(self._actor, self.ref.channel_id, holder_is_dead=dead)
                    epoch = await acquire_lease(self._actor, self.ref.channel_id, holder=here, holder_is_dead=dead)
                if epoch is not None:
                    self._epoch, self._lost_from = epoch, seen
                    log.info("number.held", channel_id=str(self.ref.channel_id), epoch=epoch)
                    return True
            except DOWN as error:
                log.warning("number.database_unavailable", channel_id=str(self.ref.channel_id), error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LEASE_POLL_SECONDS):
                    await self._over.wait()
        return False

    async def _settle(self) -> None:
        """What an earlier holder left unfinished is told: sends that may have gone out, messages that may be missing."""
        async with unit_of_work(self._actor):
            if self._lost_from is not None and not self._redelivers:
                await begin_gap(self._actor, self.ref.channel_id, cause=GapCause.HOLDER_DIED, at=self._lost_from)
            await end_gap(self._actor, self.ref.channel_id)  # also that of a number which was deaf when its holder died
        await self._settle_sends(self._epoch)

    async def _settle_sends(self, epoch: int) -> None:
        """What was taken before this epoch, and never marked, may have gone out or not."""
        async with unit_of_work(self._actor):
            doubtful = await settle_abandoned(self._actor, self.ref.channel_id, epoch=epoch)
            await settle_abandoned_acts(self._actor, self.ref.channel_id, epoch=epoch)
        if doubtful:
            log.warning("outbox.interrupted", channel_id=str(self.ref.channel_id), messages=len(doubtful))

    async def _keep_lease(self, journal: NumberJournal) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._renew()
                await journal.replay_spool()  # the database answers: what waits for it need not wait for the next event
            except LeaseLost:
                log.warning("number.lease_lost", channel_id=str(self.ref.channel_id), epoch=self._epoch)
                self._epoch = 0
                self._over.set()
                return
            except DOWN as error:
                log.warning("number.lease_not_renewed", channel_id=str(self.ref.channel_id), error=str(error))

    async def _renew(self) -> None:
        acks = self._acks.take()
        try:
            async with unit_of_work(self._actor):
                await renew_lease(
                    self._actor, self.ref.channel_id, epoch=self._epoch, memory_bytes=resident_bytes(), acks=acks
                )
        except DOWN:
            self._acks.give_back(acks)
            raise

    def _on_state(self, change: StateChange) -> None:
        self._loop.call_soon_threadsafe(self._states.put_nowait, change)

    def _on_typing(self, typing: Typing) -> None:
        self._loop.call_soon_threadsafe(self._tell_typing, typing)

    def _tell_typing(self, typing: Typing) -> None:
        task = asyncio.create_task(self._publish_typing(typing))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _publish_typing(self, typing: Typing) -> None:
        async with unit_of_work(self._actor):
            events.publish(
                "typing",
                company_id=self.ref.company_id,
                channel_id=self.ref.channel_id,
                chat_jid=typing.chat_jid,
                on="1" if typing.on else "",
            )

    def _on_call(self, call: Call) -> None:
        self._loop.call_soon_threadsafe(self._hang_up, call)

    def _hang_up(self, call: Call) -> None:
        task = asyncio.create_task(self._reject(call))
        self._hanging_up.add(task)
        task.add_done_callback(self._hanging_up.discard)

    async def _reject(self, call: Call) -> None:
        """Hang up, if the owner wants it and it still rings."""
        assert self._transport is not None
        try:
            async with unit_of_work(self._actor):
                channel = await access_channel(self._actor, self.ref.channel_id)
            if channel.reject_calls and is_fresh(call.began_at):
                await self._transport.reject_call(call.caller, call.call_id)
                log.info("number.call_rejected", channel_id=str(self.ref.channel_id))
        except (NotConnected, NotFound, *DOWN) as error:
            log.warning("number.call_not_rejected", channel_id=str(self.ref.channel_id), error=type(error).__name__)

    async def _report_states(self) -> None:
        while True:
            change = await self._states.get()
            if change.status == ChannelStatus.OPEN:
                self._open.set()
                self.wake_outbox()
                self.wake_media()
            else:
                self._open.clear()
            while not await self._report(change):  # noqa: ASYNC110 - the database does not signal its return
                await asyncio.sleep(1)
            self._states.task_done()
            if change.fatal:
                self._over.set()

    async def _report(self, change: StateChange) -> bool:
        """Write the state. False when the database could not be reached."""
        try:
            async with unit_of_work(self._actor):
                await report_state(
                    self._actor,
                    self.ref.channel_id,
                    epoch=self._epoch,
                    status=change.status,
                    reason=change.reason,
                    retry_at=change.retry_at,
                    ended=change.fatal,
                )
                await self._note_gap(change.status)
        except (LeaseLost, NotFound):
            self._over.set()
        except DOWN as error:
            log.warning("number.state_not_written", channel_id=str(self.ref.channel_id), error=str(error))
            return False
        return True

    async def _note_gap(self, status: ChannelStatus) -> None:
        """In the transaction that writes the state: while the number is deaf, messages may go missing."""
        if status == ChannelStatus.DEAF and not self._redelivers:
            await begin_gap(self._actor, self.ref.channel_id, cause=GapCause.DEAF, at=utcnow())
        elif status != ChannelStatus.DEAF:
            await end_gap(self._actor, self.ref.channel_id)

    @property
    def _redelivers(self) -> bool:
        return self._transport is not None and self._transport.redelivers

    async def _send_forever(self) -> None:
        assert self._transport is not None
        chosen = settings().send_pace
        pace = Pace(self._transport.usual_pace if chosen is None else chosen, self._transport.typing)
        unsure = False  # whether a message was taken: the database went away while it was asked
        while not self._over.is_set():
            self._outbox_wake.clear()
            await self._open.wait()
            try:
                if unsure:
                    await self._settle_sends(self._epoch + 1)
                    unsure = False
                soon = await send_queued(
                    self._actor, self.ref.channel_id, self._epoch, self._transport, pace, self._over, self._acks.note
                )
            except LeaseLost:
                self._over.set()
                return
            except DOWN as error:
                log.warning("outbox.database_unavailable", channel_id=str(self.ref.channel_id), error=str(error))
                unsure, soon = True, _DOWN_SECONDS
            await _woken(self._outbox_wake, self._over, soon)

    async def _download_forever(self) -> None:
        assert self._transport is not None
        while not self._over.is_set():
            self._media_wake.clear()
            await self._open.wait()
            try:
                soon = await download_pending(self._actor, self.ref.channel_id, self._transport)
            except DOWN as error:
                log.warning("media.database_unavailable", channel_id=str(self.ref.channel_id), error=str(error))
                soon = _DOWN_SECONDS
            await _woken(self._media_wake, self._over, soon)

    async def _shut_down(self, tasks: list[asyncio.Task[None]], journal: NumberJournal) -> None:
        """Finish the send in hand, journal what is buffered, let go of the number."""
        lease, state, outbox, media = tasks
        self._over.set()
        self._open.set()  # a sender that waits for the connection sees that it is over
        media.cancel()
        await asyncio.wait({outbox}, timeout=SEND_IN_HAND_SECONDS)
        outbox.cancel()
        try:
            assert self._transport is not None
            await self._close(self._transport)
            await self._tell_the_rest()
        finally:
            for task in (lease, state):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(journal.close)
            if self._epoch:
                with contextlib.suppress(LeaseLost, *DOWN):
                    await self._renew()  # the last sends count too
                    async with unit_of_work(self._actor):
                        await end_gap(self._actor, self.ref.channel_id)
                        await release_lease(self._actor, self.ref.channel_id, epoch=self._epoch)

    async def _tell_the_rest(self) -> None:
        """What the connection said at its end, if the database takes it: that the session is over is said once."""
        await asyncio.sleep(0)  # a change on its way through the loop is in the queue then
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_STATE_SECONDS):
                await self._states.join()

    async def _close(self, transport: Transport) -> None:
        """A connection that will not end in time ends with its process: waiting for it would keep the number from the next
        holder. It is not cancelled, which could stop the whole loop."""

        async def close() -> None:
            await self._unlink_when_forgotten(transport)
            await transport.close()

        closing = asyncio.ensure_future(close())
        done, _ = await asyncio.wait({closing}, timeout=CLOSE_SECONDS)
        if done:
            closing.result()
            return
        log.warning("number.not_closed", channel_id=str(self.ref.channel_id), seconds=CLOSE_SECONDS)
        closing.add_done_callback(lambda late: late.cancelled() or late.exception())

    async def _unlink_when_forgotten(self, transport: Transport) -> None:
        """Its owner logged it out, and the command did not come before the stop: the session is still WhatsApp's to end."""
        with contextlib.suppress(NotConnected, *DOWN):
            async with unit_of_work(self._actor):
                row = (await sql("SELECT device_jid FROM channel WHERE id = :id", id=self.ref.channel_id)).one_or_none()
            if row is not None and row.device_jid != self.ref.device_jid:
                await transport.logout()


async def _woken(wake: asyncio.Event, over: asyncio.Event, soon: float | None = None) -> None:
    """Returns at the next wake-up, at the end, or after a while: in `soon` seconds when something is due then."""
    timeout = _POLL_SECONDS if soon is None else max(_SHORTEST_WAIT, min(soon, _POLL_SECONDS))
    waits = {asyncio.create_task(wake.wait()), asyncio.create_task(over.wait())}
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
