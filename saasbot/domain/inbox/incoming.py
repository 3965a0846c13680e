"""What arrives from a number, whichever network brought it: plain values that `receive` stores."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from math import isfinite
from typing import Any, TypeVar

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


NOTHING = "nothing"
"""The kind of what a chat does not show."""


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
    def is_placeholder(self) -> bool:
        """It could not be decrypted: the message itself may come yet, under the same id."""
        return self.payload.get("kind") == "undecryptable"

    @property
    def is_nothing(self) -> bool:
        """A chat does not show it, unless a placeholder was there for it: that becomes a line."""
        return self.type == MessageType.ACTIVITY and self.payload.get("kind") == NOTHING

    def gives_way_to(self, later: "IncomingMessage") -> bool:
        """`later`, which has the same id, is what this one stood for: the message itself, or the call that was not missed."""
        if self.author_jid != later.author_jid:
            return False
        if self.is_placeholder:
            return not later.is_placeholder
        return self.payload.get("kind") == "missed_call" and later.payload.get("kind") == "call"

    @property
    def is_on_its_way(self) -> bool:
        """The message itself is asked for. One that WhatsApp sent to the phone alone rarely comes."""
        return self.is_placeholder and not self.payload.get("unavailable")

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
    chat_jid: str = ""
    """All three as of a message. Where the contact is known already, nothing asks for the chat."""


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

T = TypeVar("T", bound=Incoming | IncomingMedia)


LONGEST_ID = 128
"""Characters. WhatsApp's ids and addresses are well below; a longer one is made up, and an index would not take it."""

_IDS = frozenset(
    {
        "wa_id", "wa_ids", "quoted_wa_id", "target_wa_id", "poll_wa_id",
        "chat_jid", "phone", "lid", "group", "author_jid",
    }
)  # fmt: skip
_WIDE = frozenset({"size", "wa_event_id"})
_SEALED = frozenset({"encrypted", "iv"})


def storable(value: T) -> T:
    """The same as PostgreSQL takes it. Whoever writes to a number decides what is in it, and one value that cannot be stored
    would cost the whole message."""
    return replace(value, **{f.name: _storable(f.name, getattr(value, f.name)) for f in fields(value)})


def without_content(message: IncomingMessage) -> IncomingMessage:
    """What can still be told of a message that could not be stored: whose it is, and that it came."""
    return replace(
        message,
        type=MessageType.UNSUPPORTED,
        push_name="",
        text="",
        payload={"kind": "not_stored"},
        media=None,
        quoted_wa_id=None,
        ephemeral_seconds=None,
    )


def storable_text(value: str | bytes) -> str:
    """Without NUL characters, which PostgreSQL stores nowhere, and without what is no UTF-8: the protobufs give a text that is
    none as bytes, and JSON within one may spell a lone surrogate."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return text.replace("\x00", "").encode(errors="replace").decode()


def _storable(name: str, value: Any) -> Any:
    if name in _SEALED or value is None or isinstance(value, bool | Enum):
        return value
    if isinstance(value, str | bytes):
        text = storable_text(value)
        return text if name not in _IDS or len(text) <= LONGEST_ID else _stand_in(text)
    if isinstance(value, int):
        return min(value, 2**63 - 1 if name in _WIDE else 2**31 - 1)
    if isinstance(value, float):
        return value if isfinite(value) else 0.0  # JSON has no other
    if isinstance(value, dict):
        return {storable_text(key): _storable("", item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_storable(name, item) for item in value)
    return storable(value) if isinstance(value, IncomingMessage | IncomingMedia) else value


def _stand_in(long_id: str) -> str:
    """The same for the same id, and for no other."""
    return blake2b(long_id.encode(), digest_size=32).hexdigest()
