"""What every table shares: ids, moments, and the columns and constraints that keep companies apart."""

import os
import re
import time
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention

Moment = DateTime(timezone=True)
"""Column type of every point in time: `timestamptz`, always UTC in Python."""


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): sorts by creation time, so that inserts stay at the end of an index."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def utcnow() -> datetime:
    return datetime.now(UTC)


class Table(SQLModel):
    """A table is called as its class, in snake case."""

    @declared_attr.directive
    def __tablename__(cls) -> str:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()


class Row(Table):
    """A row with an id of its own and the moment of its creation."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]


class TenantRow(Row):
    """A row of one company. Row-level security compares `company_id` with the transaction's company."""

    company_id: UUID = Field(nullable=False)


def owned_by_company(columns: str, table: str, *, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """A foreign key that carries the company, so that no row can point at another company's row.

    `columns` is the referring column; with `SET NULL` only that column is cleared, never the company.
    """
    action = f"SET NULL ({columns})" if ondelete == "SET NULL" else ondelete
    return ForeignKeyConstraint(["company_id", columns], [f"{table}.company_id", f"{table}.id"], ondelete=action)
