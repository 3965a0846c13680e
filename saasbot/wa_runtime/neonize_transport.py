"""One number on real WhatsApp: a `Transport` over the library, in a bridge process."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, ClassVar

from saasbot.domain.channels.holding import NOT_UPLOADED
from saasbot.domain.inbox.groups import is_group
from saasbot.infra.logging import get_logger
from saasbot.models import ChannelStatus
from saasbot.wa_runtime.contents import announced_size
from saasbot.wa_runtime.neonize_client import jid_of  # first: it prepares the library's import
from saasbot.wa_runtime.neonize_connection import Connection
from saasbot.wa_runtime.neonize_errors import download_error, question_error, send_error, upload_error
from saasbot.wa_runtime.neonize_gate import Gate, NotPassed, passed
from saasbot.wa_runtime.neonize_messages import media_message, plain_message, upload_kind
from saasbot.wa_runtime.protobufs import events
from saasbot.wa_runtime.transport import (
    DownloadFailed,
    NotConnected,
    NumberRef,
    Outgoing,
    SendBusy,
    SendDelayed,
    SendRefused,
    SendUnknown,
    Sent,
    StateChange,
    Wiring,
)

from neonize.exc import NeonizeError  # isort: skip
from neonize.utils.enum import ChatPresence, ChatPresenceMedia, MediaType, ReceiptType  # isort: skip

log = get_logger(__name__)

SEND_PASS_SECONDS = 5
"""At the gate. What waits longer is asked anew whether it may leave: in the outbox, or where it is, when its file was brought."""

SEND_SECONDS = 80
"""The library gives up waiting for an acknowledgement after 75."""

LOOKUP_SECONDS = 30

TRANSFER_SECONDS, SLOWEST_BYTES = 60.0, 64 * 1024
"""What a file may take: so long, and as long as it needs at so many bytes a second. The library has no deadline for it."""


def transfer_seconds(size: int) -> float:
    return TRANSFER_SECONDS + size / SLOWEST_BYTES


class NeonizeTransport:
    """See `Transport`. `gate` is the process's one."""

    redelivers: ClassVar[bool] = False
    usual_pace: ClassVar[float] = 1.0
    """The library acknowledges a message before Python runs."""

    def __init__(self, number: NumberRef, wiring: Wiring, store_dsn: str, gate: Gate) -> None:
        self._number = number
        self._connection = Connection(number, wiring, store_dsn, gate)
        self._sending, self._leaving = asyncio.Lock(), asyncio.Lock()

    @property
    def heard_at(self) -> datetime | None:
        return self._connection.heard_at

    async def connect(self) -> None:
        self._connection.start()

    async def close(self) -> None:
        await self._connection.close()

    async def lookup(self, phone: str) -> str:
        client = self._connection.client()
        try:
            asking = await passed(client.api.is_on_whatsapp(f"+{phone}"))
            answers = await _within(LOOKUP_SECONDS, asking)
        except NotPassed as busy:
            raise SendDelayed("the library was not free") from busy
        except TimeoutError as late:
            self._connection.doubt()
            raise SendDelayed("no answer about a phone number") from late
        except NeonizeError as error:
            raise question_error(str(error)) from error
        for answer in answers:
            if not answer.IsIn:
                raise SendRefused("not_on_whatsapp")
            return f"{answer.JID.User}@{answer.JID.Server}"
        return f"{phone}@s.whatsapp.net"

    async def reconnect(self) -> None:
        self._connection.renew()

    async def prepare(self, outgoing: Outgoing) -> Any:
        """The file's place and keys."""
        media = outgoing.media
        if media is None:
            return None
        client = self._connection.client()
        try:
            uploading = await passed(client.api.upload(media.content, MediaType(upload_kind(outgoing))))
            return await _within(transfer_seconds(len(media.content)), uploading)
        except NotPassed as busy:
            raise SendDelayed("the library was not free", reason=NOT_UPLOADED) from busy
        except (NeonizeError, TimeoutError) as error:
            kind = type(error).__name__  # its text has the address with WhatsApp's token in it
            log.warning("neonize.not_uploaded", channel_id=str(self._number.channel_id), error=kind)
            if self._connection.client() is not client:  # or raises: the connection is what failed
                raise NotConnected(str(error)) from error
            if isinstance(error, TimeoutError):
                # each try would keep all chats waiting as long, and leave its copies behind
                raise SendRefused("upload_failed") from error
            raise upload_error(str(error)) from error

    async def send(self, outgoing: Outgoing, prepared: Any = None) -> Sent:
        media = outgoing.media
        async with self._sending:
            client = self._connection.client()
            try:
                to = jid_of(outgoing.chat_jid)
            except ValueError as error:
                raise SendRefused("invalid_recipient") from error
            message = plain_message(outgoing) if media is None else media_message(outgoing, media, prepared)
            try:
                # else it might leave after its successor, or after a person has taken the chat
                sending = await passed(client.api.send_message(to, message), seconds=SEND_PASS_SECONDS)
                answer = await _within(SEND_SECONDS, sending)
            except NotPassed as busy:
                raise SendBusy("the library was not free") from busy
            except TimeoutError as late:
                self._connection.doubt()
                raise SendUnknown("the library did not come back") from late
            except NeonizeError as error:
                failure = send_error(str(error))
                if isinstance(failure, SendUnknown):
                    self._connection.doubt()
                raise failure from error
            chat = f"{answer.Chat.User}@{answer.Chat.Server}" if answer.Chat.User else outgoing.chat_jid
            chat = outgoing.chat_jid if is_group(outgoing.chat_jid) else chat
            return Sent(answer.ID, datetime.fromtimestamp(answer.Timestamp, UTC), chat)

    async def mark_read(self, chat_jid: str, wa_ids: list[str], author_jid: str) -> None:
        async def call(api: Any) -> None:
            chat, author = jid_of(chat_jid), jid_of(author_jid)
            await api.mark_read(*wa_ids, chat=chat, sender=author, receipt=ReceiptType.READ)

        await self._best_effort(call)

    async def group_name(self, chat_jid: str) -> str:
        client = self._connection.client()
        try:
            answer = await client.api.get_group_info(jid_of(chat_jid))
        except (NeonizeError, ValueError) as error:
            log.info("neonize.group_not_told", channel_id=str(self._number.channel_id), error=str(error))
            return ""
        return answer.GroupName.Name

    async def typing(self, chat_jid: str, on: bool) -> None:
        async def call(api: Any) -> None:
            state = ChatPresence.CHAT_PRESENCE_COMPOSING if on else ChatPresence.CHAT_PRESENCE_PAUSED
            await api.send_chat_presence(jid_of(chat_jid), state, ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT)

        await self._best_effort(call)

    async def reject_call(self, caller: str, call_id: str) -> None:
        async def call(api: Any) -> None:
            await api.reject_call(jid_of(caller), call_id)

        await self._best_effort(call)

    async def _best_effort(self, call: Callable[[Any], Awaitable[None]]) -> None:
        client = self._connection.client()
        try:
            await call(client.api)
        except (NeonizeError, ValueError) as error:
            log.info("neonize.not_told", channel_id=str(self._number.channel_id), error=str(error))

    async def download(self, raw: bytes) -> bytes:
        message = events.Message.FromString(raw).Message
        size = announced_size(message)
        downloading = self._connection.client().download(message, size)
        try:
            return await _within(transfer_seconds(size), downloading)
        except TimeoutError as late:
            raise DownloadFailed("media_unreachable", permanent=False) from late
        except NeonizeError as error:
            raise download_error(str(error)) from error

    async def logout(self) -> None:
        async with self._leaving:
            client = self._connection.client()
            try:
                await client.api.logout()
            except NeonizeError as error:
                raise NotConnected(str(error)) from error
            # the library says nothing of it, and the session is gone
            self._connection.tell(StateChange(ChannelStatus.LOGGED_OUT, "logged_out_by_user", fatal=True))
            await self.close()


async def _within(seconds: float, call: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> Any:
    """Its result. A call that is late goes on in the library, in a thread of its own, until that gives up: it cannot be cancelled.

    Raises: TimeoutError.
    """
    going_on = asyncio.ensure_future(call)
    going_on.add_done_callback(_forget)  # nobody may wait for it any more when it fails
    done, _ = await asyncio.wait({going_on}, timeout=seconds)
    if not done:
        raise TimeoutError
    return going_on.result()


def _forget(call: asyncio.Future[Any]) -> None:
    if not call.cancelled():
        call.exception()
