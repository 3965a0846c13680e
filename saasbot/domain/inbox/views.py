"""What the readings of the inbox return: plain values, in no language."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from saasbot.domain.consent.views import ConsentView
from saasbot.domain.media.urls import NOTHING, MediaUrls


class ListPosition(NamedTuple):
    """Where a page of conversations ended: the keyset of its last row."""

    last_activity_at: datetime
    conversation_id: UUID


class ThreadPosition(NamedTuple):
    """Where a page of messages ended: the keyset of its last (oldest) row."""

    sort_at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A row of the list and the head of a thread."""

    id: UUID
    channel_id: UUID
    channel_name: str
    chat_jid: str
    contact_id: UUID
    contact_name: str
    phone: str | None
    """Digits without the plus."""
    lid: str | None
    group: str | None
    """The id of the group that it is with."""
    status: str
    handler: str
    assignee_id: UUID | None
    assignee_name: str | None
    bot_enabled: bool
    unread: int
    last_message_id: UUID | None
    last_preview: str
    last_author: str | None
    last_author_id: UUID | None
    last_author_name: str | None
    last_type: str | None
    last_status: str | None
    last_activity_at: datetime
    last_revoked: bool
    """Whether the last message was deleted."""
    last_voice: bool
    """Whether the last message is a voice note."""
    channel_status: str
    channel_deleted: bool
    """Its number was deleted: nothing is sent here any more."""

    @property
    def position(self) -> ListPosition:
        return ListPosition(self.last_activity_at, self.id)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    conversations: list[ConversationView]
    next: ListPosition | None = None
    """Ask with it for the page after; nothing at the end."""
    matches: dict[UUID, str] = field(default_factory=dict)
    """By conversation: the message text in which a search found it."""


@dataclass(frozen=True, slots=True)
class MediaView:
    """A file of a message; addresses are empty until it is stored."""

    id: UUID
    status: str
    error: str | None
    mime: str
    size: int
    width: int | None
    height: int | None
    seconds: int | None
    voice: bool
    file_name: str | None
    urls: MediaUrls = NOTHING


@dataclass(frozen=True, slots=True)
class QuotedView:
    """The message that another one answers: as it is here, else as whoever answered told it."""

    author: str
    author_name: str
    type: str
    text: str
    revoked: bool = False
    is_status: bool = False
    """It stands in no chat."""


@dataclass(frozen=True, slots=True)
class MessageView:
    id: UUID
    seq: int
    conversation_id: UUID
    sort_at: datetime
    created_at: datetime
    wa_timestamp: datetime | None
    direction: str
    author: str
    author_user_id: UUID | None
    author_name: str
    author_jid: str | None
    """In a group: the address of who wrote."""
    type: str
    text: str
    payload: dict[str, Any]
    status: str
    error: str | None
    client_token: str | None
    turn_id: UUID | None
    edited_at: datetime | None = None
    revoked_at: datetime | None = None
    earlier_text: str | None = None
    """What an edited message said at first, a deleted one at last."""
    reactions: list[dict[str, str]] = field(default_factory=list)
    """At most one of each side, {author: customer · phone, emoji}; in a group one of each who is in it, `by` their address."""
    held_until: datetime | None = None
    held_reason: str | None = None
    """Why it is queued and does not leave before then (`domain/channels/governor.py`)."""
    acts: list[dict[str, str | None]] = field(default_factory=list)
    """Acts of ours that WhatsApp has not taken: {kind, text, status, error}, the newest of each kind."""
    on_whatsapp: bool = False
    """Whether WhatsApp has it under an id that we know: it can be answered and acted upon."""
    resent: bool = False
    """It failed or was not confirmed, and was sent again as another message."""
    token_ran_out: bool = False
    """WhatsApp refused it as if nobody had written here (463), and somebody has: until they write again."""
    model: str = ""
    """Which one wrote it, for what the bot said; else empty."""
    media: MediaView | None = None
    quoted: QuotedView | None = None

    @property
    def position(self) -> ThreadPosition:
        return ThreadPosition(self.sort_at, self.seq)


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Newest first."""

    messages: list[MessageView]
    next: ThreadPosition | None = None
    """Ask with it for the older page; nothing at the beginning of the conversation."""


@dataclass(frozen=True, slots=True)
class Counters:
    """How many conversations each list has, counted up to `COUNTED` and no further."""

    mine: int
    unassigned: int
    all: int
    unread: int


COUNTED = 100


@dataclass(frozen=True, slots=True)
class TurnStep:
    """A tool that the bot used, and with what."""

    tool: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class TurnView:
    """Why the bot said what it said, in the turn that was last."""

    id: UUID
    bot_name: str
    prompt_version: int | None
    model: str
    outcome: str
    reason: str | None
    tokens: int
    milliseconds: int
    steps: tuple[TurnStep, ...]


@dataclass(frozen=True, slots=True)
class ProductView:
    """A product the conversation was about, as it is now."""

    id: UUID
    title: str
    price_minor: int
    currency: str
    stock: int | None
    thumb_url: str = ""


@dataclass(frozen=True, slots=True)
class OtherConversation:
    """The same person on another number."""

    id: UUID
    channel_name: str
    last_preview: str
    last_activity_at: datetime


@dataclass(frozen=True, slots=True)
class ContextView:
    """The panel beside a thread."""

    since: datetime
    """When this person first wrote here."""
    turn: TurnView | None = None
    products: tuple[ProductView, ...] = ()
    others: tuple[OtherConversation, ...] = ()
    consent: ConsentView | None = None
    """What they have said last; nothing when nobody noted anything."""
    text_version: int = 0
    """Of the text that customers are asked now."""
