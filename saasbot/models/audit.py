"""The audit trail: who did what to what, from where, and whether it was allowed."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from saasbot.models.table import Moment, Table, utcnow


class Via(StrEnum):
    """How somebody acts."""

    PAGE = "page"
    API = "api"
    SYSTEM = "system"


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"


class AuditEvent(Table, table=True):
    """Append-only: a role that serves requests may insert and read, and a trigger refuses every change and every removal
    of what is younger than 90 days.

    No foreign key but the company's, and names beside ids: what is written here outlives what it tells of.
    """

    __table_args__ = (
        # the page, newest first, by keyset: all, of one person, of one kind
        Index("ix_audit_event_list", "company_id", text("id DESC")),
        Index("ix_audit_event_person", "company_id", "user_id", text("id DESC")),
        Index("ix_audit_event_kind", "company_id", text("split_part(action, '.', 1)"), text("id DESC")),
        # what has become too old
        Index("ix_audit_event_at", "at"),
    )

    id: int | None = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity(always=True)])
    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    user_id: UUID | None = None
    """Nobody: the system, or a person who did not get in."""
    user_name: str = ""
    via: Via = Field(sa_type=Text, nullable=False)
    session_id: UUID | None = None
    """Of a browser the session, of the API the family of tokens."""
    network: str = ""
    action: str
    """`<kind>.<what>`, one of `domain.audit.Action`."""
    outcome: Outcome = Field(default=Outcome.DONE, sa_type=Text, nullable=False)
    subject_id: str = ""
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)
    """Names of things and of changed fields; never a secret, a phone number or what somebody wrote."""
