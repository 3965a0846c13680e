"""Who was asked to join a company, and has not answered yet or has."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import CITEXT
from sqlmodel import Field

from saasbot.models.accounts import Role
from saasbot.models.table import Moment, TenantRow

_WAITING = text("used_at IS NULL AND revoked_at IS NULL")


class Invitation(TenantRow, table=True):
    """The mail holds the token, the row only its SHA-256, and none before the mail is written. One waits per address."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        Index("uq_invitation_waiting", "company_id", "email", unique=True, postgresql_where=_WAITING),
        Index("ix_invitation_invited_by", "invited_by", "created_at"),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    email: str = Field(sa_type=CITEXT, nullable=False)
    role: Role = Field(sa_type=Text, nullable=False)
    invited_by: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", nullable=False)
    token_hash: bytes | None = Field(default=None, sa_type=LargeBinary, unique=True)
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
