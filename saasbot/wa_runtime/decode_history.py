"""From a part of a phone's history (neonize 0.5.2) to the inbox's values.

A stored message becomes the very event that the library would have given for it, had it come by itself, and goes through the
same decoder. Groups, status and channels stay on the phone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saasbot.domain.history.store import OlderMessage
from saasbot.domain.inbox.incoming import IncomingMessage, storable_text
from saasbot.models import MessageStatus
from saasbot.wa_runtime.decode import decode_message
from saasbot.wa_runtime.protobufs import MESSAGE, WebMessage, events

_USER_SERVER, _LID_SERVER = "s.whatsapp.net", "lid"
_VIEW_ONCE = {
    "viewOnceMessage": "IsViewOnce",
    "viewOnceMessageV2": "IsViewOnceV2",
    "viewOnceMessageV2Extension": "IsViewOnceV2Extension",
}
_STATUSES = {
    WebMessage.DELIVERY_ACK: MessageStatus.DELIVERED,
    WebMessage.READ: MessageStatus.READ,
    WebMessage.PLAYED: MessageStatus.READ,
}
_LAST_MOMENT = 253_402_300_799
"""The last second of the year 9999: no calendar here goes further."""
_NOBODY = events.JID(User="", RawAgent=0, Device=0, Integrator=0, Server="", IsEmpty=True)


@dataclass(frozen=True, slots=True)
class _Chat:
    """One to one; at least one address is there. `name` as the phone calls the person."""

    phone: str
    lid: str
    name: str


class HistoryPart:
    """`percent` is the phone's own count of how much it has sent with this part; nothing when it told none.

    Raises, when made: google.protobuf.message.DecodeError.
    """

    def __init__(self, raw: bytes) -> None:
        data = events.HistorySync.FromString(raw).Data
        self.percent: int | None = min(data.progress, 100) if data.HasField("progress") else None
        names = {_digits(entry.ID): entry.pushname for entry in data.pushnames}
        phones = {_digits(pair.lidJID): _digits(pair.pnJID) for pair in data.phoneNumberToLidMappings}
        self._entries: list[tuple[_Chat, Any]] = []
        for conversation in data.conversations:
            chat = _chat(conversation, phones, names)
            if chat is not None:
                infos = [entry.message for entry in conversation.messages]
                infos.sort(key=lambda info: info.messageTimestamp, reverse=True)
                self._entries += [(chat, info) for info in infos]

    def __len__(self) -> int:
        """How many messages of private chats there are, of whatever age."""
        return len(self._entries)

    def messages(self, start: int, end: int, *, since: datetime) -> Iterator[OlderMessage]:
        """Those of the entries `start` to `end` that say something and are not older than `since`; of each chat the newest
        first."""
        for chat, info in self._entries[start:end]:
            if info.messageTimestamp >= since.timestamp() and (found := _older(chat, info)) is not None:
                yield found


def _digits(jid: str) -> str:
    """The user of `user[:device]@server`."""
    return jid.partition("@")[0].partition(":")[0]


def _chat(conversation: Any, phones: dict[str, str], names: dict[str, str]) -> _Chat | None:
    phone = lid = ""
    for jid in (conversation.ID, conversation.newJID, conversation.pnJID, conversation.lidJID):
        server = jid.partition("@")[2]
        phone = phone or (_digits(jid) if server == _USER_SERVER else "")
        lid = lid or (_digits(jid) if server == _LID_SERVER else "")
    if conversation.ID.partition("@")[2] not in (_USER_SERVER, _LID_SERVER) or phone == "0":  # 0 is WhatsApp itself
        return None
    phone = phone or phones.get(lid, "")
    lid = lid or next((known for known, number in phones.items() if number == phone), "")
    name = conversation.name or conversation.displayName or names.get(phone) or names.get(lid) or ""
    return _Chat(phone, lid, name) if phone or lid else None


def _older(chat: _Chat, info: Any) -> OlderMessage | None:
    if not info.key.ID or not info.HasField("message"):
        return None  # a line about the chat itself, or a message that was deleted
    if info.messageTimestamp > _LAST_MOMENT:
        return None
    event = _event(chat, info)
    message = decode_message(0, event)
    if not isinstance(message, IncomingMessage):
        return None
    status = _STATUSES.get(info.status, MessageStatus.SENT) if info.key.fromMe else MessageStatus.DELIVERED
    kept = (MESSAGE, event.SerializeToString()) if message.media is not None else None
    return OlderMessage(message, status, _reactions(info), kept)


def _event(chat: _Chat, info: Any) -> Any:
    """The message as the library gives those that come by themselves: the chat is the LID where that is known."""
    phone, lid = _jid(chat.phone, _USER_SERVER), _jid(chat.lid, _LID_SERVER)
    address, other = (lid, phone) if chat.lid else (phone, _NOBODY)
    from_me = info.key.fromMe
    source = events.MessageSource(
        Chat=address,
        Sender=_NOBODY if from_me else address,
        IsFromMe=from_me,
        IsGroup=False,
        SenderAlt=_NOBODY if from_me else other,
        RecipientAlt=other if from_me else _NOBODY,
        BroadcastListOwner=_NOBODY,
    )
    wrappers = {field.name for field, _ in info.message.ListFields()}
    view_once: dict[str, Any] = {flag: wrapper in wrappers for wrapper, flag in _VIEW_ONCE.items()}
    return events.Message(
        Info=events.MessageInfo(
            MessageSource=source,
            ID=info.key.ID,
            ServerID=0,
            Type="",
            Pushname=chat.name or ("" if from_me else info.pushName),
            Timestamp=info.messageTimestamp * 1000,
            Category="",
            Multicast=info.multicast,
            MediaType="",
            Edit="",
        ),
        Message=info.message,
        IsEphemeral="ephemeralMessage" in wrappers,
        **view_once,
        IsDocumentWithCaption=False,
        IsLottieSticker=False,
        IsEdit=False,
        UnavailableRequestID="",
        RetryCount=0,
    )


def _jid(user: str, server: str) -> Any:
    if not user:
        return _NOBODY
    return events.JID(User=user, RawAgent=0, Device=0, Integrator=0, Server=server, IsEmpty=False)


def _reactions(info: Any) -> list[dict[str, str]]:
    """At most one of each side, as the inbox keeps them."""
    sides = {
        "phone" if reaction.key.fromMe else "customer": storable_text(reaction.text) for reaction in info.reactions
    }
    return [{"author": author, "emoji": emoji} for author, emoji in sides.items() if emoji]
