"""A number: its state, its pairing, who holds it, and the journal of what WhatsApp sent it."""

from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Identity, Index, LargeBinary, SmallInteger, Text, Time, UniqueConstraint, text
from sqlmodel import Field

from saasbot.models.table import Moment, Table, TenantRow, owned_by_company, utcnow


class ChannelKind(StrEnum):
    WHATSAPP = "whatsapp"
    SIMULATOR = "simulator"


class ChannelStatus(StrEnum):
    CLOSED = "closed"
    STARTING = "starting"
    PENDING_QR = "pending_qr"
    PASSKEY_REQUIRED = "passkey_required"
    OPEN = "open"
    RECONNECTING = "reconnecting"
    DEAF = "deaf"
    LOGGED_OUT = "logged_out"
    BANNED = "banned"
    FAILED = "failed"


class Desired(StrEnum):
    """What the owner wants of a number. A stopped number stays stopped over restarts."""

    RUNNING = "running"
    STOPPED = "stopped"


class Channel(TenantRow, table=True):
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        owned_by_company("bot_id", "bot", ondelete="SET NULL"),
        # the supervisor asks which numbers must run
        Index("ix_channel_desired", "kind", postgresql_where=text("desired = 'running' AND deleted_at IS NULL")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    kind: ChannelKind = Field(sa_type=Text, nullable=False)
    name: str
    bot_id: UUID | None = None
    bot_enabled: bool = True
    desired: Desired = Field(default=Desired.STOPPED, sa_type=Text, nullable=False)
    status: ChannelStatus = Field(default=ChannelStatus.CLOSED, sa_type=Text, nullable=False)
    reason: str | None = None
    """A stable code of why it is so (`network_unreachable`, `qr_expired`, …); the UI has its sentence."""
    since: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    retry_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    outdated_client: str | None = None
    """The version of the library that WhatsApp found too old, when it last did."""
    phone: str | None = None
    """E.164 digits without the plus, once paired."""
    device_jid: str | None = None
    """`user:device@server` of the paired session; restoring needs it."""
    first_linked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """When this phone was linked for the first time: the age of the number, for what it may do."""
    lid: str | None = None
    push_name: str | None = None
    last_inbound_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    last_receipt_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """To a few seconds: when a tick of a customer's phone was last stored."""
    proxy_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The URL of the proxy it connects through, sealed: it may hold a password."""
    history_days: int = Field(default=0, sa_type=SmallInteger, nullable=False)
    """How many days of earlier messages are taken over when it is linked."""
    groups_enabled: bool = False
    reject_calls: bool = False
    call_message: str = ""
    """What a caller whose call was rejected is written; nothing when empty."""
    hourly_limit: int | None = None
    daily_limit: int | None = None
    """Automatic messages in any 60 minutes and 24 hours."""
    quiet_from: time | None = Field(default=None, sa_type=Time)
    quiet_until: time | None = Field(default=None, sa_type=Time)
    """In the company's time zone: no first message to a stranger leaves in this time."""
    new_chats_paused_until: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    new_chats_paused_reason: str | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class ChannelChange(Table, table=True):
    """What a number's state became, and when: the newest of them are kept, for its owner to read back."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        # the history of a number, newest first, and what of it is trimmed
        Index("ix_channel_change_history", "channel_id", text("id DESC")),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    status: ChannelStatus = Field(sa_type=Text, nullable=False)
    reason: str | None = None


class ChannelLease(Table, table=True):
    """Who holds a number. `epoch` is the fencing token: it grows with each holder; writes with an older one fail.

    What the holder tells of itself with each renewal stands beside it: no write of its own, and nobody needs to ask it.
    """

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        UniqueConstraint("company_id", "channel_id"),
    )

    channel_id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    holder: str | None = None
    epoch: int = Field(default=0, sa_type=BigInteger, nullable=False)
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    host: str | None = None
    """The machine's name; the process id is in `holder`."""
    seen_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    heard_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """When anything came from WhatsApp last, an answer to the holder's own question included."""
    memory_bytes: int | None = Field(default=None, sa_type=BigInteger)
    """Resident, of the holder's whole process: numbers that share one show the same."""
    loop_lag: float | None = None
    """Seconds, of that process: the latest that its event loop woke up in a minute."""
    acked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """To a renewal's interval: when WhatsApp's server last took a message of ours."""
    acks: list[int] | None = Field(default=None, sa_type=ARRAY(BigInteger))  # type: ignore[call-overload]
    """How many sends were acknowledged, by how long it took (`domain/channels/acks.py`). Only grows."""
    ack_seconds: float = Field(default=0, nullable=False, sa_column_kwargs={"server_default": text("0")})
    """All of them together."""


class ChannelPairing(Table, table=True):
    """The pairing that is on screen now: one a number, gone when it ends."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        UniqueConstraint("company_id", "channel_id"),
    )

    channel_id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    attempt: UUID
    started_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    phone: str | None = None
    """Digits of the phone when it pairs by code, nothing when by QR."""
    expected_phone: str | None = None
    """Digits of the only phone that may link it: the one it had before, unless its owner wants another. Nothing: any may."""
    code: str | None = None
    """The text inside the QR, or the eight characters to type."""
    code_number: int = 0
    expires_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class ChannelIncident(Table, table=True):
    """A number that its owner wants running cannot: one a number, from its first trouble until it has worked again for a
    while or a person acted. `domain/channels/incidents.py` says when its owners are told."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        UniqueConstraint("company_id", "channel_id"),
    )

    channel_id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    began_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    due_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    """When it has lasted long enough to be told, or to be told again."""
    told_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    recovered_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """Since when it works again."""


class GapCause(StrEnum):
    HOLDER_DIED = "holder_died"
    DEAF = "deaf"
    UNWRITABLE = "unwritable"
    """Neither the database nor the disk took an event."""
    LIBRARY_FAULT = "library_fault"
    """What gives us the events died, and the library went on acknowledging for a moment."""


class ChannelGap(TenantRow, table=True):
    """A time in which the number may have lost messages: acknowledged to WhatsApp, never written down here."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        owned_by_company("channel_id", "channel"),
        # the newest gap of a number
        Index("ix_channel_gap_newest", "channel_id", text("began_at DESC")),
        Index("uq_channel_gap_open", "channel_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    cause: GapCause = Field(sa_type=Text, nullable=False)
    began_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    ended_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class WaEvent(Table, table=True):
    """Append-only journal: the raw protobuf of an event, written before anything else happens with it."""

    __table_args__ = (
        UniqueConstraint("channel_id", "fingerprint"),
        owned_by_company("channel_id", "channel"),
        # the processor: what waits for this number, in order of arrival
        Index("ix_wa_event_waiting", "channel_id", "id", postgresql_where=text("processed_at IS NULL")),
        # what could not be stored, counted for those who operate the installation
        Index("ix_wa_event_set_aside", "channel_id", postgresql_where=text("error IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    fingerprint: bytes = Field(sa_type=LargeBinary, nullable=False)
    """BLAKE2b-128 of code and raw: the same bytes twice are the same event twice."""
    code: int = Field(sa_type=SmallInteger, nullable=False)
    """neonize's event code (17 message, 18 receipt, …)."""
    raw: bytes = Field(sa_type=LargeBinary, nullable=False)
    epoch: int = Field(sa_type=BigInteger, nullable=False)
    received_at: datetime = Field(
        sa_type=Moment,  # type: ignore[call-overload]
        nullable=False,
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    processed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    error: str | None = None
    """Why it was set aside: it could not be stored."""
