"""The connection of one number on real WhatsApp: one task that holds a client object of the library until that must be replaced,
and tells every change as a `StateChange`.

What the library delivers is journalled inside its own callback, before it may deliver the next event.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from saasbot.infra.logging import get_logger
from saasbot.models import ChannelStatus
from saasbot.wa_runtime.backoff import pause_seconds
from saasbot.wa_runtime.neonize_client import LibraryClient  # first: it prepares the library's import
from saasbot.wa_runtime.neonize_events import (
    CALL_OFFER,
    CHAT_PRESENCE,
    JOURNALLED,
    KEEP_ALIVE_TIMEOUT,
    LOGGED_OUT,
    Fate,
    call_of,
    codes_of,
    is_between_devices,
    state_of,
    typing_of,
)
from saasbot.wa_runtime.neonize_gate import Gate
from saasbot.wa_runtime.neonize_hearing import Hearing
from saasbot.wa_runtime.neonize_store import StoreUnavailable, has_session
from saasbot.wa_runtime.transport import NotConnected, NumberRef, ProxyUnknown, StateChange, Wiring

from neonize.exc import NeonizeError  # isort: skip
from neonize.utils.enum import Presence  # isort: skip

log = get_logger(__name__)

CODES = codes_of(Fate.JOURNAL, Fate.STATE, Fate.LIVE)
LOGIN_SECONDS = 60
"""From the start of a connection to the login; then it counts as failed."""
PATIENCE_SECONDS = 120
"""How long the library may try to reconnect by itself; its delays grow without end, ours do not."""
STEADY_SECONDS = 60
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
_PRESENCE_RETRIES = (5, 30, 120, 600)

Signal = tuple[int, bytes] | None
UNWRITABLE: Signal = (-1, b"")
"""An event could not be kept: whatever came after it would be lost too."""
UNHEARD: Signal = (-2, b"")
"""WhatsApp does not answer on a connection that stands."""
RENEWED: Signal = (-3, b"")
"""The number's settings have changed: it shall connect anew."""

AT_ONCE = frozenset({"library_fault", "unheard", "settings_changed"})
"""Reasons to connect anew without a pause, unless the last time was for the same."""


