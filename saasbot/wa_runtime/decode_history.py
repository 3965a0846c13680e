"""From a part of a phone's history (neonize 0.5.2) to the inbox's values.

A stored message becomes the very event that the library would have given for it, had it come by itself, and goes through the
same decoder. Groups, status and channels stay on the phone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saasbot.domain.history.store import OlderMessage
from saasbot.domain.inbox.incoming import IncomingAct, IncomingMessage, storable_text
from saasbot.models import MessageStatus
from saasbot.wa_runtime import contents
from saasbot.wa_runtime.decode import decode_message
from saasbot.wa_runtime.protobufs import MESSAGE, WebMessage, e2e, events

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
        self._entries: list[tuple[_Chat, Any, Any | None]] = []
        for conversation in data.conversations:
            chat = _chat(conversation, phones, names)
            if chat is not None:
                infos = [entry.message for entry in conversation.messages]
                infos.sort(key=lambda info: info.messageTimestamp, reverse=True)
                self._entries += [(chat, info, edit) for info, edit in _with_edits(infos)]

    def __len__(self) -> int:
        """How many messages of private chats there are, of whatever age."""
        return len(self._entries)

    def messages(self, start: int, end: int, *, since: datetime) -> Iterator[OlderMessage]:
        """Those of the entries `start` to `end` that say something and are not older than `since`; of each chat the newest
        first."""
        for chat, info, edit in self._entries[start:end]:
            if info.messageTimestamp >= since.timestamp() and (found := _older(chat, info, edit)) is not None:
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


def _with_edits(infos: list[Any]) -> list[tuple[Any, Any | None]]:
    """The entries of a chat, newest first, each with the last edit that stands elsewhere in the chat. Such an edit is no entry
    of its own: it may say the words alone, where the message has its file and its place in the chat."""
    targets = [edit.key.ID if (edit := _edit_in(info)) is not None else None for info in infos]
    messages = {_key(info) for info, target in zip(infos, targets, strict=True) if target is None}
    edits: dict[tuple[str, bool], Any] = {}
    kept: list[Any] = []
    for info, target in zip(infos, targets, strict=True):
        if target is not None and (target, info.key.fromMe) in messages:
            edits.setdefault((target, info.key.fromMe), info)
        else:
            kept.append(info)
    return [(info, edits.get(_key(info))) for info in kept]


def _key(info: Any) -> tuple[str, bool]:
    return info.key.ID, info.key.fromMe


def _edit_in(info: Any) -> Any | None:
    """An edited message, which the phone may keep as the edit that it got (whatsmeow, `ParseWebMessage`)."""
    protocol = contents.unwrapped(info.message).protocolMessage
    is_edit = protocol.type == e2e.ProtocolMessage.MESSAGE_EDIT and protocol.HasField("editedMessage")
    return protocol if is_edit and protocol.key.ID and info.messageTimestamp <= _LAST_MOMENT else None


def _older(chat: _Chat, info: Any, edit: Any | None) -> OlderMessage | None:
    if not info.key.ID or not info.HasField("message"):
        return None  # a line about the chat itself, or a message that was deleted
    if info.messageTimestamp > _LAST_MOMENT:
        return None
    event = _event(chat, info)
    is_edited = (alone := _edit_in(info)) is not None
    if alone is not None:
        event.Info.ID = alone.key.ID
        event.Message.CopyFrom(alone.editedMessage)
    message = decode_message(0, event)
    if not isinstance(message, IncomingMessage) or message.is_nothing:
        return None
    status = _STATUSES.get(info.status, MessageStatus.SENT) if info.key.fromMe else MessageStatus.DELIVERED
    kept = (MESSAGE, event.SerializeToString()) if message.media is not None else None
    act = decode_message(0, _event(chat, edit)) if edit is not None else None
    return OlderMessage(
        message, status, _reactions(info), kept, act if isinstance(act, IncomingAct) else None, is_edited
    )


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
    wrappers = contents.wrappers(info.message)
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
