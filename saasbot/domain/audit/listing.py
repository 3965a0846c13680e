"""The trail is read, newest first, by who may."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from saasbot.domain.audit.actions import KINDS
from saasbot.infra.db import run, session
from saasbot.infra.errors import InvalidInput
from saasbot.models import AuditEvent, Membership, UserAccount

if TYPE_CHECKING:
    from saasbot.domain.actor import Actor


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Nothing: everybody, everything."""

    user_id: UUID | None = None
    kind: str | None = None


async def list_audit(
    actor: "Actor", which: AuditFilter | None = None, *, limit: int = 50, before: int | None = None
) -> list[AuditEvent]:
    """Of the company's last 90 days; with `before`, those older than the line of that id.

    Raises: Forbidden, InvalidInput (no such kind).
    """
    actor.require("company.audit")
    which = which or AuditFilter()
    query = select(AuditEvent).where(AuditEvent.company_id == actor.company_id)
    if which.user_id is not None:
        query = query.where(AuditEvent.user_id == which.user_id)
    if which.kind is not None:
        if which.kind not in KINDS:
            raise InvalidInput("kind", "There is no such kind of activity.")
        query = query.where(func.split_part(col(AuditEvent.action), ".", 1) == which.kind)
    if before is not None:
        query = query.where(col(AuditEvent.id) < before)
    return list((await session().exec(query.order_by(col(AuditEvent.id).desc()).limit(limit))).all())


async def list_people(actor: "Actor") -> list[tuple[UUID, str]]:
    """Id and name of everybody who is or was in the company, by name: whom the list can be filtered by.

    Raises: Forbidden.
    """
    actor.require("company.audit")
    found = await run(
        select(col(UserAccount.id), col(UserAccount.name))
        .join(Membership, col(Membership.user_id) == col(UserAccount.id))
        .where(col(Membership.company_id) == actor.company_id)
        .order_by(col(UserAccount.name), col(UserAccount.id))
    )
    return [(row[0], row[1]) for row in found]
