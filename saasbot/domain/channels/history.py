"""What became of a number, to be read back when somebody asks what happened last night."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.infra import db
from saasbot.infra.db import session, sql
from saasbot.models import Channel, ChannelChange

KEPT = 200
"""Of each number: weeks of a calm one, and the last hours of one that comes and goes."""

_CHANGED = "channels.changed"


@dataclass(frozen=True, slots=True)
class Change:
    id: int
    at: datetime
    status: str
    reason: str | None


def note_change(channel: Channel, *, at: datetime) -> None:
    """The state that the number has now is in its history, which is trimmed when the transaction commits.

    For `set_state` alone: whatever else writes a state would not be seen here.
    """
    session().add(
        ChannelChange(
            company_id=channel.company_id, channel_id=channel.id, at=at, status=channel.status, reason=channel.reason
        )
    )
    uow = db.current()
    if _CHANGED not in uow.notes:
        uow.notes[_CHANGED] = set()
        uow.before_commit.append(_trim)
    uow.notes[_CHANGED].add(channel.id)


async def _trim(uow: db.UnitOfWork) -> None:
    """Once a transaction, for all numbers that it changed."""
    await sql(
        """
        DELETE FROM channel_change old
        USING unnest(CAST(:channels AS uuid[])) AS changed (id)
        CROSS JOIN LATERAL (
            SELECT c.id FROM channel_change c WHERE c.channel_id = changed.id ORDER BY c.id DESC OFFSET :kept LIMIT 1
        ) newest_to_go
        WHERE old.channel_id = changed.id AND old.id <= newest_to_go.id
        """,
        channels=list(uow.notes[_CHANGED]),
        kept=KEPT,
    )


async def read_changes(actor: Actor, channel_id: UUID, *, before: int | None = None, limit: int = 50) -> list[Change]:
    """Newest first, from those older than the change `before`. Raises: Forbidden, NotFound."""
    actor.require("channels.read")
    await access_channel(actor, channel_id)
    rows = await sql(
        """
        SELECT id, at, status, reason FROM channel_change
        WHERE company_id = :company AND channel_id = :channel AND (CAST(:before AS bigint) IS NULL OR id < :before)
        ORDER BY id DESC LIMIT :limit
        """,
        company=actor.company_id,
        channel=channel_id,
        before=before,
        limit=limit,
    )
    return [Change(*row) for row in rows.all()]
