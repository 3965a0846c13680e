"""The simulated WhatsApp network: what its servers would hold. Only with `SAASBOT_SIMULATOR=1`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from saasbot.models.table import Moment, Table, owned_by_company, utcnow


class SimNumber(Table, table=True):
    """The phone that scanned a simulator channel's QR."""

    __table_args__ = (owned_by_company("channel_id", "channel"),)

    channel_id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    phone: str | None = None
    lid: str | None = None
    push_name: str = ""
    linked: bool = False
    auto_receipts: bool = True
    faults: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)


class SimCustomer(Table, table=True):
    """A person who chats with a simulated number, by both of the addresses that WhatsApp knows; or a group that the number is in,
    with its address (`…@g.us`) for both."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        # whom a message to a LID is for
        Index("ix_sim_customer_lid", "channel_id", "lid"),
    )

    channel_id: UUID = Field(primary_key=True)
    peer: str = Field(primary_key=True)
    """The phone's digits (or the LID's when WhatsApp tells no phone)."""
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    lid: str
    name: str = ""


class SimEvent(Table, table=True):
    """An event that waits at the simulated server until the number is connected and has taken it."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        Index("ix_sim_event_waiting", "channel_id", "seq", postgresql_where=text("taken_at IS NULL")),
    )

    seq: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    code: int = Field(sa_type=SmallInteger, nullable=False)
    raw: bytes = Field(sa_type=LargeBinary, nullable=False)
    due_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    taken_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class SimMessage(Table, table=True):
    """A message as the phones see it: what customers wrote, and everything the number really sent, in order."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        Index("ix_sim_message_channel", "channel_id", "seq"),
        Index("ix_sim_message_chat", "channel_id", "peer", "seq"),
        # receipts, quotes, edits and reactions name a message by its WhatsApp id
        Index("ix_sim_message_wa_id", "channel_id", "wa_id"),
    )

    seq: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    wa_id: str
    peer: str
    """The customer's phone digits (or LID digits when there is no phone); of a group its address."""
    peer_name: str = ""
    origin: str
    """`customer`, `number` (sent by the product) or `phone` (typed on the owner's phone)."""
    type: str = "text"
    text: str = ""
    media_key: str | None = None
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)
    """`media` {mime, size, …}, `latitude`, `longitude`, `address`, `vcard`, `poll` {options, several}, `poll_secret`, `target_id`,
    `quoted_id`, `ephemeral_seconds` by type; `rejected` of a call; `sender` {phone, lid, name} of what a customer wrote in a group."""
    event_seq: int | None = Field(default=None, sa_type=BigInteger)
    """The event that brings it to the number, for what the number did not send itself."""
    at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    delivered_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    read_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class SimPresence(Table, table=True):
    """Typing and read marks that the number sent."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        Index("ix_sim_presence_channel", "channel_id", "seq"),
    )

    seq: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    peer: str
    kind: str
    """`composing`, `paused`, `read`, or `rejected` (a call)."""
    wa_ids: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
