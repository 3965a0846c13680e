"""From a raw event of the journal (neonize 0.5.2) to the inbox's values.

A reaction, an edit or a deletion is an act upon a message, never one itself. Anything that is not understood becomes an
`unsupported` message that names its kind; status and newsletters, and protocol housekeeping, are ignored by name. What is in a
group says so: whether its number takes groups in is not decided here.
"""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from saasbot.domain.inbox.incoming import (
    NOTHING,
    Incoming,
    IncomingAct,
    IncomingMedia,
    IncomingMessage,
    IncomingReceipt,
    IncomingVote,
    storable,
    storable_text,
)
from saasbot.models import ActKind, MessageStatus, MessageType
from saasbot.wa_runtime import contents
from saasbot.wa_runtime.protobufs import CALL_OFFER, CALL_TERMINATE, MESSAGE, RECEIPT, UNDECRYPTABLE, e2e, events

_USER_SERVER, _LID_SERVER, _GROUP_SERVER = "s.whatsapp.net", "lid", "g.us"
_HOUSEKEEPING = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "albumMessage",  # how many pictures follow, each a message of its own
        "pinInChatMessage",
        "keepInChatMessage",
    }
)
_DAY_MS = 24 * 60 * 60 * 1000
_READ = frozenset({"READ", "PLAYED"})
_LONGEST_QUOTE = 200
_TAKEN = frozenset({"accepted_elsewhere", "rejected_elsewhere"})
"""Why a call no longer rings here: the owner has seen to it on the phone."""


def decode(event_id: int, code: int, raw: bytes) -> Incoming | None:
    """The value of a journalled event, made storable, or nothing when it means nothing to the inbox.

    Raises: google.protobuf.message.DecodeError, for bytes that are no such event.
    """
    value = _value(event_id, code, raw)
    return None if value is None else storable(value)


def decode_message(event_id: int, event: Any) -> IncomingMessage | IncomingAct | IncomingVote | None:
    """The same for a message event that is no bytes yet."""
    value = _message(event_id, event)
    return None if value is None else storable(value)


def _value(event_id: int, code: int, raw: bytes) -> Incoming | None:
    if code == MESSAGE:
        return _message(event_id, events.Message.FromString(raw))
    if code == RECEIPT:
        return _receipt(events.Receipt.FromString(raw))
    if code == CALL_OFFER:
        offer = events.CallOffer.FromString(raw)
        video = any(node.Tag == "video" for node in offer.data.Nodes)
        return _call(event_id, offer, {"kind": "missed_call", "video": video})
    if code == CALL_TERMINATE:
        end = events.CallTerminate.FromString(raw)
        return _call(event_id, end, {"kind": "call"}) if end.reason in _TAKEN else None
    if code == UNDECRYPTABLE:
        return _placeholder(event_id, events.UndecryptableMessage.FromString(raw))
    return None


def _placeholder(event_id: int, event: Any) -> IncomingMessage | None:
    """What stands for a message until it comes. An act or a vote leaves none: it comes to its target, and nothing would take the
    place. Senders ask for those to be hidden (whatsmeow, send.go), but for deletions, which only say that they are edits."""
    if event.DecryptFailMode == events.UndecryptableMessage.DECRYPT_FAIL_HIDE or event.Info.Edit:
        return None
    payload: dict[str, Any] = {"kind": "undecryptable"}
    if event.IsUnavailable:
        payload["unavailable"] = True  # WhatsApp sent it to the phone alone: most are to be seen once
    return _envelope(event_id, event.Info, MessageType.UNSUPPORTED, payload=payload)


def _receipt(event: Any) -> IncomingReceipt | None:
    kind = events.Receipt.ReceiptType.Name(event.Type)
    source = event.MessageSource
    group = _group(source)
    if (source.IsGroup and group is None) or source.IsFromMe or kind not in {"DELIVERED", *_READ}:
        return None
    # one of many has shown it: that everybody has, which is what a second colour says, nobody tells
    status = MessageStatus.READ if kind in _READ and group is None else MessageStatus.DELIVERED
    return IncomingReceipt(tuple(event.MessageIDs), status, _moment(event.Timestamp), group)


