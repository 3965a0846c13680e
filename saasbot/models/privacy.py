"""What is to be forgotten, what is handed out, and the figures that stay."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Index, Integer, Text, UniqueConstraint, Uuid, text
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


class CompanyErasure(TenantRow, table=True):
    """A company that its owner wants gone, after days in which they may think again. No foreign key: it outlives the company,
    and then says only that there was one, and when it went."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        Index(
            "ix_company_erasure_open",
            "company_id",
            unique=True,
            postgresql_where=text("cancelled_at IS NULL AND finished_at IS NULL"),
        ),
    )

    asked_by: UUID | None = None
    due_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    cancelled_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    finished_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    devices: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)  # type: ignore[call-overload]
    """The sessions of its numbers in the library's store, while it is erased."""
    channels: list[UUID] = Field(default_factory=list, sa_type=ARRAY(Uuid), nullable=False)  # type: ignore[call-overload]


class DataExport(TenantRow, table=True):
    """A copy of what there is, of the company or of one contact, for its owner to take away within a day."""

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        # the page, newest first
        Index("ix_data_export_list", "company_id", text("created_at DESC")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    contact_id: UUID | None = None
    """Of whom; nothing: of the whole company."""
    asked_by: UUID | None = None
    done: int = 0
    total: int = 0
    """How many tables and files are in it, of how many."""
    storage_key: str | None = None
    size: int = Field(default=0, sa_type=BigInteger, nullable=False)
    finished_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    failed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


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
