"""What a message says, as WhatsApp's end-to-end protobuf: one builder per type of the simulator's control."""

import hashlib
import io
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from PIL import Image, UnidentifiedImageError

from saasbot.domain.simulator.media import SimMedia
from saasbot.infra.errors import InvalidInput
from saasbot.wa_runtime.poll_votes import authenticated, key_of_vote
from saasbot.wa_runtime.protobufs import MessageKey, e2e

MEDIA_TYPES = ("image", "audio", "video", "document", "sticker")
ACTS = ("reaction", "edit", "revoke")
"""About an earlier message, which `target_id` names."""
VOTE = "poll_vote"
"""In a poll of the number, which `target_id` names; `text` has the chosen options, one a line."""
TYPES = ("text", *MEDIA_TYPES, "location", "contact", *ACTS, VOTE)
_SERVER = "https://mmg.whatsapp.net"


@dataclass(frozen=True, slots=True)
class Content:
    """What somebody writes. `text` is the body, caption, emoji or name, by type."""

    type: str
    text: str = ""
    latitude: float | None = None
    longitude: float | None = None
    target_id: str | None = None
    target_from_us: bool = False
    """Whether the target is a message of the number itself."""
    target_jid: str = ""
    """In a group: who wrote the target."""
    quoted_id: str | None = None
    quoted_text: str = ""
    quoted_jid: str = ""
    """Who wrote the quoted message."""
    ephemeral_seconds: int = 0
    """After how long the chat forgets it; 0: never."""
    poll_secret: bytes = b""
    own_jid: str = ""
    """The number's own address, and the secret of its poll: what a vote is encrypted under."""

    def check(self) -> None:
        """Raises: InvalidInput."""
        if self.type not in TYPES:
            raise InvalidInput("type", "There is no such type of message.")
        if self.type == "text" and not self.text:
            raise InvalidInput("text", "Write something.")
        if self.type in (*ACTS, VOTE) and not self.target_id:
            raise InvalidInput("target_id", "Say which message is meant.")
        if self.type == "location":
            _check_place(self.latitude, self.longitude)


def _check_place(latitude: float | None, longitude: float | None) -> None:
    if latitude is None or not -90 <= latitude <= 90:
        raise InvalidInput("latitude", "Use -90 to 90 degrees.")
    if longitude is None or not -180 <= longitude <= 180:
        raise InvalidInput("longitude", "Use -180 to 180 degrees.")


def build(
    content: Content, *, chat_jid: str, at: datetime, media: SimMedia | None, file: bytes, voter: str = ""
) -> Any:
    """The checked content as an `E2E.Message`. `media` and its bytes come with the types that have some, `voter` (who writes)
    with a vote."""
    context = _context(content)
    if content.type == "text":
        if context is None:
            return e2e.Message(conversation=content.text)
        return e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text=content.text, contextInfo=context))
    if content.type in ACTS:
        return _act(content, chat_jid, at)
    if content.type == VOTE:
        return _vote(content, chat_jid, voter, at)
    if content.type == "location":
        place = e2e.LocationMessage(degreesLatitude=content.latitude, degreesLongitude=content.longitude)
        place.name = content.text
        return _quoting(e2e.Message(locationMessage=place), context)
    if content.type == "contact":
        return _quoting(e2e.Message(contactMessage=_card(content.text)), context)
    assert media is not None
    return _quoting(_with_file(content, at, media, file), context)


def _context(content: Content) -> Any | None:
    if content.quoted_id is None and not content.ephemeral_seconds:
        return None
    context = e2e.ContextInfo()
    if content.ephemeral_seconds:
        context.expiration = content.ephemeral_seconds
    if content.quoted_id is not None:
        context.stanzaID, context.participant = content.quoted_id, content.quoted_jid
        context.quotedMessage.conversation = content.quoted_text
    return context


def _quoting(message: Any, context: Any | None) -> Any:
    if context is not None:
        field = message.ListFields()[0][0].name
        getattr(message, field).contextInfo.CopyFrom(context)
    return message