def _group(source: Any) -> str | None:
    """The id of a group. A status says that it is in one as well."""
    return source.Chat.User or None if source.IsGroup and source.Chat.Server == _GROUP_SERVER else None


def _is_chat(info: Any) -> bool:
    """Of people, who can be known by an address."""
    source = info.MessageSource
    if info.Category == "peer":
        return False
    if _group(source) is not None:
        return source.IsFromMe or any(_addresses(source))
    private = not source.IsGroup and source.Chat.Server in (_USER_SERVER, _LID_SERVER)
    return (private or _is_through_list(source)) and any(_addresses(source))


def _is_through_list(source: Any) -> bool:
    """Sent to us through a broadcast list: WhatsApp shows that in the chat with who sent it (whatsmeow, `IsIncomingBroadcast`),
    although it says that it is in a group. A status is in a list too, which has no chat."""
    return source.Chat.Server == "broadcast" and source.Chat.User != "status" and not source.IsFromMe


def _chat_jid(source: Any) -> str:
    """Where an answer goes."""
    return _sender_jid(source) if _is_through_list(source) else f"{source.Chat.User}@{source.Chat.Server}"


def _sender_jid(source: Any) -> str:
    sender = source.Sender if source.Sender.User else source.SenderAlt
    return f"{sender.User}@{sender.Server}"


def _author_jid(source: Any) -> str | None:
    return None if _group(source) is None or source.IsFromMe else _sender_jid(source)


def _addresses(source: Any) -> tuple[str | None, str | None]:
    """Phone and LID digits of the other party, whichever of its addresses WhatsApp put where; in a group of who wrote."""
    candidates = (
        [source.Chat, source.RecipientAlt] if source.IsFromMe else [source.Sender, source.SenderAlt, source.Chat]
    )
    phone = next((c.User for c in candidates if c.Server == _USER_SERVER and c.User), None)
    lid = next((c.User for c in candidates if c.Server == _LID_SERVER and c.User), None)
    return phone, lid


def _envelope(
    event_id: int,
    info: Any,
    kind: MessageType,
    *,
    text: str = "",
    payload: dict[str, Any] | None = None,
    media: IncomingMedia | None = None,
    quoted: str | None = None,
    ephemeral_seconds: int | None = None,
) -> IncomingMessage | None:
    if not _is_chat(info):
        return None
    source = info.MessageSource
    phone, lid = _addresses(source)
    return IncomingMessage(
        wa_id=info.ID,
        chat_jid=_chat_jid(source),
        phone=phone,
        lid=lid,
        from_me=source.IsFromMe,
        sent_at=_moment(info.Timestamp / 1000),
        type=kind,
        push_name=info.Pushname,
        text=text,
        payload=payload or {},
        media=media,
        quoted_wa_id=quoted,
        wa_event_id=event_id,
        ephemeral_seconds=ephemeral_seconds,
        group=_group(source),
        author_jid=_author_jid(source),
    )


def _message(event_id: int, event: Any) -> IncomingMessage | IncomingAct | IncomingVote | None:
    body = contents.unwrapped(event.Message)
    present = [field.name for field, _ in body.ListFields() if field.name not in _HOUSEKEEPING]
    if not present:
        # a kind of message that this protobuf does not know yet, or nothing at all
        if len(UnknownFieldSet(body)) > 0:
            return _envelope(event_id, event.Info, MessageType.UNSUPPORTED, payload={"kind": "unknown"})
        return _nothing(event_id, event.Info)
    name = present[0]
    content = getattr(body, name)
    if name == "protocolMessage" and not _is_customer_act(content):
        return _nothing(event_id, event.Info)
    if name in ("protocolMessage", "reactionMessage") and (act := _act(event.Info, content)) is not None:
        return act
    kind, text, payload, media = _content(name, content, view_once=_is_view_once(event))
    if event.IsEphemeral:
        payload["ephemeral"] = True
    context = _context(name, content)
    if context is not None and (quoted := _quoted(context, event.Info.MessageSource)) is not None:
        payload["quoted"] = quoted
    forgets = context.expiration if context is not None else 0
    message = _envelope(
        event_id,
        event.Info,
        kind,
        text=text,
        payload=payload,
        media=media,
        quoted=(context.stanzaID or None) if context is not None else None,
        ephemeral_seconds=forgets if forgets or not event.IsEphemeral else None,
    )
    return _vote(content, event.Info, message) if name == "pollUpdateMessage" and message is not None else message


