"""The people of a company: who they are, and what they may do there. What is decided counts on their open pages within a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.accounts.ranks import may_decide, roles_below
from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.infra.errors import AppError, Forbidden, InvalidInput, NotFound
from saasbot.models import Role
from saasbot.models.table import utcnow


class LastOwner(AppError):
    code = "last_owner"
    status = 409
    message = "Your company needs an owner: make somebody else one first."


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who was not removed. `id` is their membership's."""

    id: UUID
    user_id: UUID
    name: str
    email: str
    email_confirmed: bool
    role: Role
    disabled: bool
    joined_at: datetime


_MEMBERS = """
    SELECT m.id, m.user_id, u.name, u.email, u.email_confirmed_at IS NOT NULL AS email_confirmed, m.role,
           m.disabled_at IS NOT NULL OR u.disabled_at IS NOT NULL AS disabled, m.created_at AS joined_at
    FROM membership m JOIN user_account u ON u.id = m.user_id
    WHERE m.company_id = :company AND m.removed_at IS NULL
"""


async def list_members(actor: Actor, *, limit: int, after: tuple[datetime, UUID] | None = None) -> list[Member]:
    """The team by the day they joined, the first first; from those who joined after the given one.

    Raises: Forbidden.
    """
    actor.require("team.write")
    joined_at, id = after or (None, None)
    rows = await sql(
        _MEMBERS
        + " AND (cast(:joined_at AS timestamptz) IS NULL OR (m.created_at, m.id) > (:joined_at, cast(:id AS uuid)))"
        " ORDER BY m.created_at, m.id LIMIT :limit",
        company=actor.company_id,
        joined_at=joined_at,
        id=id,
        limit=limit,
    )
    return [_member(row) for row in rows]


async def access_member(actor: Actor, member_id: UUID) -> Member:
    """The only door to one. It is locked with the company's owners, so that two at once cannot take the last one away.

    Raises: Forbidden, NotFound.
    """
    actor.require("team.write")
    await sql(
        "SELECT id FROM membership WHERE company_id = :company AND removed_at IS NULL AND (role = 'owner' OR id = :id) "
        "ORDER BY id FOR NO KEY UPDATE",
        company=actor.company_id,
        id=member_id,
    )
    row = (await sql(_MEMBERS + " AND m.id = :id", company=actor.company_id, id=member_id)).one_or_none()
    if row is None:
        raise NotFound
    return _member(row)


async def change_role(actor: Actor, member_id: UUID, role: str) -> Member:
    """The member has the role. Invitations of theirs to roles that they may no longer give are withdrawn.

    Raises: Forbidden (them, or the role), NotFound, InvalidInput, LastOwner.
    """
    member = await access_member(actor, member_id)
    chosen = role_of(actor, role)
    _check_rank(actor, member)
    if member.role == Role.OWNER and chosen != Role.OWNER:
        await _check_not_last(actor, member)
    await sql("UPDATE membership SET role = :role WHERE id = :id", role=chosen, id=member.id)
    keep = [str(given) for given in Role.__members__.values() if may_decide(chosen, given) and chosen != Role.AGENT]
    await _withdraw_invitations(actor, member, keep=keep)
    await record(actor, "person.role_changed", member.user_id, name=member.name, role=str(chosen))
    _tell(actor, member)
    return await access_member(actor, member_id)


async def disable_member(actor: Actor, member_id: UUID) -> Member:
    """The member cannot act in this company until enabled; their sessions and tokens of it are over, their invitations withdrawn.

    Raises: Forbidden, NotFound, LastOwner.
    """
    member = await _access_to_end(actor, member_id)
    await sql(
        "UPDATE membership SET disabled_at = coalesce(disabled_at, :now) WHERE id = :id", now=utcnow(), id=member.id
    )
    await _end_access(actor, member)
    await record(actor, "person.disabled", member.user_id, name=member.name)
    return await access_member(actor, member_id)


async def enable_member(actor: Actor, member_id: UUID) -> Member:
    """The member may sign in to this company again.

    Raises: Forbidden, NotFound.
    """
    member = await access_member(actor, member_id)
    _check_rank(actor, member)
    await sql("UPDATE membership SET disabled_at = NULL WHERE id = :id", id=member.id)
    await record(actor, "person.enabled", member.user_id, name=member.name)
    _tell(actor, member)
    return await access_member(actor, member_id)


async def remove_member(actor: Actor, member_id: UUID) -> None:
    """The person is no longer of this company; only an invitation brings them back. What they wrote keeps their name.

    Raises: Forbidden, NotFound, LastOwner.
    """
    member = await _access_to_end(actor, member_id)
    await sql("UPDATE membership SET removed_at = :now, disabled_at = NULL WHERE id = :id", now=utcnow(), id=member.id)
    await _end_access(actor, member)
    await record(actor, "person.removed", member.user_id, name=member.name)


def role_of(actor: Actor, role: str) -> Role:
    """A role that this person may give.

    Raises: InvalidInput, Forbidden.
    """
    if role not in [str(known) for known in Role.__members__.values()]:
        raise InvalidInput("role", "Choose a role.")
    if Role(role) not in roles_below(actor):
        raise Forbidden
    return Role(role)


async def _access_to_end(actor: Actor, member_id: UUID) -> Member:
    member = await access_member(actor, member_id)
    _check_rank(actor, member)
    if member.role == Role.OWNER:
        await _check_not_last(actor, member)
    return member


def _check_rank(actor: Actor, member: Member) -> None:
    if member.role not in roles_below(actor):
        raise Forbidden


async def _check_not_last(actor: Actor, member: Member) -> None:
    """Precondition: the owners are locked (`access_member`)."""
    others = await sql(
        _MEMBERS + " AND m.role = 'owner' AND m.disabled_at IS NULL AND u.disabled_at IS NULL AND m.id <> :id LIMIT 1",
        company=actor.company_id,
        id=member.id,
    )
    if others.first() is None:
        raise LastOwner


async def _end_access(actor: Actor, member: Member) -> None:
    """Enabled or invited again, they sign in anew: nothing of before opens."""
    for statement in (
        "UPDATE user_session SET revoked_at = :now WHERE user_id = :user AND company_id = :company AND revoked_at IS NULL",
        "UPDATE refresh_token SET revoked_at = :now WHERE user_id = :user AND company_id = :company AND revoked_at IS NULL",
        "UPDATE sign_in_ticket SET used_at = :now WHERE user_id = :user AND company_id = :company AND used_at IS NULL",
    ):
        await sql(statement, now=utcnow(), user=member.user_id, company=actor.company_id)
    await _withdraw_invitations(actor, member, keep=())
    _tell(actor, member)


async def _withdraw_invitations(actor: Actor, member: Member, *, keep: Sequence[str]) -> None:
    await sql(
        "UPDATE invitation SET revoked_at = :now WHERE company_id = :company AND invited_by = :user "
        "AND used_at IS NULL AND revoked_at IS NULL AND role <> ALL(:keep)",
        now=utcnow(),
        company=actor.company_id,
        user=member.user_id,
        keep=list(keep),
    )


def _tell(actor: Actor, member: Member) -> None:
    """Every process forgets who they were, and team pages are drawn anew."""
    events.publish("session", company_id=actor.company_id, user=member.user_id)
    events.publish("team", company_id=actor.company_id)


def _member(row) -> Member:
    values = row._asdict()
    return Member(**{**values, "role": Role(values["role"])})
