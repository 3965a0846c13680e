"""Contacts, conversations and messages: what the people and the bot see of WhatsApp."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from saasbot.models.table import Moment, Table, TenantRow, owned_by_company, utcnow


class IdentityKind(StrEnum):
    PHONE = "phone"
    LID = "lid"
    GROUP = "group"


class Handler(StrEnum):
    BOT = "bot"
    HUMAN = "human"


class ConversationStatus(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Author(StrEnum):
    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    PHONE = "phone"
    SYSTEM = "system"


class MessageType(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    STICKER = "sticker"
    AUDIO = "audio"
    DOCUMENT = "document"
    LOCATION = "location"
    CONTACT = "contact"
    UNSUPPORTED = "unsupported"
    ACTIVITY = "activity"


class MessageStatus(StrEnum):
    """Status of an outbound message; it only moves forward. Inbound ones are `delivered`."""

    QUEUED = "queued"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"


class MediaStatus(StrEnum):
    PENDING = "pending"
    STORED = "stored"
    FAILED = "failed"


class Contact(TenantRow, table=True):
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        # search by name, accents and case folded
        Index(
            "ix_contact_name_trgm",
            "company_id",
            text("fold(name) gin_trgm_ops"),
            postgresql_using="gin",
        ),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    name: str = ""
    """As the team or WhatsApp calls them; empty when nobody said a name."""
    named_by_team: bool = False


class ContactIdentity(TenantRow, table=True):
    """An address of a contact. WhatsApp gives a phone number, a LID, or both: one person all the same. A group is a contact
    too, with the one address of its kind."""

    __table_args__ = (
        UniqueConstraint("company_id", "kind", "value"),
        UniqueConstraint("company_id", "id"),
        owned_by_company("contact_id", "contact"),
        Index("ix_contact_identity_contact", "company_id", "contact_id"),
        Index("ix_contact_identity_value_trgm", "company_id", text("value gin_trgm_ops"), postgresql_using="gin"),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    contact_id: UUID
    kind: IdentityKind = Field(sa_type=Text, nullable=False)
    value: str
    """Digits only; of an old group two runs of them with a hyphen."""
    checked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """When WhatsApp said of a phone number that this is how it knows it (people write some with a digit more or less)."""


class Conversation(TenantRow, table=True):
    """One contact on one number: never two."""

    __table_args__ = (
        UniqueConstraint("company_id", "channel_id", "contact_id"),
        UniqueConstraint("company_id", "id"),
        owned_by_company("channel_id", "channel"),
        owned_by_company("contact_id", "contact"),
        CheckConstraint(
            "chat_jid NOT LIKE '%@g.us' OR (handler = 'human' AND NOT bot_enabled)", name="no_bot_in_groups"
        ),
        # the list, newest first, by keyset
        Index("ix_conversation_list", "company_id", text("last_activity_at DESC"), text("id DESC")),
        # the list by who answers, by status, of one person, of what waits for anybody, of what nobody has read
        Index("ix_conversation_handler", "company_id", "handler", text("last_activity_at DESC"), text("id DESC")),
        Index("ix_conversation_status", "company_id", "status", text("last_activity_at DESC"), text("id DESC")),
        Index(
            "ix_conversation_mine",
            "company_id",
            "assignee_id",
            text("last_activity_at DESC"),
            text("id DESC"),
            postgresql_where=text("assignee_id IS NOT NULL"),
        ),
        Index(
            "ix_conversation_unassigned",
            "company_id",
            text("last_activity_at DESC"),
            text("id DESC"),
            postgresql_where=text("handler = 'human' AND assignee_id IS NULL"),
        ),
        Index(
            "ix_conversation_unread",
            "company_id",
            text("last_activity_at DESC"),
            text("id DESC"),
            postgresql_where=text("unread > 0"),
        ),
        # whom a number wrote to first, lately
        Index(
            "ix_conversation_written_first",
            "channel_id",
            "written_first_at",
            postgresql_where=text("written_first_at IS NOT NULL"),
        ),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    contact_id: UUID
    chat_jid: str
    """Where replies go: the LID chat when WhatsApp gave one, else the phone's."""
    status: ConversationStatus = Field(default=ConversationStatus.PENDING, sa_type=Text, nullable=False)
    handler: Handler = Field(default=Handler.BOT, sa_type=Text, nullable=False)
    owner_epoch: int = Field(default=1, sa_type=BigInteger, nullable=False)
    """Grows at each change of handler; an answer of the bot is committed only if it did not move."""
    owner_changed_seq: int = Field(default=0, sa_type=BigInteger, nullable=False)
    """`message.seq` of the last ownership change: the bot's context begins after it."""
    assignee_id: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")
    bot_enabled: bool = True
    bot_started: bool = False
    """Whether a trigger has started the bot in this chat (without triggers every message does)."""
    unread: int = 0
    last_message_id: UUID | None = None
    last_preview: str = ""
    last_author: Author | None = Field(default=None, sa_type=Text)
    last_type: MessageType | None = Field(default=None, sa_type=Text)
    last_status: MessageStatus | None = Field(default=None, sa_type=Text)
    last_activity_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    last_customer_seq: int = Field(default=0, sa_type=BigInteger, nullable=False)
    """`message.seq` of the customer's newest message."""
    answered_seq: int = Field(default=0, sa_type=BigInteger, nullable=False)
    """`last_customer_seq` that the bot has dealt with (answered, handed off, or decided not to answer)."""
    written_first_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """When the number wrote to a person who had never written to it; nothing where the person wrote first."""
    turn_due_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """When the waiting turn may run; nothing when no turn waits. Moved by each new message (debounce)."""
    turn_waiting_since: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    ephemeral_seconds: int = Field(default=0, sa_type=Integer, nullable=False, sa_column_kwargs={"server_default": "0"})
    """After how long WhatsApp forgets the messages of this chat, as its newest message said; 0: never."""


