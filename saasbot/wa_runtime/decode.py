"""From a raw event of the journal (neonize 0.5.2) to the inbox's values.

Anything that is not understood becomes an `unsupported` message that names its kind; groups, status and newsletters, and
protocol housekeeping, are ignored by name.
"""

import re
from datetime import UTC, datetime
from typing import Any

from google.protobuf.unknown_fields import UnknownFieldSet

from saasbot.domain.inbox.incoming import Incoming, IncomingMedia, IncomingMessage, IncomingReceipt
from saasbot.models import MessageStatus, MessageType
from saasbot.wa_runtime.protobufs import MESSAGE, RECEIPT, UNDECRYPTABLE, e2e, events

_USER_SERVER, _LID_SERVER = "s.whatsapp.net", "lid"
_MEDIA = {
    "imageMessage": MessageType.IMAGE,
    "audioMessage": MessageType.AUDIO,
    "documentMessage": MessageType.DOCUMENT,
}
_HOUSEKEEPING = frozenset(
    {"messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"}
)
_READ = frozenset({"READ", "PLAYED"})


def decode(event_id: int, code: int, raw: bytes) -> Incoming | None:
    """The value of a journalled event, or nothing when it means nothing to the inbox.

    Raises: google.protobuf.message.DecodeError, for bytes that are no such event.
    """
    if code == MESSAGE:
        return _message(event_id, events.Message.FromString(raw))
    if code == RECEIPT:
        return _receipt(events.Receipt.FromString(raw))
    if code == UNDECRYPTABLE:
        event = events.UndecryptableMessage.FromString(raw)
        return _envelope(event_id, event.Info, MessageType.UNSUPPORTED, payload={"kind": "undecryptable"})
    return None


def _receipt(event: Any) -> IncomingReceipt | None:
    kind = events.Receipt.ReceiptType.Name(event.Type)
    if event.MessageSource.IsGroup or event.MessageSource.IsFromMe or kind not in {"DELIVERED", *_READ}:
        return None
    status = MessageStatus.READ if kind in _READ else MessageStatus.DELIVERED
    return IncomingReceipt(tuple(event.MessageIDs), status, datetime.fromtimestamp(event.Timestamp, UTC))


def _is_private_chat(info: Any) -> bool:
    source = info.MessageSource
    return not source.IsGroup and source.Chat.Server in (_USER_SERVER, _LID_SERVER) and info.Category != "peer"


def _addresses(source: Any) -> tuple[str | None, str | None]:
    """Phone and LID digits of the other party, whichever of its addresses WhatsApp put where."""
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
) -> IncomingMessage | None:
    if not _is_private_chat(info):
        return None
    source = info.MessageSource
    phone, lid = _addresses(source)
    if phone is None and lid is None:
        return None
    return IncomingMessage(
        wa_id=info.ID,
        chat_jid=f"{source.Chat.User}@{source.Chat.Server}",
        phone=phone,
        lid=lid,
        from_me=source.IsFromMe,
        sent_at=datetime.fromtimestamp(info.Timestamp / 1000, UTC),
        type=kind,
        push_name=info.Pushname,
        text=text,
        payload=payload or {},
        media=media,
        quoted_wa_id=quoted,
        wa_event_id=event_id,
    )


def _message(event_id: int, event: Any) -> IncomingMessage | None:
    body = event.Message
    present = [field.name for field, _ in body.ListFields() if field.name not in _HOUSEKEEPING]
    if not present:
        # a kind of message that this protobuf does not know yet, or nothing at all
        is_new = len(UnknownFieldSet(body)) > 0
        return _envelope(event_id, event.Info, MessageType.UNSUPPORTED, payload={"kind": "unknown"}) if is_new else None
    name = present[0]
    if name == "protocolMessage" and not _is_customer_act(body.protocolMessage):
        return None
    content = getattr(body, name)
    quoted = None
    if (
        name != "conversation"
        and "contextInfo" in content.DESCRIPTOR.fields_by_name
        and content.HasField("contextInfo")
    ):
        quoted = content.contextInfo.stanzaID or None
    if event.IsViewOnce or event.IsViewOnceV2 or event.IsViewOnceV2Extension:
        return _envelope(event_id, event.Info, MessageType.UNSUPPORTED, payload={"kind": "view_once"})
    if name in ("conversation", "extendedTextMessage"):
        text = content if name == "conversation" else content.text
        return _envelope(event_id, event.Info, MessageType.TEXT, text=text, quoted=quoted)
    if name in _MEDIA:
        caption = getattr(content, "caption", "")
        media = _announced(name, content)
        return _envelope(event_id, event.Info, _MEDIA[name], text=caption, media=media, quoted=quoted)
    if name in ("locationMessage", "contactMessage"):
        kind = MessageType.LOCATION if name == "locationMessage" else MessageType.CONTACT
        payload = _place(content) if kind is MessageType.LOCATION else _card(content)
        return _envelope(event_id, event.Info, kind, payload=payload, quoted=quoted)
    payload = {"kind": _kind_of(name, content)}
    return _envelope(
        event_id, event.Info, MessageType.UNSUPPORTED, text=_readable(content), payload=payload, quoted=quoted
    )


def _is_customer_act(protocol: Any) -> bool:
    """Revoke (0: needs HasField) and edit are acts of a person; the rest is housekeeping between devices."""
    return protocol.HasField("type") and protocol.type in (e2e.ProtocolMessage.REVOKE, e2e.ProtocolMessage.MESSAGE_EDIT)


def _kind_of(name: str, content: Any) -> str:
    if name == "protocolMessage":
        return "revoke" if content.type == e2e.ProtocolMessage.REVOKE else "edit"
    short = re.sub(r"Mes+age", "", name)  # pollCreationMessageV3, and the library's own callLogMesssage
    return re.sub(r"(?<!^)([A-Z])", r"_\1", short).lower()


def _readable(content: Any) -> str:
    """What an unsupported message says in words, where it says anything."""
    if isinstance(content, str):
        return content
    if isinstance(content, e2e.ProtocolMessage):
        edited = content.editedMessage
        return edited.conversation or edited.extendedTextMessage.text or edited.imageMessage.caption
    names = content.DESCRIPTOR.fields_by_name
    for name in ("text", "caption", "name", "selectedDisplayText", "title"):
        if name in names and isinstance(value := getattr(content, name), str) and value:
            return value
    return ""


def _announced(name: str, content: Any) -> IncomingMedia:
    return IncomingMedia(
        mime=content.mimetype.split(";")[0].strip().lower() or "application/octet-stream",
        size=content.fileLength,
        sha256=content.fileSHA256.hex() or None,
        width=(content.width or None) if name == "imageMessage" else None,
        height=(content.height or None) if name == "imageMessage" else None,
        seconds=(content.seconds or None) if name == "audioMessage" else None,
        voice=name == "audioMessage" and content.PTT,
        file_name=(content.fileName or content.title or None) if name == "documentMessage" else None,
    )


def _place(content: Any) -> dict[str, Any]:
    return {
        "latitude": content.degreesLatitude,
        "longitude": content.degreesLongitude,
        "name": content.name,
        "address": content.address,
    }


def _card(content: Any) -> dict[str, Any]:
    return {"name": content.displayName, "vcard": content.vcard}