class Connection:
    """`gate` is the process's one. Everything runs on one event loop but the library's callback."""

    def __init__(self, number: NumberRef, wiring: Wiring, store_dsn: str, gate: Gate) -> None:
        self._number, self._wiring, self._store_dsn, self._gate = number, wiring, store_dsn, gate
        self._signals: asyncio.Queue[Signal] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._open: LibraryClient | None = None
        self._last: StateChange | None = None
        self._presence: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._hearing: Hearing | None = None
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        self.tell(StateChange(ChannelStatus.STARTING))
        self._task = asyncio.create_task(self._run(), name=f"neonize-{self._number.channel_id}")

    async def close(self) -> None:
        """Afterwards the number is offline and nothing more is told; that WhatsApp ended the session meanwhile is. Twice is once."""
        self._closing = True
        self._signals.put_nowait(None)
        if self._task is not None:
            await self._task

    def client(self) -> LibraryClient:
        """The client that is logged in. Raises: NotConnected."""
        if self._open is None or self._closing:
            raise NotConnected("the number is not open")
        return self._open

    @property
    def heard_at(self) -> datetime | None:
        """When this connection, or the one that was lost last, heard anything; nothing before it was logged in."""
        return self._hearing.heard_at if self._hearing is not None else None

    def renew(self) -> None:
        """Connect anew as the settings are now: at once, also in the middle of a pause."""
        self._signals.put_nowait(RENEWED)

    def doubt(self, answered_at: datetime | None = None) -> None:
        """What WhatsApp should have said has not come; when it answered last."""
        if self._hearing is not None:
            self._hearing.doubt(answered_at)

    def tell(self, change: StateChange) -> None:
        """Report it, unless it is what was reported last."""
        if change != self._last:
            self._last = change
            self._wiring.on_state(change)

    async def _run(self) -> None:
        failures = 0
        try:
            while not self._closing:
                change, steady = await self._attempt()
                if change is None or change.fatal:
                    return
                failures = 1 if steady else failures + 1
                await self._wait_until_next(change, failures)
        except Exception:  # nobody awaits this task: the number must not just fall silent
            log.exception("neonize.transport_failed", channel_id=str(self._number.channel_id))
            self.tell(StateChange(ChannelStatus.FAILED, "transport_fault", fatal=True))

    async def _wait_until_next(self, change: StateChange, failures: int) -> None:
        """Tell why and until when, and wait. A client that no longer hears, or should not be as it is, is replaced at once."""
        if change.reason in AT_ONCE and failures == 1:
            self.tell(change)
            return
        retry_at = change.retry_at or datetime.now(UTC) + timedelta(
            seconds=pause_seconds(failures, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        )
        self.tell(replace(change, retry_at=retry_at))
        wait_until = self._loop.time() + (retry_at - datetime.now(UTC)).total_seconds()
        while not self._closing and self._loop.time() < wait_until:
            if await self._next_signal(wait_until) == RENEWED:
                return

    async def _attempt(self) -> tuple[StateChange | None, bool]:
        """Hold one client object as long as it is of use.

        Returns why it ended (nothing: we close), and whether it was steady: open for long enough to begin anew with delays.
        An end for good has been told.
        """
        self._signals = asyncio.Queue()  # of what an earlier client said, `_last_word` has heard what concerns this one
        self._hearing = None
        device = self._number.device_jid
        try:
            if device is None or not await has_session(self._store_dsn, device):
                self.tell(missing := StateChange(ChannelStatus.LOGGED_OUT, "session_missing", fatal=True))
                return missing, False
        except StoreUnavailable:
            return StateChange(ChannelStatus.RECONNECTING, "store_unavailable"), False
        try:
            proxy = await self._wiring.proxy()
        except ProxyUnknown as error:
            log.warning("neonize.proxy_unknown", channel_id=str(self._number.channel_id), error=str(error))
            return StateChange(ChannelStatus.RECONNECTING, "proxy_unreachable"), False
        client = LibraryClient(
            store_dsn=self._store_dsn,
            device_jid=device,
            gate=self._gate,
            codes=CODES,
            on_event=self._receive,
            proxy=proxy,
        )
        watch: asyncio.Task[Any] | None = None
        try:
            try:
                await client.connect()
            except OSError as error:
                log.warning("neonize.not_dialed", channel_id=str(self._number.channel_id), error=str(error))
                return StateChange(ChannelStatus.RECONNECTING, "network_unreachable"), False
            assert client.task is not None
            watch = asyncio.create_task(_wake_at_end(client.task, self._signals))
            change, steady = await self._hold(client)
            if change is not None and self._hearing is not None:
                change = replace(change, heard_at=self._hearing.heard_at)
            if change is not None and (change.fatal or change.status == ChannelStatus.DEAF):
                # before taking the client down, which may last: whatever follows is over for this one
                self.tell(change)
        finally:
            self._now_lost()
            if watch is not None:
                watch.cancel()
            await client.close()
        if change is None or not change.fatal:
            change = self._last_word() or change
        return change, steady

    def _last_word(self) -> StateChange | None:
        """WhatsApp may end the session while we take the client down: the next one would only find that it is gone."""
        while not self._signals.empty():
            signal = self._signals.get_nowait()
            if signal is not None and signal[0] == LOGGED_OUT:
                self.tell(change := state_of(*signal))
                return change
        return None

    async def _hold(self, client: LibraryClient) -> tuple[StateChange | None, bool]:
        assert client.task is not None
        opened_at: float | None = None
        deadline: float | None = self._loop.time() + LOGIN_SECONDS

        def ended(change: StateChange) -> tuple[StateChange, bool]:
            return change, opened_at is not None and self._loop.time() - opened_at > STEADY_SECONDS

        while not self._closing:
            signal = await self._next_signal(deadline)
            if signal == UNWRITABLE:
                return StateChange(ChannelStatus.RECONNECTING, "journal_unwritable"), False
            if signal == UNHEARD:
                return ended(StateChange(ChannelStatus.DEAF, "unheard"))
            if signal == RENEWED:
                return StateChange(ChannelStatus.RECONNECTING, "settings_changed"), True
            if signal is not None:
                change = state_of(*signal)
                if change.fatal or change.status == ChannelStatus.BANNED or change.reason == "refused_by_whatsapp":
                    return ended(change)  # the library does not come back from these by itself
                if change.status == ChannelStatus.OPEN:
                    opened_at, deadline = opened_at or self._loop.time(), None
                    self._now_open(client)
                elif change.status == ChannelStatus.RECONNECTING:
                    deadline = self._loop.time() + PATIENCE_SECONDS
                    self._now_lost()
                elif change.status == ChannelStatus.DEAF:  # one late ping: the question's answer decides
                    self.doubt(change.heard_at)
                    continue
                self.tell(change)
            elif client.task.done():
                return ended(_why_ended(client, opened_at is not None))
            elif deadline is not None and self._loop.time() >= deadline:
                return ended(_unreachable(client))
        return None, False

    def _now_open(self, client: LibraryClient) -> None:
        self._open = client
        if self._presence is None:
            self._presence = asyncio.create_task(self._announce(client))
            self._hearing = Hearing(client)
            self._listening = asyncio.create_task(self._listen(self._hearing))

    async def _listen(self, hearing: Hearing) -> None:
        try:
            await hearing.until_deaf()
        except Exception:  # nobody awaits this task: a number that nobody asks about might be deaf for ever
            log.exception("neonize.not_asked", channel_id=str(self._number.channel_id))
        self._signals.put_nowait(UNHEARD)

    def _now_lost(self) -> None:
        """What it heard last stays known: should it not come back, all that came later may be lost."""
        self._open = None
        for task in (self._presence, self._listening):
            if task is not None:
                task.cancel()
        self._presence = self._listening = None

    async def _next_signal(self, deadline: float | None) -> Signal:
        """The next event of the connection; nothing when it is late (loop time), the client ended or we close."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._signals.get()
        except TimeoutError:
            return None

    def _receive(self, code: int, raw: bytes) -> None:
        """On the library's thread. When this returns, what must last is on disk."""
        if (hearing := self._hearing) is not None and code != KEEP_ALIVE_TIMEOUT:
            hearing.heard()
        if is_between_devices(code, raw):
            return
        if code in JOURNALLED:
            try:
                self._wiring.journal.append(code, raw)
            except BaseException:
                self._loop.call_soon_threadsafe(self._signals.put_nowait, UNWRITABLE)
                raise
            if code == CALL_OFFER and (call := call_of(raw)) is not None:
                self._wiring.on_call(call)
        elif code == CHAT_PRESENCE:
            if (typing := typing_of(raw)) is not None:
                self._wiring.on_typing(typing)
        elif code in CODES:
            self._loop.call_soon_threadsafe(self._signals.put_nowait, (code, raw))

    # Being present: WhatsApp gives typing and full delivery receipts only to a device that says it is there.

    async def _announce(self, client: LibraryClient) -> None:
        """Until the phone has told this device the account's name, saying so fails ("without PushName")."""
        await client.api.set_force_activate_delivery_receipts(True)
        for pause in (*_PRESENCE_RETRIES, None):
            try:
                await client.api.send_presence(Presence.AVAILABLE)
                return
            except NeonizeError as error:
                if pause is None:
                    log.info("neonize.not_present", channel_id=str(self._number.channel_id), error=str(error))
                    return
                await asyncio.sleep(pause)


async def _wake_at_end(task: asyncio.Task[None], signals: asyncio.Queue[Signal]) -> None:
    await asyncio.wait({task})
    signals.put_nowait(None)


def _unreachable(client: LibraryClient) -> StateChange:
    reason = "proxy_unreachable" if client.proxy_failed else "network_unreachable"
    return StateChange(ChannelStatus.RECONNECTING, reason)


def _why_ended(client: LibraryClient, was_open: bool) -> StateChange:
    """What the end of the library's call means. Its errors are texts."""
    task = client.task
    assert task is not None
    error = None if task.cancelled() else task.exception()
    text = str(error) if error else ""
    log.warning("neonize.client_ended", error=text, was_open=was_open)
    if "proto:" in text or was_open:
        return StateChange(ChannelStatus.RECONNECTING, "library_fault")
    if text.startswith(("pq:", "failed to upgrade database", "failed to open database", "dial unix")):
        return StateChange(ChannelStatus.RECONNECTING, "store_unavailable")
    return _unreachable(client)