class Media(TenantRow, table=True):
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        owned_by_company("channel_id", "channel"),
        # the holder of a number: what is still to be downloaded
        Index("ix_media_pending", "channel_id", postgresql_where=text("status = 'pending'")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID | None = None
    wa_event_id: int | None = Field(default=None, sa_type=BigInteger)
    """The journal row whose protobuf holds the keys to download it."""
    status: MediaStatus = Field(default=MediaStatus.STORED, sa_type=Text, nullable=False)
    error: str | None = None
    attempts: int = 0
    retry_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """Not fetched again before; nothing: at once."""
    mime: str = "application/octet-stream"
    size: int = Field(default=0, sa_type=BigInteger, nullable=False)
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    voice: bool = False
    waveform: bytes | None = Field(default=None, sa_type=LargeBinary)
    """How loud a voice note of ours is: 64 values of 0 to 100."""
    file_name: str | None = None
    sha256: str | None = None
    storage_key: str | None = None
    thumb_key: str | None = None


class Message(TenantRow, table=True):
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        # stored once, whatever WhatsApp repeats
        Index(
            "uq_message_wa_id",
            "channel_id",
            "conversation_id",
            "wa_id",
            "from_me",
            unique=True,
            postgresql_where=text("wa_id IS NOT NULL"),
        ),
        owned_by_company("conversation_id", "conversation"),
        owned_by_company("channel_id", "channel"),
        owned_by_company("media_id", "media", ondelete="SET NULL"),
        # the thread, newest first, by keyset
        Index("ix_message_thread", "conversation_id", text("sort_at DESC"), text("seq DESC")),
        # receipts find their message
        Index("ix_message_receipt", "channel_id", "wa_id", postgresql_where=text("wa_id IS NOT NULL AND from_me")),
        # what a number did today
        Index("ix_message_today", "channel_id", "created_at"),
        # the last chats that the bot passed to the team
        Index(
            "ix_message_hand_off",
            "company_id",
            text("created_at DESC"),
            postgresql_where=text("type = 'activity' AND payload->>'kind' = 'handed_off'"),
        ),
        # the outbox of a number, oldest first
        Index("ix_message_outbox", "channel_id", "seq", postgresql_where=text("status = 'queued'")),
        Index("ix_message_sending", "channel_id", postgresql_where=text("status = 'sending'")),
        # what left a number that no person typed, lately
        Index(
            "ix_message_automatic",
            "channel_id",
            "left_at",
            postgresql_where=text("left_at IS NOT NULL AND author <> 'agent'"),
        ),
        # what a number could not settle: sends nobody answered for, messages nobody could read
        Index("ix_message_unconfirmed", "channel_id", postgresql_where=text("status = 'unconfirmed'")),
        Index(
            "ix_message_undecryptable",
            "channel_id",
            postgresql_where=text("type = 'unsupported' AND payload->>'kind' = 'undecryptable'"),
        ),
        # twice the same click or request is one message
        Index(
            "uq_message_client_token",
            "company_id",
            "client_token",
            unique=True,
            postgresql_where=text("client_token IS NOT NULL"),
        ),
        # where a file is shown
        Index("ix_message_media", "media_id", postgresql_where=text("media_id IS NOT NULL")),
        # search by text
        Index("ix_message_text_trgm", "company_id", text("fold(text) gin_trgm_ops"), postgresql_using="gin"),
    )

    seq: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=[Identity(always=True)], nullable=False)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    conversation_id: UUID
    channel_id: UUID
    sort_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    """The order of the thread: WhatsApp's server time of an inbound message, the writing of an outbound one."""
    wa_id: str | None = None
    wa_timestamp: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    chat_jid: str | None = None
    """The address it came under or went to: when people who were joined part again, it says whose it is."""
    from_me: bool
    direction: Direction = Field(sa_type=Text, nullable=False)
    author: Author = Field(sa_type=Text, nullable=False)
    author_user_id: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")
    author_name: str = ""
    """Of a person of the team or a bot; in a group also of who wrote: their name, or `+` and the digits of their phone."""
    author_jid: str | None = None
    """In a group: the address of who wrote, as the group knows them. Only they edit and delete it."""
    type: MessageType = Field(default=MessageType.TEXT, sa_type=Text, nullable=False)
    text: str = ""
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)
    """By type: location {latitude, longitude, name, address, live}; contact {name, vcard} of the first and, where several came,
    {others: [{name, vcard}], left_out: how many were too many}; unsupported, activity {kind}; a text
    that was not typed {kind}: poll {question, options, several, votes}, list_response, …; `ephemeral` where the chat forgets its messages."""
    media_id: UUID | None = None
    quoted_wa_id: str | None = None
    poll_secret: bytes | None = Field(default=None, sa_type=LargeBinary)
    """What the votes of a poll of ours are encrypted under. Told to nobody but WhatsApp."""
    edited_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """Deleted for everyone: `text` is empty then, so that nothing that reads it (search, the agent, a quote) finds it."""
    earlier_text: str | None = None
    """What an edited message said at first, what a deleted one said at last. For the team."""
    reactions: list[dict[str, str]] = Field(
        default_factory=list, sa_type=JSONB, nullable=False, sa_column_kwargs={"server_default": "[]"}
    )
    """At most one of each side, {author: customer · phone, emoji}; in a group one of each who is in it, `by` their address."""
    status: MessageStatus = Field(sa_type=Text, nullable=False)
    error: str | None = None
    """A stable code of why it failed or is unconfirmed; the UI has its sentence."""
    held_until: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """While it is queued: not before this moment, for `held_reason` (`domain/channels/governor.py`)."""
    held_reason: str | None = None
    left_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """When it was last handed to the network."""
    sending_epoch: int | None = Field(default=None, sa_type=BigInteger)
    owner_epoch: int | None = Field(default=None, sa_type=BigInteger)
    """The ownership the bot's message was written under: the outbox drops it when a person has taken over since."""
    client_token: str | None = None
    turn_id: UUID | None = None
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    read_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class WaitingReceipt(Table, table=True):
    """A receipt that came before its message was stored: applied when the message is."""

    __table_args__ = (owned_by_company("channel_id", "channel"),)

    channel_id: UUID = Field(primary_key=True)
    wa_id: str = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    status: MessageStatus = Field(sa_type=Text, nullable=False)
    at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]


class Draft(Table, table=True):
    """What a person has typed in a conversation and not sent."""

    __table_args__ = (owned_by_company("conversation_id", "conversation"),)

    conversation_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True, foreign_key="user_account.id", ondelete="CASCADE")
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    text: str
    updated_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