def _nothing(event_id: int, info: Any) -> IncomingMessage | None:
    """Of devices among themselves: where it could not be read at first, it takes away what stands for a message."""
    return _envelope(event_id, info, MessageType.ACTIVITY, payload={"kind": NOTHING})


def _vote(content: Any, info: Any, line: IncomingMessage) -> IncomingVote:
    at = _moment_of_act(content.senderTimestampMS, info.Timestamp)
    return IncomingVote(content.pollCreationMessageKey.ID, content.vote.encPayload, content.vote.encIV, at, line)


def _content(
    name: str, content: Any, *, view_once: bool
) -> tuple[MessageType, str, dict[str, Any], IncomingMedia | None]:
    """Type, text, payload and file of a message, from the field that holds it."""
    if view_once:
        # WhatsApp lets it be opened on the phone alone, so the file is not fetched
        return MessageType.UNSUPPORTED, "", {"kind": "view_once", "of": contents.kind_of(name)}, None
    if name in ("conversation", "extendedTextMessage"):
        return MessageType.TEXT, content if name == "conversation" else content.text, {}, None
    if name in contents.MEDIA:
        return contents.MEDIA[name], getattr(content, "caption", ""), {}, contents.announced(name, content)
    if name == "locationMessage":
        return MessageType.LOCATION, "", contents.place(content), None
    if name == "liveLocationMessage":
        return MessageType.LOCATION, content.caption, contents.live_place(content), None
    if name == "contactMessage":
        return MessageType.CONTACT, "", contents.card(content), None
    if name == "contactsArrayMessage" and content.contacts:
        return MessageType.CONTACT, "", contents.cards(content), None
    if name == "pollUpdateMessage":
        # the line where it cannot be opened: only the poll's message has the secret that it is encrypted under
        payload = {"kind": "poll_vote", "poll": content.pollCreationMessageKey.ID}
        return MessageType.ACTIVITY, "", payload, None
    if name == "callLogMesssage":
        kind = "missed_call" if contents.missed(content) else "call"
        return MessageType.ACTIVITY, "", {"kind": kind, "video": content.isVideo}, None
    said = contents.words_of(name, content)
    if said is not None and said[1]:
        return MessageType.TEXT, said[1], {"kind": said[0]}, None
    return MessageType.UNSUPPORTED, contents.readable(content), {"kind": _kind_of(name, content)}, None


def _context(name: str, content: Any) -> Any | None:
    """What it answers, and how long its chat remembers; nothing where neither is said."""
    if name == "conversation" or "contextInfo" not in content.DESCRIPTOR.fields_by_name:
        return None
    return content.contextInfo if content.HasField("contextInfo") else None


def _quoted(context: Any, source: Any) -> dict[str, Any] | None:
    """What it answers, as whoever answers tells it: for where that is not stored, which a status never is."""
    is_status = context.remoteJID == "status@broadcast"
    if not context.stanzaID or not (is_status or context.HasField("quotedMessage")):
        return None
    body = contents.unwrapped(context.quotedMessage)
    name = next((field.name for field, _ in body.ListFields() if field.name not in _HOUSEKEEPING), None)
    kind, text = MessageType.UNSUPPORTED, ""
    if name is not None:
        kind, text, _, _ = _content(name, getattr(body, name), view_once=False)
    # of a group's people nobody here knows which is ours
    by_customer = _group(source) is not None or _user(storable_text(context.participant)) in _addresses(source)
    return {
        "author": "customer" if by_customer else "phone",
        "type": (kind if kind != MessageType.ACTIVITY else MessageType.UNSUPPORTED).value,
        "text": text[:_LONGEST_QUOTE],
        "is_status": is_status,
    }


