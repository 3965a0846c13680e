"""Browser sessions and the tickets that open them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlmodel import col

from saasbot.domain.admin.credentials import PERSON, SECURED, Person, check_still_proved
from saasbot.domain.admin.trail import record_of
from saasbot.domain.audit import record
from saasbot.domain.audit.origin import Origin
from saasbot.infra import events
from saasbot.infra.db import platform_unit_of_work, run, session
from saasbot.infra.logging import get_logger
from saasbot.models import Company, Membership, SignInTicket, UserAccount, UserSession, Via
from saasbot.models.table import utcnow

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenSession:
    session_id: UUID
    person: Person
    csrf_token: str
    expires_at: datetime
    last_seen_at: datetime


async def open_session(
    ticket_hash: bytes,
    *,
    held_hash: bytes | None,
    token_hash: bytes,
    csrf_token: str,
    expires_at: datetime,
    network: str,
    user_agent: str,
) -> Person | None:
    """Exchange a ticket, once, for a session. Nothing when it is unknown, used or late, or its person may not act.

    `held_hash`: of the session whose cookie the browser brings. A ticket of a change of company is for the browser that asked only,
    while that session lives, and ends it. All in one transaction, so that what voids tickets also finds the session of one that was
    faster.
    """
    now = utcnow()
    async with platform_unit_of_work("open a session with a ticket"):
        person, left = await _use_ticket(ticket_hash, held_hash, now)
        if person is None or (left is not None and not await _leave(left, person, now)):
            return None
        row = UserSession(
            company_id=person.company_id,
            user_id=person.user_id,
            token_hash=token_hash,
            csrf_token=csrf_token,
            network=network,
            user_agent=user_agent,
            last_seen_at=now,
            expires_at=expires_at,
        )
        session().add(row)
        await record(person.actor(Origin(Via.PAGE, network, row.id)), "session.opened", row.id)
    log.info("accounts.session_opened", session_id=str(row.id), user_id=str(person.user_id))
    return person


async def find_session(token_hash: bytes) -> OpenSession | None:
    """The session of a cookie, if it is neither expired nor revoked and its person may still act."""
    async with platform_unit_of_work("find the session of a cookie"):
        found = await run(
            select(
                col(UserSession.id),
                col(UserSession.csrf_token),
                col(UserSession.expires_at),
                col(UserSession.last_seen_at),
                *PERSON,
            )
            .join(UserAccount, col(UserAccount.id) == col(UserSession.user_id))
            .join(Company, col(Company.id) == col(UserSession.company_id))
            .join(
                Membership,
                (col(Membership.user_id) == col(UserSession.user_id))
                & (col(Membership.company_id) == col(UserSession.company_id)),
            )
            .where(
                col(UserSession.token_hash) == token_hash,
                col(UserSession.revoked_at).is_(None),
                col(UserSession.expires_at) > utcnow(),
                *SECURED,
            )
        )
        row = found.first()
    if row is None:
        return None
    return OpenSession(row[0], Person.of(row[4:]), csrf_token=row[1], expires_at=row[2], last_seen_at=row[3])


async def extend_session(session_id: UUID, *, seen_at: datetime, expires_at: datetime) -> None:
    async with platform_unit_of_work("extend a session"):
        await run(
            update(UserSession)
            .where(col(UserSession.id) == session_id, col(UserSession.revoked_at).is_(None))
            .values(last_seen_at=seen_at, expires_at=expires_at)
        )


async def revoke_session(token_hash: bytes) -> None:
    """The session ends now, on every machine and open socket. Ending it twice is once."""
    async with platform_unit_of_work("end a session"):
        ended = await run(
            update(UserSession)
            .where(col(UserSession.token_hash) == token_hash, col(UserSession.revoked_at).is_(None))
            .values(revoked_at=utcnow())
            .returning(
                col(UserSession.id), col(UserSession.company_id), col(UserSession.user_id), col(UserSession.network)
            )
        )
        row = ended.first()
        if row is not None:
            await record_of(row.user_id, row.company_id, "session.ended", Origin(Via.PAGE, row.network, row.id))
            events.publish("session", company_id=row.company_id, session=row.id, user=row.user_id)
            log.info("accounts.session_revoked", session_id=str(row.id))


async def open_ticket(
    person: Person, *, token_hash: bytes, expires_at: datetime, leaves_hash: bytes | None = None
) -> None:
    """`leaves_hash`: of the session that ends when the ticket is used. Raises: PasswordReplaced."""
    async with platform_unit_of_work("open a sign-in ticket"):
        await check_still_proved(person.user_id, person.proved_by)
        session().add(
            SignInTicket(
                company_id=person.company_id,
                user_id=person.user_id,
                token_hash=token_hash,
                expires_at=expires_at,
                leaves_hash=leaves_hash,
            )
        )


async def _use_ticket(token_hash: bytes, held_hash: bytes | None, now: datetime) -> tuple[Person | None, bytes | None]:
    """Whose it is, and which session it leaves."""
    used = await run(
        update(SignInTicket)
        .where(
            col(SignInTicket.token_hash) == token_hash,
            col(SignInTicket.used_at).is_(None),
            col(SignInTicket.expires_at) > now,
            or_(col(SignInTicket.leaves_hash).is_(None), col(SignInTicket.leaves_hash) == held_hash),
        )
        .values(used_at=now)
        .returning(col(SignInTicket.user_id), col(SignInTicket.company_id), col(SignInTicket.leaves_hash))
    )
    row = used.first()
    if row is None:
        return None, None
    found = await run(
        select(*PERSON)
        .join(Membership, col(Membership.user_id) == col(UserAccount.id))
        .join(Company, col(Company.id) == col(Membership.company_id))
        .where(col(UserAccount.id) == row.user_id, col(Company.id) == row.company_id, *SECURED)
    )
    person = found.first()
    return (Person.of(person) if person else None), row.leaves_hash


async def _leave(token_hash: bytes, person: Person, now: datetime) -> bool:
    """The person's session of before is over: they went to another company of theirs. False: it was over already.

    The trail of the company they leave does not say where they went: that is not its people's to know.
    """
    left = await run(
        update(UserSession)
        .where(
            col(UserSession.token_hash) == token_hash,
            col(UserSession.user_id) == person.user_id,
            col(UserSession.revoked_at).is_(None),
            col(UserSession.expires_at) > now,
        )
        .values(revoked_at=now)
        .returning(col(UserSession.id), col(UserSession.company_id), col(UserSession.network))
    )
    row = left.first()
    if row is None:
        return False
    await record_of(person.user_id, row.company_id, "session.switched", Origin(Via.PAGE, row.network, row.id))
    events.publish("session", company_id=row.company_id, session=row.id, user=person.user_id)
    return True
