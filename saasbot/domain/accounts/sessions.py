"""Browser sessions: an opaque token in a cookie, its SHA-256 in the database, ended at once everywhere."""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.accounts.recent import Recent
from saasbot.domain.actor import Actor
from saasbot.domain.admin import sessions as rows
from saasbot.domain.admin.credentials import Person
from saasbot.domain.audit.origin import Origin
from saasbot.infra.crypto import token_hash
from saasbot.infra.errors import AppError
from saasbot.models import Via
from saasbot.models.table import utcnow

LIFETIME = timedelta(days=30)
"""From the last use."""
TICKET_LIFETIME = timedelta(minutes=1)
_EXTEND_AFTER = timedelta(hours=1)
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
"""So many characters has base64 without padding of that many bytes. What looks otherwise costs no query."""


class InvalidTicket(AppError):
    code = "invalid_ticket"
    status = 401
    message = "This sign-in has expired. Sign in again."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session: who acts through it and what its pages need."""

    session_id: UUID
    actor: Actor
    email: str
    company_name: str
    csrf_token: str
    expires_at: datetime

    @property
    def user_id(self) -> UUID:
        assert self.actor.user_id is not None
        return self.actor.user_id


recent_sessions: Recent[SignedIn] = Recent()


async def issue_ticket(person: Person, *, leaves: str = "") -> str:
    """A token that opens one session within a minute: it carries a sign-in from the socket to the route with the cookie.

    `leaves`: the token of the session that ends then. Only the browser that holds it can use the ticket.
    """
    ticket = secrets.token_urlsafe(_TOKEN_BYTES)
    await rows.open_ticket(
        person,
        token_hash=token_hash(ticket),
        expires_at=utcnow() + TICKET_LIFETIME,
        leaves_hash=token_hash(leaves) if leaves else None,
    )
    return ticket


async def start_session(ticket: str, *, network: str, user_agent: str, held: str = "") -> str:
    """Exchange the ticket for the token of a new session, which goes into the cookie and nowhere else. `held`: the token in the
    browser's cookie, if it has one.

    Raises: InvalidTicket.
    """
    if not _plausible(ticket):
        raise InvalidTicket
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    person = await rows.open_session(
        token_hash(ticket),
        held_hash=token_hash(held) if _plausible(held) else None,
        token_hash=token_hash(token),
        csrf_token=secrets.token_urlsafe(24),
        expires_at=utcnow() + LIFETIME,
        network=network,
        user_agent=user_agent[:300],
    )
    if person is None:
        raise InvalidTicket
    recent_sessions.forget(person.user_id)  # the one that it may have ended
    return token


async def signed_in(token: str) -> SignedIn | None:
    """The live session of a cookie's token; nothing when it is unknown, expired or revoked, or its person removed.

    At most a second old, and never older than a revocation that this process has heard of.
    """
    if not _plausible(token):
        return None
    return await recent_sessions.get(token_hash(token), _look_up)


async def sign_out(token: str) -> None:
    """The session is over, on every tab and machine."""
    if not _plausible(token):
        return
    await rows.revoke_session(token_hash(token))
    recent_sessions.forget_all()


def csrf_matches(session: SignedIn, presented: str) -> bool:
    return hmac.compare_digest(session.csrf_token.encode(), presented.encode("utf-8", "replace"))


async def _look_up(hashed: bytes) -> SignedIn | None:
    found = await rows.find_session(hashed)
    if found is None:
        return None
    now = utcnow()
    expires_at = found.expires_at
    if now - found.last_seen_at > _EXTEND_AFTER:
        expires_at = now + LIFETIME
        await rows.extend_session(found.session_id, seen_at=now, expires_at=expires_at)
    return SignedIn(
        session_id=found.session_id,
        actor=found.person.actor(Origin(Via.PAGE, session_id=found.session_id)),
        email=found.person.email,
        company_name=found.person.company_name,
        csrf_token=found.csrf_token,
        expires_at=expires_at,
    )


def _plausible(token: str) -> bool:
    return _TOKEN.fullmatch(token) is not None
