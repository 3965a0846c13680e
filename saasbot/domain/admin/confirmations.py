"""Addresses that are confirmed, and the links that confirm them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlmodel import col, delete

from saasbot.infra import events, jobs
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import MailConfirmation, Membership, UserAccount
from saasbot.models.table import utcnow

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unproven:
    """The account behind a usable link."""

    user_id: UUID
    email: str
    password_hash: str


async def confirmed_address(user_id: UUID) -> str | None:
    """The e-mail of an account that may be written to; nothing when it is not confirmed, or the account disabled."""
    async with platform_unit_of_work("read whether an address is confirmed"):
        found = await run(
            select(col(UserAccount.email)).where(
                col(UserAccount.id) == user_id,
                col(UserAccount.email_confirmed_at).is_not(None),
                col(UserAccount.disabled_at).is_(None),
            )
        )
        return found.scalar()


async def defer_for_person(task: str, user_id: UUID) -> None:
    """A job about a person, whatever company they are in."""
    async with platform_unit_of_work("defer a job about a person"):
        await jobs.defer(task, user_id=str(user_id))


async def open_confirmation(user_id: UUID, token_hash: bytes, lifetime: timedelta) -> tuple[str, str, str] | None:
    """A link for the account; earlier ones stop working. Returns its e-mail, name and language.

    Nothing when it is confirmed already, or disabled.
    """
    now = utcnow()
    async with platform_unit_of_work("open a confirmation of an address"):
        found = await run(
            select(col(UserAccount.email), col(UserAccount.name), col(UserAccount.locale)).where(
                col(UserAccount.id) == user_id,
                col(UserAccount.email_confirmed_at).is_(None),
                col(UserAccount.disabled_at).is_(None),
            )
        )
        row = found.first()
        if row is None:
            return None
        await run(delete(MailConfirmation).where(col(MailConfirmation.user_id) == user_id))
        session().add(
            MailConfirmation(user_id=user_id, token_hash=token_hash, created_at=now, expires_at=now + lifetime)
        )
    log.info("accounts.confirmation_opened", user_id=str(user_id))
    return row[0], row[1], row[2]


async def account_of_confirmation(token_hash: bytes) -> Unproven | None:
    async with platform_unit_of_work("find the account of a confirmation"):
        found = await run(
            select(col(UserAccount.id), col(UserAccount.email), col(UserAccount.password_hash))
            .join(MailConfirmation, col(MailConfirmation.user_id) == col(UserAccount.id))
            .where(_usable(token_hash, utcnow()), col(UserAccount.disabled_at).is_(None))
        )
        row = found.first()
    return Unproven(*row) if row else None


async def use_confirmation(token_hash: bytes) -> bool:
    """The address is confirmed, once. False: the link is not usable."""
    now = utcnow()
    async with platform_unit_of_work("confirm an address with its link"):
        used = await run(
            update(MailConfirmation)
            .where(_usable(token_hash, now))
            .values(used_at=now)
            .returning(col(MailConfirmation.user_id))
        )
        user_id = used.scalar()
        if user_id is None:
            return False
        await run(
            update(UserAccount)
            .where(col(UserAccount.id) == user_id, col(UserAccount.email_confirmed_at).is_(None))
            .values(email_confirmed_at=now)
        )
        companies = await run(select(col(Membership.company_id)).where(col(Membership.user_id) == user_id))
        for company_id in companies.scalars():
            events.publish("session", company_id=company_id, user=user_id)
            events.publish("company", company_id=company_id)
    log.info("accounts.email_confirmed", user_id=str(user_id))
    return True


def _usable(token_hash: bytes, now: datetime) -> ColumnElement[bool]:
    return (
        (col(MailConfirmation.token_hash) == token_hash)
        & col(MailConfirmation.used_at).is_(None)
        & (col(MailConfirmation.expires_at) > now)
    )
