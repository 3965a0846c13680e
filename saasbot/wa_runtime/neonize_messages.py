"""What goes out, as WhatsApp's end-to-end protobuf, built here: the library's own builders fetch URLs, read files and call
ffprobe."""

import time
from typing import Any

from saasbot.models import ActKind, MessageType
from saasbot.wa_runtime.protobufs import MessageKey, e2e
from saasbot.wa_runtime.transport import Outgoing, OutgoingMedia, OutgoingPoll, Quoted, SendRefused, Target

IMAGE, VIDEO, AUDIO, DOCUMENT = range(4)
"""The library's kinds of upload."""

_VOICE_MIME = "audio/ogg; codecs=opus"


def upload_kind(outgoing: Outgoing) -> int:
    """As what its media is uploaded. A sticker is a picture there."""
    kinds = {
        MessageType.IMAGE: IMAGE,
        MessageType.STICKER: IMAGE,
        MessageType.AUDIO: AUDIO,
        MessageType.VIDEO: VIDEO,
    }
    return kinds.get(MessageType(outgoing.type), DOCUMENT)


def plain_message(outgoing: Outgoing) -> e2e.Message:
    """A message or an act without media. Raises: SendRefused."""
    if outgoing.target is not None:
        return _act(outgoing, outgoing.target)
    if outgoing.type == MessageType.TEXT:
        if _context(outgoing) is None:
            return e2e.Message(conversation=outgoing.text)
        return _in_context(e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text=outgoing.text)), outgoing)
    if outgoing.type == MessageType.LOCATION and outgoing.latitude is not None and outgoing.longitude is not None:
        place = e2e.LocationMessage(
            degreesLatitude=outgoing.latitude,
            degreesLongitude=outgoing.longitude,
            name=outgoing.text or None,
            address=outgoing.address or None,
        )
        return _in_context(e2e.Message(locationMessage=place), outgoing)
    if outgoing.type == MessageType.CONTACT and outgoing.vcard:
        card = e2e.ContactMessage(displayName=outgoing.text, vcard=outgoing.vcard)
        return _in_context(e2e.Message(contactMessage=card), outgoing)
    if outgoing.poll is not None:
        return _in_context(_poll(outgoing.poll), outgoing)
    raise SendRefused("unsupported_type")


def media_message(outgoing: Outgoing, media: OutgoingMedia, uploaded: Any) -> e2e.Message:
    """A message around an upload."""
    file: dict[str, Any] = {
        "URL": uploaded.url,
        "directPath": uploaded.DirectPath,
        "mediaKey": uploaded.MediaKey,
        "fileEncSHA256": uploaded.FileEncSHA256,
        "fileSHA256": uploaded.FileSHA256,
        "fileLength": uploaded.FileLength,
        "mediaKeyTimestamp": int(time.time()),
        "mimetype": media.mime,
    }
    caption, size = outgoing.text or None, dict[str, Any](width=media.width, height=media.height)
    match outgoing.type:
        case MessageType.STICKER:
            message = e2e.Message(stickerMessage=e2e.StickerMessage(**file, **size, isAnimated=False))
        case MessageType.IMAGE:
            message = e2e.Message(imageMessage=e2e.ImageMessage(**file, **size, caption=caption))
        case MessageType.VIDEO:
            video = e2e.VideoMessage(**file, **size, caption=caption, seconds=media.seconds)
            message = e2e.Message(videoMessage=video)
        case MessageType.AUDIO:
            file["mimetype"] = _VOICE_MIME if media.voice else media.mime
            audio = e2e.AudioMessage(**file, seconds=media.seconds, PTT=media.voice, waveform=media.waveform)
            message = e2e.Message(audioMessage=audio)
        case _:
            name = media.file_name or "file"
            document = e2e.DocumentMessage(**file, fileName=name, title=name, caption=caption)
            message = e2e.Message(documentMessage=document)
    return _in_context(message, outgoing)


def _poll(poll: OutgoingPoll) -> e2e.Message:
    options = [e2e.PollCreationMessage.Option(optionName=option) for option in poll.options]
    creation = e2e.PollCreationMessage(
        name=poll.question, options=options, selectableOptionsCount=0 if poll.several else 1
    )
    message = e2e.Message(pollCreationMessage=creation)
    message.messageContextInfo.messageSecret = poll.secret
    return message


def _act(outgoing: Outgoing, target: Target) -> e2e.Message:
    key = MessageKey(remoteJID=outgoing.chat_jid, fromMe=target.from_me, ID=target.wa_id, participant=target.author_jid)
    moment = int(target.at.timestamp() * 1000)
    if outgoing.type == ActKind.REACTION:
        reaction = e2e.ReactionMessage(key=key, text=outgoing.text, senderTimestampMS=moment)
        return e2e.Message(reactionMessage=reaction)
    if outgoing.type == ActKind.REVOKE:
        return e2e.Message(protocolMessage=e2e.ProtocolMessage(key=key, type=e2e.ProtocolMessage.REVOKE))
    edit = e2e.ProtocolMessage(
        key=key,
        type=e2e.ProtocolMessage.MESSAGE_EDIT,
        editedMessage=e2e.Message(conversation=outgoing.text),
        timestampMS=moment,
    )
    # in this envelope, as phones send it: the library reads the kind of stanza from it
    return e2e.Message(editedMessage=e2e.FutureProofMessage(message=e2e.Message(protocolMessage=edit)))


def _context(outgoing: Outgoing) -> e2e.ContextInfo | None:
    """What it answers, and how long its chat remembers."""
    if outgoing.quoted is None and not outgoing.ephemeral_seconds:
        return None
    context = e2e.ContextInfo()
    if outgoing.ephemeral_seconds:
        context.expiration = outgoing.ephemeral_seconds
    if outgoing.quoted is not None:
        context.stanzaID, context.participant = outgoing.quoted.wa_id, outgoing.quoted.author_jid
        context.quotedMessage.CopyFrom(_quoted(outgoing.quoted))
    return context


def _quoted(quoted: Quoted) -> e2e.Message:
    """Enough of it for a phone that no longer has it."""
    match quoted.type:
        case MessageType.IMAGE:
            return e2e.Message(imageMessage=e2e.ImageMessage(caption=quoted.text))
        case MessageType.VIDEO:
            return e2e.Message(videoMessage=e2e.VideoMessage(caption=quoted.text))
        case MessageType.AUDIO:
            return e2e.Message(audioMessage=e2e.AudioMessage(PTT=True))
        case MessageType.STICKER:
            return e2e.Message(stickerMessage=e2e.StickerMessage(mimetype="image/webp"))
        case MessageType.DOCUMENT:
            return e2e.Message(documentMessage=e2e.DocumentMessage(title=quoted.text, caption=quoted.text))
        case MessageType.LOCATION:
            return e2e.Message(locationMessage=e2e.LocationMessage(name=quoted.text))
        case MessageType.CONTACT:
            return e2e.Message(contactMessage=e2e.ContactMessage(displayName=quoted.text))
        case _:
            return e2e.Message(conversation=quoted.text)


def _in_context(message: e2e.Message, outgoing: Outgoing) -> e2e.Message:
    context = _context(outgoing)
    if context is not None:
        name = next(field.name for field, _ in message.ListFields() if field.name != "messageContextInfo")
        getattr(message, name).contextInfo.CopyFrom(context)
    return message
