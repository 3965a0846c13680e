"""Accounts by e-mail, the failures of signing in, and the end of everything that an account has open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlmodel import col, delete

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.audit.origin import NOWHERE, Origin
from saasbot.domain.consent.terms_of_use import is_due
from saasbot.infra import events, jobs
from saasbot.infra.db import platform_unit_of_work, run, session, sql
from saasbot.infra.errors import AppError
from saasbot.infra.logging import get_logger
from saasbot.models import (
    Company,
    Membership,
    Outcome,
    RecoveryCode,
    RefreshToken,
    Role,
    SecondFactor,
    SignInAttempt,
    SignInFailure,
    SignInTicket,
    UserAccount,
    UserSession,
)
from saasbot.models.table import utcnow

log = get_logger(__name__)

ATTEMPTS = 5
BLOCK = timedelta(minutes=15)
UNJUDGED = timedelta(minutes=1)
"""So long an attempt counts whose password was never looked at, because the database or the process went away."""


class PasswordReplaced(AppError):
    """It was right a moment ago."""

    code = "invalid_credentials"
    status = 401
    message = "The email or the password is not right."


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
    terms_version: str
    """Which terms they accepted last; empty for none."""
    role: Role
    proved_by: str = field(default="", repr=False, compare=False)
    """The hash of the password that they signed in with; empty where something else proved who they are."""

    @classmethod
    def of(cls, columns: Sequence[Any]) -> "Person":
        """From the values of `PERSON`."""
        *others, role = columns
        return cls(*others, role=Role(role))

    def actor(self, origin: Origin = NOWHERE) -> Actor:
        return Actor.person(
            company_id=self.company_id,
            user_id=self.user_id,
            name=self.name,
            role=self.role,
            locale=self.locale,
            timezone=self.timezone,
            email_confirmed=self.email_confirmed,
            terms_due=is_due(self.terms_version),
            origin=origin,
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
    col(UserAccount.terms_version),
    col(Membership.role),
)
"""The columns of a `Person`, for queries that join the three tables."""

SEATED_IN = (col(Membership.removed_at).is_(None), col(Membership.disabled_at).is_(None))
"""Neither removed from the company nor disabled in it."""

SEATED = (*SEATED_IN, col(UserAccount.disabled_at).is_(None))
"""Who may sign in: and not disabled everywhere either."""

HAS_SECOND_FACTOR = exists().where(
    col(SecondFactor.user_id) == col(UserAccount.id), col(SecondFactor.confirmed_at).is_not(None)
)
NEEDS_SECOND_FACTOR = or_(col(Membership.role) == Role.ADMIN, col(UserAccount.is_super_admin))
HAS_WHAT_THE_ROLE_NEEDS = or_(~NEEDS_SECOND_FACTOR, HAS_SECOND_FACTOR)
SECURED = (*SEATED, HAS_WHAT_THE_ROLE_NEEDS)
"""Who may act: those, with a second factor where the role demands one. So no ticket, session or token is worth anything
without it, whichever way it came to be, and whoever becomes an administrator signs in anew."""


async def find_account(email: str) -> tuple[Person, str] | None:
    """The person of this e-mail in the company that they joined or entered last, and their password hash. Disabled counts as absent."""
    return await _find(col(UserAccount.email) == email)


async def find_person(user_id: UUID) -> tuple[Person, str] | None:
    """As `find_account`, of an account that is known already."""
    return await _find(col(UserAccount.id) == user_id)


async def _find(whose: ColumnElement[bool]) -> tuple[Person, str] | None:
    entered = (
        select(func.max(col(UserSession.created_at)))
        .where(
            col(UserSession.user_id) == col(Membership.user_id),
            col(UserSession.company_id) == col(Membership.company_id),
        )
        .scalar_subquery()
    )
    async with platform_unit_of_work("find an account, before its company is known"):
        found = await run(
            select(*PERSON, col(UserAccount.password_hash))
            .join(Membership, col(Membership.user_id) == col(UserAccount.id))
            .join(Company, col(Company.id) == col(Membership.company_id))
            .where(whose, *SEATED)
            .order_by(func.greatest(col(Membership.created_at), entered).desc())
            .limit(1)
        )
        row = found.first()
    return (Person.of(row[:-1]), row[-1]) if row else None


async def own_credentials(user_id: UUID) -> tuple[str, str] | None:
    """E-mail and password hash of an account that may act."""
    async with platform_unit_of_work("read the credentials of somebody who acts"):
        found = await run(
            select(col(UserAccount.email), col(UserAccount.password_hash)).where(
                col(UserAccount.id) == user_id, col(UserAccount.disabled_at).is_(None)
            )
        )
        row = found.first()
    return (row[0], row[1]) if row else None


async def replace_password_hash(user_id: UUID, *, old: str, new: str) -> bool:
    """Keep the same password under newer parameters. False: it is another one by now."""
    async with platform_unit_of_work("keep a password under newer parameters"):
        kept = await run(
            update(UserAccount)
            .where(col(UserAccount.id) == user_id, col(UserAccount.password_hash) == old)
            .values(password_hash=new)
        )
    log.info("accounts.password_rehashed", user_id=str(user_id), kept=kept.rowcount == 1)
    return kept.rowcount == 1


async def count_attempt(email_hash: bytes, network: str) -> UUID | datetime:
    """Count an attempt before it is judged, so that parallel guesses cannot outrun the count.

    Returns the attempt, for `note_refusal`; or the end of the block when the account is blocked for this network: then nothing
    was counted.
    """
    now = utcnow()
    counted = SignInFailure(email_hash=email_hash, network=network, created_at=now)
    async with platform_unit_of_work("count an attempt to sign in"):
        lock = int.from_bytes(email_hash[:7], "big")
        await sql("SELECT pg_advisory_xact_lock(:lock)", lock=lock)
        recent = await run(
            select(col(SignInFailure.created_at), col(SignInFailure.judged))
            .where(col(SignInFailure.email_hash) == email_hash, col(SignInFailure.network) == network)
            .where(col(SignInFailure.created_at) > now - 2 * BLOCK)
            .where(or_(col(SignInFailure.judged), col(SignInFailure.created_at) > now - UNJUDGED))
            .order_by(col(SignInFailure.created_at).desc())
            .limit(ATTEMPTS)
        )
        failures = list(recent)
        newest, oldest = (failures[0][0], failures[-1][0]) if failures else (now, now)
        if len(failures) == ATTEMPTS and newest - oldest <= BLOCK and newest + BLOCK > now:
            log.warning("accounts.sign_in_blocked", network=network)
            return min([newest + BLOCK, *(moment + UNJUDGED for moment, judged in failures if not judged)])
        session().add(counted)
    return counted.id


async def note_refusal(attempt_id: UUID, network: str, person: Person | None = None) -> None:
    """A password was not right, so the attempt is a failure; the trail of the account's company says so when it is that of a `person`.

    An address that nobody has takes one commit alike.
    """
    async with platform_unit_of_work("note a wrong password"):
        await run(update(SignInFailure).where(col(SignInFailure.id) == attempt_id).values(judged=True))
        if person is not None:
            somebody = Actor(person.company_id, origin=Origin(network=network))
            await record(somebody, "session.refused", person.user_id, outcome=Outcome.REFUSED, name=person.name)


async def take_back_attempt(attempt_id: UUID) -> None:
    """It was refused for another reason, so its password is not looked at: it does not count."""
    async with platform_unit_of_work("take back an attempt that was not judged"):
        await run(delete(SignInFailure).where(col(SignInFailure.id) == attempt_id))


async def has_signed_in_from(email: str, network: str) -> bool:
    """Whether a browser or a program of the account was signed in from there, as far as its sessions and tokens are still kept."""
    mine = select(col(UserAccount.id)).where(col(UserAccount.email) == email).scalar_subquery()
    async with platform_unit_of_work("look whether an account signed in from a network before"):
        found = await run(
            select(
                or_(
                    *(
                        exists().where(col(row.user_id) == mine, col(row.network) == network)
                        for row in (UserSession, RefreshToken)
                    )
                )
            )
        )
        return bool(found.scalar())


async def forget_attempts(email_hash: bytes, network: str | None = None) -> None:
    """After a success: the next mistake is the first one again; of every network when none is named."""
    failures = delete(SignInFailure).where(col(SignInFailure.email_hash) == email_hash)
    async with platform_unit_of_work("forget failed attempts after a success"):
        await run(failures if network is None else failures.where(col(SignInFailure.network) == network))


async def defer_for_somebody(task: str, email_sealed: str) -> None:
    """A job about an address that may belong to nobody, so it belongs to no company, whose rows every role may read: sealed."""
    async with platform_unit_of_work("defer a job about an address that may be nobody's"):
        await jobs.defer(task, email_sealed=email_sealed)


async def take_over_by_mail(user_id: UUID, now: datetime) -> None:
    """Within the caller's transaction, before it confirms the address: whoever reads the account's mail has it from now on, and
    everything that was opened before ends.

    A second step that was set up while nobody had confirmed the address is that of whoever registered it, so it goes. Another one goes
    on to count, and no code by mail: a mail was the first step, it is not the second too.
    """
    # as an update of it would lock: a ticket that is being exchanged writes rows that refer to the account
    found = await run(
        select(col(UserAccount.email_confirmed_at))
        .where(col(UserAccount.id) == user_id)
        .with_for_update(key_share=True)
    )
    await end_everything_of(user_id, now)  # before the second step: the order of `hold_sign_ins`
    if found.scalar() is None:
        await run(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
        await run(delete(SecondFactor).where(col(SecondFactor.user_id) == user_id))
    else:
        await run(update(SecondFactor).where(col(SecondFactor.user_id) == user_id).values(mail_allowed=False))


async def check_still_proved(user_id: UUID, proved_by: str) -> None:
    """Within the caller's transaction: the password that proved who it is (`Person.proved_by`) is still theirs, and whoever replaces it
    waits until this one has committed, so that what it opens is ended too.

    Raises: PasswordReplaced.
    """
    if not proved_by:
        return
    now = await run(
        select(col(UserAccount.password_hash)).where(col(UserAccount.id) == user_id).with_for_update(read=True)
    )
    if now.scalar() != proved_by:
        raise PasswordReplaced


async def end_everything_of(user_id: UUID, now: datetime, *, kept: UUID | None = None) -> None:
    """Within the caller's transaction: the account's sessions, refresh tokens, sign-in attempts and unused tickets are over,
    everywhere, at once; but for the session or family that is `kept`.
    """
    await run(delete(SignInAttempt).where(col(SignInAttempt.user_id) == user_id))
    # before the sessions: a ticket that is being exchanged makes us wait here, and its session is seen below
    await run(
        update(SignInTicket)
        .where(col(SignInTicket.user_id) == user_id, col(SignInTicket.used_at).is_(None))
        .values(used_at=now)
    )
    sessions = await run(
        update(UserSession)
        .where(
            col(UserSession.user_id) == user_id,
            col(UserSession.revoked_at).is_(None),
            col(UserSession.id).is_distinct_from(kept),
        )
        .values(revoked_at=now)
        .returning(col(UserSession.company_id))
    )
    end_families = (
        update(RefreshToken)
        .where(
            col(RefreshToken.user_id) == user_id,
            col(RefreshToken.revoked_at).is_(None),
            col(RefreshToken.family).is_distinct_from(kept),
        )
        .values(revoked_at=now)
        .returning(col(RefreshToken.company_id))
    )
    families = list((await run(end_families)).scalars())
    # a link that is being exchanged made us wait, and the one it was exchanged for is seen now
    families += (await run(end_families)).scalars()
    await run(
        update(SignInTicket)
        .where(col(SignInTicket.user_id) == user_id, col(SignInTicket.used_at).is_(None))
        .values(used_at=now)
    )
    for company_id in {*sessions.scalars(), *families}:
        events.publish("session", company_id=company_id, user=user_id)
