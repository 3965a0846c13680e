"""Two contacts that turned out to be one person: what was joined, and all that is needed to part them again.

The ids of what was joined away have no foreign key: their rows are gone until somebody undoes it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from saasbot.models.table import Moment, TenantRow, owned_by_company


class ContactMerge(TenantRow, table=True):
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        # whom a person has parted is not joined again by itself
        Index("ix_contact_merge_undone", "company_id", postgresql_where=text("undone_at IS NOT NULL")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    into_id: UUID
    """The contact that stayed."""
    from_id: UUID
    """The one that went."""
    seen_as: list[str] = Field(sa_type=ARRAY(Text), nullable=False)  # type: ignore[call-overload]
    """The addresses that were seen to be one person's: `lid:…`, `phone:…`."""
    identity_ids: list[UUID] = Field(sa_type=ARRAY(Uuid), nullable=False)  # type: ignore[call-overload]
    """Those of the contact that went."""
    from_before: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    into_before: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    """Both rows of `contact` as they were."""
    undone_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    undone_by: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")


class ConversationMerge(TenantRow, table=True):
    """What a merge did on one number. Where only the contact that went had a conversation, it is the same before and after."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        owned_by_company("merge_id", "contact_merge"),
        owned_by_company("channel_id", "channel"),
        # where an old link leads
        Index("ix_conversation_merge_from", "company_id", "from_id", text("created_at DESC")),
        Index("ix_conversation_merge_merge", "company_id", "merge_id"),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    merge_id: UUID
    channel_id: UUID
    into_id: UUID
    from_id: UUID
    from_before: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    into_before: dict[str, Any] = Field(sa_type=JSONB, nullable=False)
    """Both rows of `conversation` as they were."""
    message_ids: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid), nullable=False)  # type: ignore[call-overload]
    turn_ids: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid), nullable=False)  # type: ignore[call-overload]
    """What moved."""
    doubles: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    """Messages that both had, as {twin: the id of the one that stayed, row: the one that went}."""
    owner_epoch: int = Field(sa_type=BigInteger, nullable=False)
    """The ownership after it: another one now says that it has changed since."""
    line_id: UUID
    """The line in the thread that tells it."""
    line_seq: int = Field(sa_type=BigInteger, nullable=False)
