"""What a phone hands over of its earlier chats when it links a number, and how far that has come."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from saasbot.models.table import Moment, Table, owned_by_company


class HistoryChunk(Table, table=True):
    """A part of a phone's history as WhatsApp gave it: megabytes of many chats, worked off in its own time."""

    __table_args__ = (
        UniqueConstraint("channel_id", "fingerprint"),
        owned_by_company("channel_id", "channel"),
        # what waits for this number, in order of arrival
        Index("ix_history_chunk_waiting", "channel_id", "id", postgresql_where=text("processed_at IS NULL")),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    channel_id: UUID
    fingerprint: bytes = Field(sa_type=LargeBinary, nullable=False)
    """As that of a journalled event: the same bytes twice are the same part twice."""
    raw: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Gone once it is worked off: what was older than its owner chose is kept nowhere."""
    position: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    """How many of its messages are dealt with."""
    received_at: datetime = Field(
        sa_type=Moment,  # type: ignore[call-overload]
        nullable=False,
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    processed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    error: str | None = None


class ChannelHistory(Table, table=True):
    """How far the earlier chats of a number have come: one a number, kept for its owner to read."""

    __table_args__ = (
        owned_by_company("channel_id", "channel"),
        UniqueConstraint("company_id", "channel_id"),
    )

    channel_id: UUID = Field(primary_key=True)
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    percent: int | None = None
    """As the phone counts, in what it sent last."""
    messages: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    chats: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    advanced_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    finished_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
