"""People and how they prove who they are. Accounts are global; a membership ties one to a company."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import CITEXT
from sqlmodel import Field

from saasbot.models.table import Moment, Row, Table, TenantRow


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    AGENT = "agent"


class UserAccount(Row, table=True):
    email: str = Field(sa_type=CITEXT, unique=True, nullable=False)
    name: str
    password_hash: str
    locale: str = "es"
    is_super_admin: bool = Field(default=False, nullable=False)
    """Operates the whole installation. Written only by the platform role, by a command of whoever has the machine."""
    terms_accepted_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    terms_version: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Which terms they accepted last, and above when: of the person, in whichever company; the proof is in `consent`."""
    disabled_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    email_confirmed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """Since when we know that the mailbox is theirs; mails go out only to and for such accounts."""


class Membership(TenantRow, table=True):
    __table_args__ = (UniqueConstraint("company_id", "user_id"), UniqueConstraint("company_id", "id"))

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True, nullable=False)
    role: Role = Field(default=Role.AGENT, sa_type=Text, nullable=False)
    removed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    disabled_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """In this company; the account itself may go on in another."""
    preferences: str = Field(default="{}", nullable=False)
    """JSON of what this person chose for this company's app (send key, pane widths, theme)."""


class UserSession(TenantRow, table=True):
    """A browser's session. The cookie holds the token, the row only its SHA-256: a copy of the table opens nothing."""

    __table_args__ = (UniqueConstraint("company_id", "id"),)

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True, nullable=False)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    csrf_token: str
    network: str = ""
    user_agent: str = ""
    last_seen_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class SignInTicket(TenantRow, table=True):
    """Carries a finished sign-in, or a change of company, from the socket to the route that sets the cookie: once, within a minute."""

    __table_args__ = (UniqueConstraint("company_id", "id"),)

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", nullable=False)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    leaves_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Of a change of company: the `token_hash` of the session that asked for it. Only its browser may use the ticket, and it ends
    then."""


class RefreshToken(TenantRow, table=True):
    """One link of a rotating family (RFC 9700 §4.14): using a link twice revokes the whole family."""

    __table_args__ = (UniqueConstraint("company_id", "id"), Index("ix_refresh_token_family", "family"))

    company_id: UUID = Field(foreign_key="company.id", ondelete="CASCADE", nullable=False)
    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True, nullable=False)
    family: UUID
    network: str = ""
    user_agent: str = ""
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    revoked_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class TabBinding(Table, table=True):
    """Which session a browser tab's token belongs to. Only the platform role sees it, and no token is in it."""

    token_hash: bytes = Field(sa_type=LargeBinary, primary_key=True)
    session_id: UUID = Field(foreign_key="user_session.id", ondelete="CASCADE", index=True, nullable=False)
    seen_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]


class PasswordReset(Row, table=True):
    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True, nullable=False)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class MailConfirmation(Row, table=True):
    """A link that proves that an account's mailbox is its own."""

    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True, nullable=False)
    token_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class SignInFailure(Row, table=True):
    """A failed sign-in of an e-mail (hashed, so that unknown ones are counted alike) from a network, or a known device."""

    __table_args__ = (Index("ix_sign_in_failure_recent", "email_hash", "network", "created_at"),)

    email_hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    network: str
    judged: bool = Field(default=False, nullable=False)
    """False until the password was looked at: an attempt that an outage cut short is no failure for longer than a minute."""


class AttemptCount(Table, table=True):
    """How often something was asked by a network or of an account (both hashed) since `since`."""

    kind: str = Field(primary_key=True, sa_type=Text)
    whose: bytes = Field(primary_key=True, sa_type=LargeBinary)
    since: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    count: int


class SigningKey(Row, table=True):
    """An RSA key pair for access tokens; its `id` is the `kid`. Only the platform role sees it."""

    private_sealed: bytes = Field(sa_type=LargeBinary, nullable=False)
    public_pem: str
    retired_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class KeyCheck(Row, table=True):
    """One row: a word sealed with the secret keys of this database (`infra.key_check`)."""

    check_sealed: bytes = Field(sa_type=LargeBinary, nullable=False)
