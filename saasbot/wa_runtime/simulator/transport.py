"""A number on the simulated network: the same Protocol as the real one, over rows and notifications."""

import asyncio
import base64
import contextlib
from datetime import datetime
from typing import Any, ClassVar

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import find_number, tell_phones
from saasbot.domain.simulator.customers import customer_at
from saasbot.domain.simulator.faults import Line, line_of, spend, unlink
from saasbot.domain.simulator.media import SimMedia, keep, key_of_path
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.failpoints import reach
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import FileMissing, StorageUnavailable, storage
from saasbot.models import ChannelStatus
from saasbot.models.table import utcnow
from saasbot.wa_runtime.neonize_events import call_of
from saasbot.wa_runtime.protobufs import events
from saasbot.wa_runtime.simulator import line
from saasbot.wa_runtime.simulator.bodies import MEDIA_TYPES
from saasbot.wa_runtime.transport import (
    DownloadFailed,
    NotConnected,
    NumberRef,
    Outgoing,
    SendDelayed,
    SendRefused,
    SendUnknown,
    Sent,
    StateChange,
    Typing,
    Wiring,
)

log = get_logger(__name__)

_POLL_SECONDS = 30.0
"""Notifications wake a number; this repairs one that was lost. With hundreds of numbers each look is felt."""
_RETRY_SECONDS = 1.0


