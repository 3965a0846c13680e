"""A company: the tenant. Its settings, policies and what it must be told."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from saasbot.models.table import Moment, Row, TenantRow, utcnow


class AiSource(StrEnum):
    """Whose model answers for the company."""

    NONE = "none"
    OWN_KEY = "own_key"
    PLATFORM = "platform"
    DEMO = "demo"


class Company(Row, table=True):
    name: str
    industry: str = ""
    description: str = ""
    logo_key: str | None = None
    locale: str = "es"
    timezone: str = "America/Argentina/Buenos_Aires"
    currency: str = Field(default="ARS", max_length=3)
    bot_enabled: bool = True
    onboarding: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)
    """Step name to `done` or `skipped`; a step that is absent is still to do."""
    ai_source: AiSource = Field(default=AiSource.NONE, sa_type=Text, nullable=False)
    openai_key_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    openai_key_last4: str | None = None
    openai_base_url: str | None = None
    openai_model: str | None = None
    ai_paused_reason: str | None = None
    """Why no model can answer (`key_missing`, `key_refused`, `allowance_used`). Set once, told once, cleared by an answer."""
    ai_paused_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class Policy(TenantRow, table=True):
    """A text the company wrote about how it works; `name` is shipping, refund, brand_voice, hours, …"""

    __table_args__ = (UniqueConstraint("company_id", "name"), UniqueConstraint("company_id", "id"))

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    name: str
    text: str = ""
    updated_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]


class Notice(TenantRow, table=True):
    """Something the owner must know or do: a banner until dismissed or cleared. One open notice a kind and subject."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        Index(
            "uq_notice_open",
            "company_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    kind: str
    subject: str = ""
    """What it is about (a channel id, …), empty when the company as a whole."""
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)
    cleared_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class IdempotencyKey(TenantRow, table=True):
    """The remembered answer of a REST call: the row is inserted before the work and holds the answer after it."""

    __table_args__ = (UniqueConstraint("company_id", "key"), UniqueConstraint("company_id", "id"))

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    key: str = Field(max_length=200)
    request_hash: str
    holder: str
    """The process that works on it (`infra.process_identity`): when it is gone without an answer, another may."""
    status: int | None = None
    body: Any = Field(default=None, sa_type=JSONB)
