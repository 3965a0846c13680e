"""One number at work: its lease, its connection, its outbox and its media, over whichever transport it has.

The same runner serves real WhatsApp (in a bridge process) and the simulator (in the app).
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import SAY_STATE
from saasbot.domain.channels.lease import LeaseLost
from saasbot.domain.channels.proxy import RECONNECT, read_proxy
from saasbot.domain.inbox.groups import ASK_NAME
from saasbot.infra.crypto import Unsealable
from saasbot.infra.db import DOWN, app_dsn, sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.wa_runtime.group_names import GroupNames
from saasbot.wa_runtime.journal import NumberJournal
from saasbot.wa_runtime.media import download_pending
from saasbot.wa_runtime.number_lease import NumberLease
from saasbot.wa_runtime.number_moments import NumberMoments
from saasbot.wa_runtime.number_states import NumberStates
from saasbot.wa_runtime.outbox import send_queued
from saasbot.wa_runtime.pace import Pace
from saasbot.wa_runtime.transport import NotConnected, NumberRef, ProxyUnknown, Transport, Wiring

log = get_logger(__name__)

_POLL_SECONDS = 30.0
"""Notifications wake a number; this repairs one that was lost, and what was held back until a time leaves with the next look.
With hundreds of numbers each look is felt."""
_DOWN_SECONDS = 1.0
"""Until the database is asked again."""
_SHORTEST_WAIT = 0.01
SEND_IN_HAND_SECONDS, CLOSE_SECONDS = 9.0, 8.0
"""How long a stop waits for the send in hand, then for the connection to end: with the rest, a process is gone in 20."""


class Number:
    """Runs until `stop`, until another process takes the number, or until its session ends for good."""

    def __init__(
        self,
        ref: NumberRef,
        make_transport: Callable[[NumberRef, Wiring], Transport],
        spool_dir: Path,
        *,
        redelivers: bool,
    ) -> None:
        self.ref = ref
        self.stopped = asyncio.Event()
        """It was asked to end."""
        self._actor = Actor.system(ref.company_id)
        self._make_transport = make_transport
        self._spool_dir = spool_dir
        self._outbox_wake = asyncio.Event()
        self._media_wake = asyncio.Event()
        self._over = asyncio.Event()
        self._lease = NumberLease(ref, self._over, redelivers=redelivers)
        self._states = NumberStates(ref, self._lease, self._over, self._opened, redelivers=redelivers)
        self._moments = NumberMoments(ref)
        self._group_names = GroupNames(self._actor)
        self._transport: Transport | None = None

    async def run(self) -> None:
        """Hold the number and work for it. Returns when it is over; the lease is released unless it was lost.

        Raises: whatever a part of it died of. A number is not left half at work: it is let go of, and soon held anew
        (`NumberHost`).
        """
        if not await self._lease.acquire():
            return
        journal = NumberJournal(
            company_id=self.ref.company_id,
            channel_id=self.ref.channel_id,
            epoch=self._lease.epoch,
            dsn=app_dsn(),
            spool_dir=self._spool_dir,
        )
        wiring = Wiring(
            journal,
            self._states.on_state,
            self._moments.on_typing,
            self._moments.on_call,
            self._lease.epoch,
            self._proxy,
        )
        transport = self._transport = self._make_transport(self.ref, wiring)
        self._moments.transport = self._lease.transport = transport
        tasks = [
            asyncio.create_task(work, name=f"{name}-{self.ref.channel_id}")
            for name, work in (
                ("lease", self._lease.keep(journal, self.say_state)),
                ("state", self._states.report_forever()),
                ("outbox", self._send_forever(transport)),
                ("media", self._download_forever(transport)),
            )
        ]
        try:
            await self._lease.settle()
            await journal.replay_spool()
            await transport.connect()
            await self._over_or_broken(tasks)
        finally:
            await self._shut_down(transport, tasks, journal)

    async def _over_or_broken(self, tasks: list[asyncio.Task[None]]) -> None:
        over = asyncio.create_task(self._over.wait())
        done, _ = await asyncio.wait({over, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        for task in done - {over}:
            task.result()

    def stop(self) -> None:
        """Drain and end: `run` returns when the send in hand is finished and the lease released."""
        self.stopped.set()
        self._over.set()

    def wake_outbox(self) -> None:
        """Something may wait to be sent."""
        self._outbox_wake.set()

    def wake_media(self) -> None:
        """Something may wait to be downloaded."""
        self._media_wake.set()

    def say_state(self) -> None:
        """Something may have been written over what it last said of itself."""
        self._states.say_again()

    def _opened(self) -> None:
        self.wake_outbox()
        self.wake_media()

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
            elif command == SAY_STATE:
                self.say_state()
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

    async def _send_forever(self, transport: Transport) -> None:
        chosen = settings().send_pace
        pace = Pace(transport.usual_pace if chosen is None else chosen, transport.typing)
        lease = self._lease
        unsure = False  # whether a message was taken: the database went away while it was asked
        clock = asyncio.get_running_loop().time
        due: list[float] = []  # moments of that clock at which something is to be looked at
        while not self._over.is_set():
            self._outbox_wake.clear()
            await self._states.open.wait()
            try:
                if unsure:
                    await lease.settle_sends(lease.epoch + 1)
                    unsure = False
                soon = await send_queued(
                    self._actor, self.ref.channel_id, lease.epoch, transport, pace, self._over, lease.acks.note
                )
            except LeaseLost:
                self._over.set()
                return
            except DOWN as error:
                log.warning("outbox.database_unavailable", channel_id=str(self.ref.channel_id), error=str(error))
                unsure, soon = True, _DOWN_SECONDS
            now = clock()
            due = [moment for moment in due if moment > now]  # they stay, whatever else was looked at sooner
            if soon is not None:
                due.append(now + soon)
            await _woken(self._outbox_wake, self._over, min(due) - now if due else None)

    async def _download_forever(self, transport: Transport) -> None:
        while not self._over.is_set():
            self._media_wake.clear()
            await self._states.open.wait()
            try:
                soon = await download_pending(self._actor, self.ref.channel_id, transport)
            except DOWN as error:
                log.warning("media.database_unavailable", channel_id=str(self.ref.channel_id), error=str(error))
                soon = _DOWN_SECONDS
            await _woken(self._media_wake, self._over, soon)

    async def _shut_down(self, transport: Transport, tasks: list[asyncio.Task[None]], journal: NumberJournal) -> None:
        """Finish the send in hand, journal what is buffered, let go of the number."""
        lease, state, outbox, media = tasks
        self._over.set()
        self._states.open.set()  # a sender that waits for the connection sees that it is over
        media.cancel()
        await asyncio.wait({outbox}, timeout=SEND_IN_HAND_SECONDS)
        outbox.cancel()
        try:
            await self._close(transport)
            await self._states.tell_the_rest()
        finally:
            for task in (lease, state):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            try:
                await journal.replay_spool()
            except OSError as error:  # the next look at the spool may fare better (`spool_sweep`)
                log.warning("number.spool_not_read", channel_id=str(self.ref.channel_id), error=str(error))
            await asyncio.to_thread(journal.close)
            await self._lease.release()

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