class SimulatorTransport:
    """Connected while its session task runs and the network lets it."""

    redelivers: ClassVar[bool] = True
    usual_pace: ClassVar[float] = 0.0
    """An event leaves the network's rows in the transaction that journals it (`line.take`)."""

    def __init__(self, ref: NumberRef, wiring: Wiring) -> None:
        self._channel_id = ref.channel_id
        self._actor = Actor.system(ref.company_id)
        self._wiring = wiring
        self._line = Line(ChannelStatus.CLOSED)
        self._window = 0
        self._wake = asyncio.Event()
        self._changed = False
        self._closed = False
        self._session: asyncio.Task[None] | None = None

    @property
    def heard_at(self) -> datetime | None:
        return None  # the simulated network says nothing of itself

    async def connect(self) -> None:
        self._session = asyncio.create_task(self._run(), name=f"simulator-{self._channel_id}")

    async def close(self) -> None:
        self._closed = True
        self._wake.set()
        if self._session is not None:
            await self._session

    def notified(self, what: dict[str, Any]) -> None:
        """The network's notification for this number (`domain.simulator.access.wake`)."""
        if "presence" in what and self._line.is_open:
            self._wiring.on_typing(_typing_of(base64.b64decode(what["presence"])))
        if what.get("changed"):
            self._changed = True
            self._wake.set()
        for milliseconds in what.get("due", ()):
            self._wake_in(milliseconds / 1000)

    def missed(self) -> None:
        """Notifications may have been lost: look at everything again."""
        self._changed = True
        self._wake.set()

    async def lookup(self, phone: str) -> str:
        if not self._line.is_open:
            raise NotConnected
        try:
            async with unit_of_work(self._actor):
                return await line.look_up(self._channel_id, phone)
        except DOWN as error:
            raise NotConnected from error

    async def reconnect(self) -> None:
        """No wire lies between: it looks again."""
        self.missed()

    async def prepare(self, outgoing: Outgoing) -> SimMedia | None:
        if not self._line.is_open:
            raise NotConnected
        media = outgoing.media
        if media is None:
            return None
        try:
            return await keep(self._actor, media.content, mime=media.mime, file_name=media.file_name, voice=media.voice)
        except StorageUnavailable as error:
            raise SendDelayed from error

    async def send(self, outgoing: Outgoing, prepared: SimMedia | None = None) -> Sent:
        if not self._line.is_open:
            raise NotConnected
        try:
            async with unit_of_work(self._actor):
                accepted = await line.accept(self._actor, self._channel_id, outgoing, prepared)
        except DOWN as error:
            raise SendUnknown from error  # the commit may have reached the server
        if isinstance(accepted, SendRefused):
            raise accepted
        if not accepted.confirmed:
            raise SendUnknown
        return accepted.sent

    async def mark_read(self, chat_jid: str, wa_ids: list[str], author_jid: str) -> None:
        async with unit_of_work(self._actor):
            await line.show_read(self._actor, self._channel_id, chat_jid, wa_ids)

    async def typing(self, chat_jid: str, on: bool) -> None:
        async with unit_of_work(self._actor):
            await line.show_typing(self._actor, self._channel_id, chat_jid, on=on)

    async def group_name(self, chat_jid: str) -> str:
        if not self._line.is_open:
            raise NotConnected
        async with unit_of_work(self._actor):
            group = await customer_at(self._actor.company_id, self._channel_id, chat_jid)
        return group.group_name

    async def reject_call(self, caller: str, call_id: str) -> None:
        async with unit_of_work(self._actor):
            await line.show_rejected(self._actor, self._channel_id, caller, call_id)

    async def download(self, raw: bytes) -> bytes:
        body = events.Message.FromString(raw).Message
        found = [value for field, value in body.ListFields() if field.name.removesuffix("Message") in MEDIA_TYPES]
        if not found:
            raise DownloadFailed("no_media", permanent=True)
        try:
            return await storage().get(key_of_path(self._actor, found[0].directPath))
        except FileMissing as error:
            raise DownloadFailed("media_gone", permanent=True) from error
        except StorageUnavailable as error:
            raise DownloadFailed("storage_unavailable", permanent=False) from error

    async def logout(self) -> None:
        if not self._line.is_open:
            raise NotConnected
        self._closed = True  # what follows is our own doing, not news from the network
        self._tell(Line(ChannelStatus.LOGGED_OUT, "logged_out_by_user", fatal=True))
        async with unit_of_work(self._actor):
            number = await find_number(self._channel_id, lock=True)
            if number is not None:
                await unlink(number)
                tell_phones(number.company_id, number.channel_id)

    async def _run(self) -> None:
        """Follow what the network says of this number until it is closed or the session ends for good."""
        self._tell(Line(ChannelStatus.STARTING))
        while not self._closed and not self._line.fatal:
            self._changed = False
            try:
                await self._look()
                if self._line.fatal:
                    return
                if self._line.is_open:
                    await self._listen()
                else:
                    await self._wait_until_over()
            except DOWN as error:
                log.warning("simulator.database_unavailable", channel_id=str(self._channel_id), error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                log.exception("simulator.session_failed", channel_id=str(self._channel_id))
                self._tell(Line(ChannelStatus.FAILED, "transport_fault", fatal=True))

    async def _look(self) -> None:
        """What the network would tell now. A fault that ends the session is spent with the telling."""
        async with unit_of_work(self._actor):
            number = await find_number(self._channel_id)
            found = line_of(number, utcnow())
            if found.fatal and number is not None and "kick" in number.faults:
                await spend(self._channel_id, "kick")
            self._window = int(number.faults.get("shuffle", 0)) if number is not None else 0
        if not self._closed:
            self._tell(found)

    async def _listen(self) -> None:
        """Take what waits, and what comes, until something about the connection changes."""
        async with unit_of_work(self._actor):
            await line.forget_old(self._channel_id)
        while not self._closed and not self._changed:
            self._wake.clear()
            async with unit_of_work(self._actor):
                taken = await line.take(self._actor, self._channel_id, epoch=self._wiring.epoch, window=self._window)
                soon = taken.again_in if taken.count else taken.again_in or await line.next_due(self._channel_id)
            if taken.count:
                reach("after_journal")
            for raw in taken.calls:
                if (call := call_of(raw)) is not None:
                    self._wiring.on_call(call)
            if soon == 0:
                continue
            await self._woken(min(soon or _POLL_SECONDS, _POLL_SECONDS))

    async def _wait_until_over(self) -> None:
        self._wake.clear()
        until = self._line.until
        seconds = (until - utcnow()).total_seconds() if until is not None else _POLL_SECONDS
        if not self._changed and not self._closed:
            await self._woken(max(seconds, 0.0))

    async def _woken(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _wake_in(self, seconds: float) -> None:
        if seconds <= 0:
            self._wake.set()
        else:
            asyncio.get_running_loop().call_later(seconds, self._wake.set)

    def _tell(self, found: Line) -> None:
        if found != self._line:
            self._line = found
            self._wiring.on_state(StateChange(found.status, found.reason, found.until, found.fatal))


def _typing_of(raw: bytes) -> Typing:
    presence = events.ChatPresence.FromString(raw)
    chat = presence.MessageSource.Chat
    return Typing(f"{chat.User}@{chat.Server}", presence.State == events.ChatPresence.COMPOSING)
