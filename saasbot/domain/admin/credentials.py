"""Accounts by e-mail, the failures of signing in, and password resets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlmodel import col, delete

from saasbot.domain.actor import Actor
from saasbot.infra import events, jobs
from saasbot.infra.db import platform_unit_of_work, run, session, sql
from saasbot.infra.logging import get_logger
from saasbot.models import (
    Company,
    Membership,
    PasswordReset,
    RefreshToken,
    Role,
    SignInFailure,
    SignInTicket,
    UserAccount,
    UserSession,
)
from saasbot.models.table import utcnow

log = get_logger(__name__)

ATTEMPTS = 5
BLOCK = timedelta(minutes=15)
RESET_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Person:
    """An account in one of its companies: what sign-in, session and token code make an `Actor` from."""

    user_id: UUID
    email: str
    name: str
    locale: str
    company_id: UUID
    company_name: str
    timezone: str
    email_confirmed: bool
    role: Role

    @classmethod
    def of(cls, columns: Sequence[Any]) -> "Person":
        """From the values of `PERSON`."""
        *others, role = columns
        return cls(*others, role=Role(role))

    def actor(self) -> Actor:
        return Actor.person(
            company_id=self.company_id,
            user_id=self.user_id,
            name=self.name,
            role=self.role,
            locale=self.locale,
            timezone=self.timezone,
            email_confirmed=self.email_confirmed,
        )


PERSON = (
    col(UserAccount.id),
    col(UserAccount.email),
    col(UserAccount.name),
    col(UserAccount.locale),
    col(Company.id),
    col(Company.name),
    col(Company.timezone),
    col(UserAccount.email_confirmed_at).is_not(None),
    col(Membership.role),
)
"""The columns of a `Person`, for queries that join the three tables."""

SEATED_IN = (col(Membership.removed_at).is_(None), col(Membership.disabled_at).is_(None))
"""Neither removed from the company nor disabled in it."""
SEATED = (*SEATED_IN, col(UserAccount.disabled_at).is_(None))
"""Who may act: and not disabled everywhere either."""


async def find_account(email: str) -> tuple[Person, str] | None:
    """The person of this e-mail in the company that they joined or entered last, and their password hash. Disabled counts as absent."""
    entered = (
        select(func.max(col(UserSession.created_at)))
        .where(
            col(UserSession.user_id) == col(Membership.user_id),
            col(UserSession.company_id) == col(Membership.company_id),
        )
        .scalar_subquery()
    )
    async with platform_unit_of_work():
        found = await run(
            select(*PERSON, col(UserAccount.password_hash))
            .join(Membership, col(Membership.user_id) == col(UserAccount.id))
            .join(Company, col(Company.id) == col(Membership.company_id))
            .where(col(UserAccount.email) == email, *SEATED)
            .order_by(func.greatest(col(Membership.created_at), entered).desc())
            .limit(1)
        )
        row = found.first()
    return (Person.of(row[:-1]), row[-1]) if row else None


async def replace_password_hash(user_id: UUID, password_hash: str) -> None:
    """Keep the same password under newer parameters."""
    async with platform_unit_of_work():
        await run(update(UserAccount).where(col(UserAccount.id) == user_id).values(password_hash=password_hash))
    log.info("accounts.password_rehashed", user_id=str(user_id))


async def count_attempt(email_hash: bytes, network: str) -> datetime | None:
    """Count an attempt before it is judged, so that parallel guesses cannot outrun the count.

    Returns the end of the block when the account is blocked for this network; then nothing was counted.
    """
    now = utcnow()
    async with platform_unit_of_work():
        lock = int.from_bytes(email_hash[:7], "big")
        await sql("SELECT pg_advisory_xact_lock(:lock)", lock=lock)
        recent = await run(
            select(col(SignInFailure.created_at))
            .where(col(SignInFailure.email_hash) == email_hash, col(SignInFailure.network) == network)
            .where(col(SignInFailure.created_at) > now - 2 * BLOCK)
            .order_by(col(SignInFailure.created_at).desc())
            .limit(ATTEMPTS)
        )
        moments = list(recent.scalars())
        if len(moments) == ATTEMPTS and moments[0] - moments[-1] <= BLOCK and moments[0] + BLOCK > now:
            log.warning("accounts.sign_in_blocked", network=network)
            return moments[0] + BLOCK
        session().add(SignInFailure(email_hash=email_hash, network=network, created_at=now))
    return None


async def forget_attempts(email_hash: bytes, network: str | None = None) -> None:
    """After a success: the next mistake is the first one again; of every network when none is named."""
    failures = delete(SignInFailure).where(col(SignInFailure.email_hash) == email_hash)
    async with platform_unit_of_work():
        await run(failures if network is None else failures.where(col(SignInFailure.network) == network))


async def defer_for_email(task: str, email: str) -> None:
    """A job about an address that may belong to nobody, so it belongs to no company."""
    async with platform_unit_of_work():
        await jobs.defer(task, email=email)


async def open_reset(email: str, token_hash: bytes, lifetime: timedelta) -> Person | None:
    """A reset for the account of this e-mail, if there is one; earlier ones stop working.

    Nothing too when one was opened within the last minute: nobody's mailbox is flooded by asking again and again.
    """
    found = await find_account(email)
    if found is None:
        log.info("accounts.reset_unknown")
        return None
    person, now = found[0], utcnow()
    mine = col(PasswordReset.user_id) == person.user_id
    async with platform_unit_of_work():
        # two at once: the second waits for the first, and finds its reset
        await run(select(col(UserAccount.id)).where(col(UserAccount.id) == person.user_id).with_for_update())
        fresh = select(col(PasswordReset.id)).where(mine, col(PasswordReset.created_at) > now - RESET_PAUSE)
        if (await run(fresh)).first() is not None:
            log.info("accounts.reset_too_soon", user_id=str(person.user_id))
            return None
        await run(delete(PasswordReset).where(mine))
        session().add(
            PasswordReset(user_id=person.user_id, token_hash=token_hash, created_at=now, expires_at=now + lifetime)
        )
    log.info("accounts.reset_opened", user_id=str(person.user_id))
    return person


async def drop_reset(token_hash: bytes) -> None:
    """The mail with its link could not be sent: the next try may open another."""
    async with platform_unit_of_work():
        await run(delete(PasswordReset).where(col(PasswordReset.token_hash) == token_hash))


async def owner_of_reset(token_hash: bytes) -> tuple[str, list[str]] | None:
    """The e-mail and company names behind a usable reset, to judge the new password by."""
    async with platform_unit_of_work():
        found = await run(
            select(col(UserAccount.email), func.array_agg(col(Company.name)))
            .join(PasswordReset, col(PasswordReset.user_id) == col(UserAccount.id))
            .join(Membership, col(Membership.user_id) == col(UserAccount.id))
            .join(Company, col(Company.id) == col(Membership.company_id))
            .where(
                col(PasswordReset.token_hash) == token_hash,
                col(PasswordReset.used_at).is_(None),
                col(PasswordReset.expires_at) > utcnow(),
                *SEATED,
            )
            .group_by(col(UserAccount.email))
        )
        row = found.first()
    return (row[0], list(row[1])) if row else None


async def use_reset(token_hash: bytes, password_hash: str) -> bool:
    """Set the password, once; every session and refresh token of the account ends. False: the token is not usable.

    Whoever opened the link reads the account's mail, so its address is confirmed, and whoever registered it before is out.
    """
    now = utcnow()
    async with platform_unit_of_work():
        used = await run(
            update(PasswordReset)
            .where(
                col(PasswordReset.token_hash) == token_hash,
                col(PasswordReset.used_at).is_(None),
                col(PasswordReset.expires_at) > now,
            )
            .values(used_at=now)
            .returning(col(PasswordReset.user_id))
        )
        user_id = used.scalar()
        if user_id is None:
            return False
        await run(
            update(UserAccount)
            .where(col(UserAccount.id) == user_id)
            .values(password_hash=password_hash, email_confirmed_at=func.coalesce(UserAccount.email_confirmed_at, now))
        )
        await end_everything_of(user_id, now)
    log.info("accounts.password_reset", user_id=str(user_id))
    return True


async def end_everything_of(user_id: UUID, now: datetime) -> None:
    """Within the caller's transaction: revoke the account's sessions, refresh tokens and tickets, everywhere, at once."""
    sessions = await run(
        update(UserSession)
        .where(col(UserSession.user_id) == user_id, col(UserSession.revoked_at).is_(None))
        .values(revoked_at=now)
        .returning(col(UserSession.company_id))
    )
    families = await run(
        update(RefreshToken)
        .where(col(RefreshToken.user_id) == user_id, col(RefreshToken.revoked_at).is_(None))
        .values(revoked_at=now)
        .returning(col(RefreshToken.company_id))
    )
    await run(
        update(SignInTicket)
        .where(col(SignInTicket.user_id) == user_id, col(SignInTicket.used_at).is_(None))
        .values(used_at=now)
    )
    for company_id in {*sessions.scalars(), *families.scalars()}:
        events.publish("session", company_id=company_id, user=user_id)
