"""Who agreed to which text, when, and from where. Append-only: nobody changes what somebody agreed to."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from saasbot.models.table import TenantRow, owned_by_company


class Purpose(StrEnum):
    TERMS = "terms"
    """A person of a team: the terms of this service."""
    MESSAGES = "messages"
    """A customer: that the company writes to them and keeps what is written."""


class ConsentSource(StrEnum):
    """Where it was said, or noted."""

    REGISTER = "register"
    INVITATION = "invitation"
    BANNER = "banner"
    """The line above every page, when the terms have changed."""
    INBOX = "inbox"
    API = "api"


class Consent(TenantRow, table=True):
    """Somebody said yes or took it back. A role that serves requests may insert and read, and a trigger refuses every change; a row
    goes only with the person whose it is, or with the company.

    A customer's hangs on the address that it was said under, as their messages do: where two contacts become one the addresses
    move, and where they part again each takes its own along.
    """

    __table_args__ = (
        UniqueConstraint("company_id", "id"),
        CheckConstraint(
            "num_nonnulls(user_id, identity_id) = 1 AND (purpose = 'terms') = (user_id IS NOT NULL)", name="one_person"
        ),
        owned_by_company("identity_id", "contact_identity"),
        # what a contact has said, newest first: the panel beside a thread, and the list
        Index(
            "ix_consent_identity",
            "company_id",
            "identity_id",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("identity_id IS NOT NULL"),
        ),
        # an account that goes takes its rows along
        Index("ix_consent_user", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    user_id: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="CASCADE")
    identity_id: UUID | None = None
    purpose: Purpose = Field(sa_type=Text, nullable=False)
    granted: bool
    """Otherwise taken back."""
    text_version: str
    """Of the terms their name (`2026-11`), of a company's own text its number."""
    network: str = ""
    """Of whoever acted: the person themselves, or the colleague who noted it."""
    address: str = ""
    """Of a customer, then: `phone:…` or `lid:…`."""
    source: ConsentSource = Field(sa_type=Text, nullable=False)
    noted_by: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")


class ConsentText(TenantRow, table=True):
    """What a company's customers agree to: immutable, numbered from 1. Version 0 is the built-in text, kept as it was when somebody
    first agreed to it."""

    __table_args__ = (UniqueConstraint("company_id", "id"), UniqueConstraint("company_id", "version"))

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    version: int
    text: str
    created_by: UUID | None = Field(default=None, foreign_key="user_account.id", ondelete="SET NULL")
