"""Products: what the company sells."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from saasbot.models.table import Moment, TenantRow, owned_by_company, utcnow


class Product(TenantRow, table=True):
    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        owned_by_company("image_id", "media", ondelete="SET NULL"),
        Index(
            "uq_product_sku",
            "company_id",
            "sku",
            unique=True,
            postgresql_where=text("sku IS NOT NULL AND deleted_at IS NULL"),
        ),
        # the catalogue page, newest first, by keyset (ids are in the order of creation)
        Index(
            "ix_product_list",
            "company_id",
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    title: str
    description: str = ""
    price_minor: int = Field(sa_type=BigInteger, nullable=False)
    """Integer minor units of `currency` (cents)."""
    currency: str = Field(max_length=3)
    sku: str | None = None
    stock: int | None = None
    """Units left; nothing when it is not counted."""
    active: bool = True
    image_id: UUID | None = None
    updated_at: datetime = Field(default_factory=utcnow, sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    deleted_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    search_title: str | None = Field(
        default=None, sa_type=Text, sa_column_args=[Computed("search_words(title)", persisted=True)]
    )
    """The title's words (migration 0007: folded, one space before, between and after them), kept by the database."""
    search_text: str | None = Field(
        default=None,
        sa_type=Text,
        sa_column_args=[
            Computed("search_words(title || ' ' || coalesce(sku, '') || ' ' || description)", persisted=True)
        ],
    )
    """The same of everything a product says of itself."""
