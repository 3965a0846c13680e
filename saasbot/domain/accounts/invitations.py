"""Invitations: somebody of a company asks another into it, by a mailed link that works once, within a week."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from saasbot import routes
from saasbot.domain.accounts import limits, outgoing
from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.limits import INVITATIONS, OWN_INVITATIONS
from saasbot.domain.accounts.members import role_of
from saasbot.domain.accounts.outgoing import Unconfirmed
from saasbot.domain.accounts.ranks import roles_below
from saasbot.domain.accounts.throttle import UNKNOWN
from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.infra import events, jobs
from saasbot.infra.crypto import token_hash
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import AppError, Forbidden, NotFound
from saasbot.infra.i18n import gettext, supported
from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.models import Role
from saasbot.models.table import new_id, utcnow

log = get_logger(__name__)

LIFETIME = timedelta(days=7)
MAIL_TASK = "accounts.mail_invitation"


class AlreadyMember(AppError):
    code = "already_member"
    status = 409
    message = "This person is on your team already."


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invitation that was neither used nor withdrawn; it may have expired."""

    id: UUID
    email: str
    role: Role
    invited_by: str
    """The name of who asked."""
    created_at: datetime
    expires_at: datetime


_WAITING = """
    SELECT i.id, i.email, i.role, u.name AS invited_by, i.created_at, i.expires_at
    FROM invitation i JOIN user_account u ON u.id = i.invited_by
    WHERE i.company_id = :company AND i.used_at IS NULL AND i.revoked_at IS NULL
"""


async def invite(actor: Actor, *, email: str, role: str, network: str = UNKNOWN) -> Waiting:
    """Afterwards the invitation waits, and a job mails its link. Inviting an address again renews its invitation: the link of before
    stops working. Opens its own transaction: what is counted stays counted when the invitation fails.

    Raises: Forbidden, Unconfirmed, InvalidInput, AlreadyMember, TooOften.
    """
    actor.require("team.write")
    if actor.user_id is None:
        raise Forbidden
    chosen, email = role_of(actor, role), normal_email(email)
    if not actor.email_confirmed:
        raise Unconfirmed
    await limits.spend(INVITATIONS, network)
    await limits.spend_of_account(OWN_INVITATIONS, str(actor.user_id))
    async with unit_of_work(actor):
        if await _is_member(actor, email):
            raise AlreadyMember
        invitation_id = await _write(actor, email, chosen)
        await record(actor, "person.invited", invitation_id, role=str(chosen))
        await jobs.defer(MAIL_TASK, company_id=str(actor.company_id), invitation_id=str(invitation_id))
        events.publish("team", company_id=actor.company_id)
        return await _access(actor, invitation_id)


async def list_invitations(actor: Actor, *, limit: int, after: tuple[datetime, UUID] | None = None) -> list[Waiting]:
    """Those that wait, the newest first; from those before the given one.

    Raises: Forbidden.
    """
    actor.require("team.write")
    created_at, id = after or (None, None)
    rows = await sql(
        _WAITING
        + " AND (cast(:created_at AS timestamptz) IS NULL OR (i.created_at, i.id) < (:created_at, cast(:id AS uuid)))"
        " ORDER BY i.created_at DESC, i.id DESC LIMIT :limit",
        company=actor.company_id,
        created_at=created_at,
        id=id,
        limit=limit,
    )
    return [_waiting(row) for row in rows]


async def withdraw_invitation(actor: Actor, invitation_id: UUID) -> None:
    """Its link opens nothing any more.

    Raises: Forbidden, NotFound.
    """
    actor.require("team.write")
    if (await _access(actor, invitation_id)).role not in roles_below(actor):
        raise Forbidden
    await sql("UPDATE invitation SET revoked_at = :now WHERE id = :id", now=utcnow(), id=invitation_id)
    await record(actor, "person.invitation_withdrawn", invitation_id)
    events.publish("team", company_id=actor.company_id)


async def mail_invitation(company_id: UUID, invitation_id: UUID) -> None:
    """The job: give the invitation its link and mail it; nothing when it no longer waits. A try that failed leaves a link that nobody
    knows."""
    actor, token = Actor.system(company_id), secrets.token_urlsafe(32)
    async with unit_of_work(actor):
        row = (
            await sql(
                "UPDATE invitation i SET token_hash = :hash FROM company c, user_account u "
                "WHERE i.id = :id AND i.used_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > :now "
                "AND c.id = i.company_id AND u.id = i.invited_by "
                "RETURNING i.email, i.invited_by, u.name, c.name AS company, c.locale",
                hash=token_hash(token),
                id=invitation_id,
                now=utcnow(),
            )
        ).one_or_none()
    if row is None:
        return
    locale = supported(row.locale)
    text = gettext(
        locale,
        "Hello,\n\n{name} invites you to the team of {company} on SaaSBot, where you answer customers on WhatsApp together. Accept here:"
        "\n\n{link}\n\nThe link works once, for 7 days. If you do not know {name}, do nothing.\n",
        name=row.name,
        company=row.company,
        link=f"{settings().public_url}{routes.invite(token)}",
    )
    subject = gettext(locale, "{name} invites you to {company}", name=row.name, company=row.company)
    try:
        await outgoing.send_for_person(row.invited_by, to=row.email, subject=subject, text=text)
    except Unconfirmed:
        log.info("accounts.invitation_held_back", invitation_id=str(invitation_id))


async def _is_member(actor: Actor, email: str) -> bool:
    found = await sql(
        "SELECT 1 FROM membership m JOIN user_account u ON u.id = m.user_id "
        "WHERE m.company_id = :company AND m.removed_at IS NULL AND u.email = cast(:email AS citext)",
        company=actor.company_id,
        email=email,
    )
    return found.first() is not None


async def _write(actor: Actor, email: str, role: Role) -> UUID:
    """Raises: Forbidden, when the address waits with a role that is not this person's to give."""
    now = utcnow()
    written = await sql(
        """
        INSERT INTO invitation AS i (id, created_at, company_id, email, role, invited_by, expires_at)
        VALUES (:id, :now, :company, :email, :role, :user, :expires_at)
        ON CONFLICT (company_id, email) WHERE used_at IS NULL AND revoked_at IS NULL DO UPDATE
        SET role = excluded.role, invited_by = excluded.invited_by, created_at = excluded.created_at,
            expires_at = excluded.expires_at, token_hash = NULL
        WHERE i.role = ANY(:may)
        RETURNING i.id
        """,
        id=new_id(),
        now=now,
        company=actor.company_id,
        email=email,
        role=role,
        user=actor.user_id,
        expires_at=now + LIFETIME,
        may=[str(below) for below in roles_below(actor)],
    )
    invitation_id = written.scalar()
    if invitation_id is None:
        raise Forbidden
    return invitation_id


async def _access(actor: Actor, invitation_id: UUID) -> Waiting:
    row = (await sql(_WAITING + " AND i.id = :id", company=actor.company_id, id=invitation_id)).one_or_none()
    if row is None:
        raise NotFound
    return _waiting(row)


def _waiting(row) -> Waiting:
    values = row._asdict()
    return Waiting(**{**values, "role": Role(values["role"])})
