"""What is to be forgotten, what is handed out, and the figures that stay."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, Index, Integer, Text, UniqueConstraint, text
from sqlmodel import Field

from saasbot.models.table import Moment, Table, TenantRow


class ErasureStep(StrEnum):
    """What is erased next; each is done again from its beginning when its process dies."""

    FIGURES = "figures"
    FILES = "files"
    ROWS = "rows"
    JOURNAL = "journal"
    SESSIONS = "sessions"
    DONE = "done"


class ContactErasure(TenantRow, table=True):
    """A contact that is being forgotten, or was: then this row says only when, and for whose wish."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        Index(
            "ix_contact_erasure_open", "company_id", "contact_id", unique=True, postgresql_where=text("step <> 'done'")
        ),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    contact_id: UUID
    """Leads nowhere once it is done."""
    asked_by: UUID | None = None
    step: ErasureStep = Field(default=ErasureStep.FIGURES, sa_type=Text, nullable=False)
    addresses: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)  # type: ignore[call-overload]
    """`phone:…`, `lid:…`, `group:…`: what to look for. Empty once it is done."""
    finished_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class DayFigures(Table, table=True):
    """What a closed day was, in numbers that name nobody: written before rows that it was counted from are erased."""

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", primary_key=True)
    day: date = Field(primary_key=True)
    """On the company's clock."""
    conversations: int
    answered: int
    by_bot: int
    response_seconds: float | None = None
    by_hour: list[int] = Field(sa_type=ARRAY(Integer), nullable=False)  # type: ignore[call-overload]