def _act(content: Content, chat_jid: str, at: datetime) -> Any:
    key = MessageKey(
        remoteJID=chat_jid,
        fromMe=content.target_from_us,
        ID=content.target_id,
        participant=content.target_jid or None,
    )
    moment = int(at.timestamp() * 1000)
    if content.type == "reaction":
        return e2e.Message(reactionMessage=e2e.ReactionMessage(key=key, text=content.text, senderTimestampMS=moment))
    if content.type == "revoke":
        return e2e.Message(protocolMessage=e2e.ProtocolMessage(key=key, type=e2e.ProtocolMessage.REVOKE))
    return e2e.Message(
        protocolMessage=e2e.ProtocolMessage(
            key=key,
            type=e2e.ProtocolMessage.MESSAGE_EDIT,
            editedMessage=e2e.Message(conversation=content.text),
            timestampMS=moment,
        )
    )


def _vote(content: Content, chat_jid: str, voter: str, at: datetime) -> Any:
    chosen = [hashlib.sha256(option.encode()).digest() for option in content.text.splitlines() if option]
    plain = e2e.PollVoteMessage(selectedOptions=chosen).SerializeToString()
    key = key_of_vote(content.poll_secret, content.target_id or "", content.own_jid, voter)
    iv = os.urandom(12)
    sealed = AESGCM(key).encrypt(iv, plain, authenticated(content.target_id or "", voter))
    return e2e.Message(
        pollUpdateMessage=e2e.PollUpdateMessage(
            pollCreationMessageKey=MessageKey(remoteJID=chat_jid, fromMe=False, ID=content.target_id),
            vote=e2e.PollEncValue(encPayload=sealed, encIV=iv),
            senderTimestampMS=int(at.timestamp() * 1000),
        )
    )


def _card(text: str) -> Any:
    """A contact from a vCard, or from a name alone."""
    if text.upper().startswith("BEGIN:VCARD"):
        lines = text.replace("\r\n", "\n").splitlines()
        name = next((line.partition(":")[2] for line in lines if line.upper().startswith("FN")), "")
        return e2e.ContactMessage(displayName=name, vcard=text)
    name = text or "Contacto"
    phone = "5491150000000"
    card = f"BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nTEL;type=CELL;waid={phone}:+{phone}\nEND:VCARD"
    return e2e.ContactMessage(displayName=name, vcard=card)


def _with_file(content: Content, at: datetime, media: SimMedia, file: bytes) -> Any:
    path = f"/v/simulator/{media.key.rpartition('/')[2]}"
    described = {
        "URL": f"{_SERVER}{path}",
        "directPath": path,
        "fileSHA256": bytes.fromhex(media.sha256),
        "fileEncSHA256": hashlib.sha256(b"encrypted" + bytes.fromhex(media.sha256)).digest(),
        "fileLength": media.size,
        "mediaKey": os.urandom(32),
        "mediaKeyTimestamp": int(at.timestamp()),
        "mimetype": media.mime,
    }
    if content.type == "image":
        width, height = _size(file)
        return e2e.Message(imageMessage=e2e.ImageMessage(caption=content.text, width=width, height=height, **described))
    if content.type == "video":
        return e2e.Message(videoMessage=e2e.VideoMessage(caption=content.text, seconds=1, **described))
    if content.type == "audio":
        return e2e.Message(audioMessage=e2e.AudioMessage(PTT=media.voice, seconds=2, **described))
    if content.type == "sticker":
        width, height = _size(file)
        return e2e.Message(stickerMessage=e2e.StickerMessage(width=width, height=height, isAnimated=False, **described))
    name = media.file_name or media.key.rpartition("/")[2]
    return e2e.Message(
        documentMessage=e2e.DocumentMessage(fileName=name, title=name, caption=content.text, **described)
    )


def _size(file: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(file)) as image:
            return image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return 0, 0  # phones send what they cannot measure too
