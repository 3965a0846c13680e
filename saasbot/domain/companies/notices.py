"""What the company's people must know or do, told once: a banner until it is cleared."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.infra import events
from saasbot.infra.db import run, session
from saasbot.infra.errors import NotFound
from saasbot.models import Notice
from saasbot.models.table import new_id, utcnow


async def open_notice(
    actor: Actor, kind: str, *, subject: str = "", details: Mapping[str, Any] | None = None
) -> UUID | None:
    """Tell the company. Nothing comes back, and nobody is told again, while a notice of this kind and subject is open."""
    opened = await run(
        insert(Notice)
        .values(
            id=new_id(),
            created_at=utcnow(),
            company_id=actor.company_id,
            kind=kind,
            subject=subject,
            details=dict(details or {}),
        )
        .on_conflict_do_nothing(
            index_elements=["company_id", "kind", "subject"], index_where=col(Notice.cleared_at).is_(None)
        )
        .returning(col(Notice.id))
    )
    notice_id = opened.scalar()
    if notice_id is not None:
        events.publish("notice", company_id=actor.company_id, notice=notice_id)
    return notice_id


async def clear_notice(actor: Actor, kind: str, *, subject: str = "") -> bool:
    """The reason is gone. Returns whether a notice was open."""
    return await _clear(
        actor, col(Notice.kind) == kind, col(Notice.subject) == subject, col(Notice.company_id) == actor.company_id
    )


async def dismiss_notice(actor: Actor, notice_id: UUID) -> None:
    """Somebody has read it. Twice is once.

    Raises: Forbidden, NotFound.
    """
    actor.require("company.write")
    mine = (col(Notice.id) == notice_id, col(Notice.company_id) == actor.company_id)
    if (await session().exec(select(Notice.id).where(*mine))).one_or_none() is None:
        raise NotFound
    await _clear(actor, *mine)
    await record(actor, "company.notice_dismissed", notice_id)


async def _clear(actor: Actor, *which: Any) -> bool:
    cleared = await run(
        update(Notice)
        .where(*which, col(Notice.cleared_at).is_(None))
        .values(cleared_at=utcnow())
        .returning(col(Notice.id))
    )
    ids = list(cleared.scalars())
    for notice_id in ids:
        events.publish("notice", company_id=actor.company_id, notice=notice_id)
    return bool(ids)
