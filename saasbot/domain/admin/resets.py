"""Password resets: asked for by e-mail, used once by whoever reads it."""

from datetime import timedelta

from sqlalchemy import func, select, update
from sqlmodel import col, delete

from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import SEATED, Person, find_account, take_over_by_mail
from saasbot.domain.admin.trail import record_of
from saasbot.domain.audit import record
from saasbot.domain.audit.origin import NOWHERE
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import Company, Membership, PasswordReset, UserAccount
from saasbot.models.table import utcnow

log = get_logger(__name__)

RESET_PAUSE = timedelta(minutes=1)


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
    async with platform_unit_of_work("open a password reset"):
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
        await record(Actor(person.company_id), "password.reset_asked", person.user_id, name=person.name)
    log.info("accounts.reset_opened", user_id=str(person.user_id))
    return person


async def drop_reset(token_hash: bytes) -> None:
    """The mail with its link could not be sent: the next try may open another."""
    async with platform_unit_of_work("drop a reset whose mail did not go out"):
        await run(delete(PasswordReset).where(col(PasswordReset.token_hash) == token_hash))


async def owner_of_reset(token_hash: bytes) -> tuple[str, list[str]] | None:
    """The e-mail and company names behind a usable reset, to judge the new password by."""
    async with platform_unit_of_work("read whose reset a link is"):
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
    """Set the password, once; everything that was opened with the old one ends. False: the token is not usable.

    Whoever opened the link reads the account's mail, so its address is confirmed, and whoever registered it before is out.
    """
    now = utcnow()
    async with platform_unit_of_work("set a password by a reset"):
        owner = select(col(PasswordReset.user_id)).where(col(PasswordReset.token_hash) == token_hash)
        # the account before its resets, in the order of whoever opens another
        await run(select(col(UserAccount.id)).where(col(UserAccount.id).in_(owner)).with_for_update(key_share=True))
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
        await take_over_by_mail(user_id, now)
        await run(
            update(UserAccount)
            .where(col(UserAccount.id) == user_id)
            .values(password_hash=password_hash, email_confirmed_at=func.coalesce(UserAccount.email_confirmed_at, now))
        )
        companies = await run(
            select(col(Membership.company_id)).where(
                col(Membership.user_id) == user_id, col(Membership.removed_at).is_(None)
            )
        )
        for company_id in list(companies.scalars()):
            await record_of(user_id, company_id, "password.reset", NOWHERE)
    log.info("accounts.password_reset", user_id=str(user_id))
    return True
