"""What arrives from a number, whichever network brought it: plain values that `receive` stores."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from saasbot.models import ActKind, MessageStatus, MessageType


@dataclass(frozen=True, slots=True)
class IncomingMedia:
    mime: str
    size: int
    sha256: str | None = None
    """Hex of the plain content's hash, as WhatsApp announced it."""
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    voice: bool = False
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message from a customer, or (`from_me`) one that the owner typed on the phone itself. One of the type `activity`
    is a line about what somebody did in the chat: it asks nobody for an answer."""

    wa_id: str
    chat_jid: str
    """Where an answer goes."""
    phone: str | None
    lid: str | None
    """Digits of the customer's addresses; at least one is there. In a group those of who wrote, and none of our own phone's."""
    from_me: bool
    sent_at: datetime
    type: MessageType
    push_name: str = ""
    text: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    media: IncomingMedia | None = None
    quoted_wa_id: str | None = None
    wa_event_id: int | None = None
    """The journal row it came from."""
    ephemeral_seconds: int | None = None
    """After how long its chat forgets messages; 0: never; None: it does not say."""
    group: str | None = None
    """The id of the group that it is in."""
    author_jid: str | None = None
    """In a group: who wrote, as the group addresses them; nothing of our own phone's."""

    @property
    def author_name(self) -> str:
        """Who of a group it was. In a chat of two the contact says it."""
        if self.group is None or self.from_me:
            return ""
        return self.push_name or (f"+{self.phone}" if self.phone else "")


@dataclass(frozen=True, slots=True)
class IncomingAct:
    """A reaction to, an edit of, or the deletion of a message: by the customer, or (`from_me`) on the phone itself."""

    kind: ActKind
    phone: str | None
    lid: str | None
    """As of a message."""
    from_me: bool
    target_wa_id: str
    at: datetime
    """By the clock of who did it where WhatsApp tells that, so that two of them stand in their order."""
    text: str = ""
    """The emoji, empty to take it back; or the new text."""
    push_name: str = ""
    group: str | None = None
    author_jid: str | None = None
    """Both as of a message."""


@dataclass(frozen=True, slots=True)
class IncomingVote:
    """A vote in a poll, which only the poll's secret opens."""

    poll_wa_id: str
    encrypted: bytes
    iv: bytes
    at: datetime
    line: IncomingMessage
    """What stands in the chat where it cannot be opened."""


@dataclass(frozen=True, slots=True)
class IncomingReceipt:
    """Our messages `wa_ids` reached the customer's phone (delivered) or eyes (read)."""

    wa_ids: tuple[str, ...]
    status: MessageStatus
    at: datetime
    group: str | None = None
    """The group in which it was told. One phone of many: `status` is then never more than delivered."""


Incoming = IncomingMessage | IncomingAct | IncomingVote | IncomingReceipt


def storable(message: IncomingMessage) -> IncomingMessage:
    """The message without NUL characters, which PostgreSQL stores nowhere: one of them would stop the whole number."""
    media = message.media
    if media is not None and media.file_name and "\x00" in media.file_name:
        message = replace(message, media=replace(media, file_name=media.file_name.replace("\x00", "")))
    if "\x00" in message.text or "\x00" in message.push_name:
        message = replace(
            message, text=message.text.replace("\x00", ""), push_name=message.push_name.replace("\x00", "")
        )
    return replace(message, payload=_without_nul(message.payload)) if message.payload else message


def storable_act(act: IncomingAct) -> IncomingAct:
    return replace(act, **{name: _without_nul(getattr(act, name)) for name in ("target_wa_id", "text", "push_name")})


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