def _user(jid: str) -> str:
    """Of `user[:device]@server`."""
    return jid.partition("@")[0].partition(":")[0]


def _is_view_once(event: Any) -> bool:
    return event.IsViewOnce or event.IsViewOnceV2 or event.IsViewOnceV2Extension


def _is_customer_act(protocol: Any) -> bool:
    """Revoke (0: needs HasField) and edit are acts of a person; the rest is housekeeping between devices."""
    return protocol.HasField("type") and protocol.type in (e2e.ProtocolMessage.REVOKE, e2e.ProtocolMessage.MESSAGE_EDIT)


def _kind_of(name: str, content: Any) -> str:
    if name == "protocolMessage":
        return "revoke" if content.type == e2e.ProtocolMessage.REVOKE else "edit"
    return contents.kind_of(name)


def _act(info: Any, content: Any) -> IncomingAct | None:
    """A reaction, an edit or a deletion; nothing where it does not say of which message, or what it now says."""
    if isinstance(content, e2e.ReactionMessage):
        kind, text, moment = ActKind.REACTION, content.text, content.senderTimestampMS
    elif content.type == e2e.ProtocolMessage.REVOKE:
        kind, text, moment = ActKind.REVOKE, "", 0
    else:
        kind, text, moment = ActKind.EDIT, contents.new_words(content.editedMessage), content.timestampMS
    phone, lid = _addresses(info.MessageSource)
    if not _is_chat(info) or not content.key.ID or text is None:
        return None
    return IncomingAct(
        kind=kind,
        phone=phone,
        lid=lid,
        from_me=info.MessageSource.IsFromMe,
        target_wa_id=content.key.ID,
        at=_moment_of_act(moment, info.Timestamp),
        text=text,
        push_name=info.Pushname,
        group=_group(info.MessageSource),
        author_jid=_author_jid(info.MessageSource),
        chat_jid=_chat_jid(info.MessageSource),
    )


def _moment_of_act(own: int, server: int) -> datetime:
    """Milliseconds by the clock of who did it: finer than the server's seconds. A clock that is days off is not believed."""
    believed = own if abs(own - server) < _DAY_MS else server
    return _moment(believed / 1000)


def _moment(seconds: float) -> datetime:
    """Raises: google.protobuf.message.DecodeError, for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise DecodeError("its time is in no calendar") from None


def _call(event_id: int, event: Any, payload: dict[str, Any]) -> IncomingMessage | None:
    """A line in the chat for a call that rang, missed until the phone says that it was seen to there: nobody takes calls here. The
    call's id makes it one, however often it is told."""
    meta = event.basicCallMeta
    callers = [meta.callCreatorAlt, meta.callCreator, getattr(meta, "from")]
    phone = next((c.User for c in callers if c.Server == _USER_SERVER and c.User), None)
    lid = next((c.User for c in callers if c.Server == _LID_SERVER and c.User), None)
    of_group = any(attribute.name == "group-jid" for attribute in event.data.Attrs)
    if of_group or not meta.callID or (phone is None and lid is None):
        return None
    return IncomingMessage(
        wa_id=meta.callID,
        chat_jid=f"{lid}@{_LID_SERVER}" if lid else f"{phone}@{_USER_SERVER}",
        phone=phone,
        lid=lid,
        from_me=False,
        sent_at=_moment(meta.timestamp),
        type=MessageType.ACTIVITY,
        payload=payload,
        wa_event_id=event_id,
    )
