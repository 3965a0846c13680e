"""The second step of signing in. Only the platform role sees these tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field

from saasbot.models.table import Moment, Row


class SecondFactor(Row, table=True):
    """A person's authenticator app. It counts from `confirmed_at` on, when the first code of it was right."""

    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", unique=True, nullable=False)
    totp_sealed: bytes = Field(sa_type=LargeBinary, nullable=False)
    last_step: int = Field(default=0, sa_type=BigInteger, nullable=False)
    """The newest step whose code was used: neither it nor an older one opens anything again."""
    mail_allowed: bool = Field(default=True, nullable=False)
    """Whether a code by mail will do. Not after a password that was reset by mail, until the app or a recovery code was used."""
    confirmed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    replacement_sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The secret of another app, which takes this one's place with its first code, until `replacement_until`."""
    replacement_until: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class SignInAttempt(Row, table=True):
    """A sign-in whose password was right and whose second step is not done. Only its hash is kept, as of every token."""

    __table_args__ = (Index("ix_sign_in_attempt_recent", "user_id", "created_at"),)

    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", nullable=False)
    attempt_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    enrols: bool = Field(nullable=False)
    """The person has no second factor and must have one: it is made before the sign-in goes on."""
    network: str = ""
    tries: int = Field(default=0, nullable=False)
    mails: int = Field(default=0, nullable=False)
    mail_code_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Of the code in the newest mail, keyed and bound to this attempt."""
    mailed_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    expires_at: datetime = Field(sa_type=Moment, nullable=False)  # type: ignore[call-overload]
    proved_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
    """Of an enrolment: the app's first code was right. What is left is that the person takes the recovery codes."""
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]


class RecoveryCode(Row, table=True):
    """One of ten that open an account whose phone is lost, once. Its hash is keyed with the sealed secret of the factor."""

    user_id: UUID = Field(foreign_key="user_account.id", ondelete="CASCADE", index=True, nullable=False)
    code_hash: bytes = Field(sa_type=LargeBinary, unique=True, nullable=False)
    used_at: datetime | None = Field(default=None, sa_type=Moment)  # type: ignore[call-overload]
