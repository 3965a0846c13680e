"""From what the outbox took to what a transport sends."""

from datetime import datetime

from saasbot.domain.channels.act_outbox import OutboxAct
from saasbot.domain.channels.outbox import OutboxMessage, QuotedMessage
from saasbot.domain.inbox.groups import is_group
from saasbot.infra.storage import storage
from saasbot.models import MessageType
from saasbot.wa_runtime.transport import Outgoing, OutgoingMedia, OutgoingPoll, Quoted, Target

POLL = "poll"


async def outgoing_message(message: OutboxMessage) -> Outgoing:
    """Raises: FileMissing, when the stored file is gone; StorageUnavailable."""
    payload, poll = message.payload, None
    kind, text = message.type, message.text
    if message.poll_secret is not None:
        kind, text = POLL, ""
        poll = OutgoingPoll(
            payload["question"], tuple(payload["options"]), bool(payload["several"]), message.poll_secret
        )
    elif kind in (MessageType.LOCATION, MessageType.CONTACT):
        text = text or str(payload.get("name", ""))
    return Outgoing(
        message_id=message.id,
        chat_jid=message.chat_jid,
        type=kind,
        text=text,
        media=await _media(message),
        latitude=payload.get("latitude"),
        longitude=payload.get("longitude"),
        address=str(payload.get("address", "")),
        vcard=str(payload.get("vcard", "")),
        poll=poll,
        quoted=_quoted(message.quoted, message.chat_jid) if message.quoted is not None else None,
        ephemeral_seconds=message.ephemeral_seconds,
    )


def outgoing_act(act: OutboxAct, at: datetime) -> Outgoing:
    """`at` is the act's own moment."""
    return Outgoing(
        message_id=act.id,
        chat_jid=act.chat_jid,
        type=act.kind,
        text=act.text,
        target=Target(act.target_wa_id, act.target_from_me, at, act.target_author_jid),
    )


async def _media(message: OutboxMessage) -> OutgoingMedia | None:
    if message.storage_key is None:
        return None
    return OutgoingMedia(
        content=await storage().get(message.storage_key),
        mime=message.mime or "application/octet-stream",
        file_name=message.file_name,
        width=message.width,
        height=message.height,
        seconds=message.seconds,
        voice=bool(message.voice),
        waveform=message.waveform,
    )


def _quoted(quoted: QuotedMessage, chat_jid: str) -> Quoted:
    """Its author by the kind of address that the chat has: phones look for the message under that one. Groups address people by
    LID."""
    author = quoted.author_jid or chat_jid
    if quoted.from_me:
        by_lid = (chat_jid.endswith("@lid") or is_group(chat_jid)) and quoted.own_lid
        author = f"{quoted.own_lid}@lid" if by_lid else f"{quoted.own_phone}@s.whatsapp.net"
    return Quoted(quoted.wa_id, author, quoted.type, quoted.text)
