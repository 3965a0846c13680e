"""Bots, the versions of their prompts, and the trace of every turn."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from saasbot.models.table import Moment, TenantRow, owned_by_company


class TurnOutcome(StrEnum):
    """How a turn ended."""

    RUNNING = "running"
    REPLIED = "replied"
    HANDED_OFF = "handed_off"
    SUPERSEDED = "superseded"
    SILENCED = "silenced"
    NOT_TRIGGERED = "not_triggered"
    PAUSED = "paused"


class Bot(TenantRow, table=True):
    __table_args__ = (UniqueConstraint("company_id", "id"),)

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    name: str
    personality: str = ""
    triggers: list[str] = Field(
        default_factory=list, sa_type=ARRAY(Text), nullable=False, sa_column_kwargs={"server_default": text("'{}'")}
    )
    """Words that start the bot; empty: every message does."""
    model: str | None = None
    """Overrides the company's model."""
    enabled: bool = True
    published_version: int | None = None
    draft_text: str | None = None
    """What the editor holds beyond the newest version; nothing when it is saved."""


class PromptVersion(TenantRow, table=True):
    """An immutable prompt. Versions of a bot are numbered from 1 without gaps."""

    __table_args__ = (
        UniqueConstraint("company_id", "bot_id", "version"),
        UniqueConstraint("company_id", "id"),
        owned_by_company("bot_id", "bot"),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    bot_id: UUID
    version: int
    text: str
    note: str = ""
    author_user_id: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")
    author_name: str = ""


class AgentTurn(TenantRow, table=True):
    """Why the bot said what it said: the whole turn, kept with the messages it wrote."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        owned_by_company("conversation_id", "conversation"),
        Index("ix_agent_turn_conversation", "conversation_id", text("created_at DESC")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    conversation_id: UUID
    bot_id: UUID | None = None
    bot_name: str = ""
    prompt_version: int | None = None
    model: str = ""
    outcome: TurnOutcome = Field(default=TurnOutcome.RUNNING, sa_type=Text, nullable=False)
    reason: str | None = None
    owner_epoch: int = Field(sa_type=BigInteger, nullable=False)
    customer_seq: int = Field(sa_type=BigInteger, nullable=False)
    """`message.seq` of the newest customer message it answers."""
    intent: str = ""
    sentiment: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    tools_used: list[str] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    trace: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB, nullable=False)
    """{steps: [{kind: model|tool, name, arguments, result, milliseconds, …}], sources: [{kind, id, title}]}."""
    finished_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
