"""Times in which a number may have lost messages. They are told in the chats concerned (`domain/inbox/gaps.py`), never hidden.

WhatsApp has an event acknowledged before we can write it down, so what a holder had in hand when it died is lost, and a number
that was deaf may have been given what it never heard. A new gap soon after another is the same incident: it grows.
"""

from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.lease import LEASE_SECONDS
from saasbot.domain.inbox.gaps import AROUND, tell_gap
from saasbot.infra import jobs
from saasbot.infra.db import sql
from saasbot.models import GapCause
from saasbot.models.table import new_id, utcnow

TELL_TASK = "channels.tell_gap"
SAME_INCIDENT = timedelta(minutes=5)
LONGEST_INCIDENT = timedelta(hours=1)
"""A number that fails all day has a gap an hour, not one that swallows the day."""
_TELL_AGAIN = (timedelta(minutes=1), AROUND)
"""After the gap: what WhatsApp kept comes within a minute, and whoever goes on writing is concerned for a while."""


async def last_sign_of_life(actor: Actor, channel_id: UUID, *, holder_is_dead: bool = False) -> datetime | None:
    """When a holder that never let go of the number, and holds it no more, last renewed its lease; nothing otherwise.

    Ask in the transaction that takes the number, before it does: until its end nobody else can.
    """
    row = (
        await sql(
            """
            SELECT expires_at - make_interval(secs => :seconds) AS seen FROM channel_lease
            WHERE channel_id = :channel AND holder IS NOT NULL AND (expires_at < clock_timestamp() OR :dead)
            FOR NO KEY UPDATE
            """,
            channel=channel_id,
            seconds=LEASE_SECONDS,
            dead=holder_is_dead,
        )
    ).one_or_none()
    return row.seen if row else None


async def begin_gap(actor: Actor, channel_id: UUID, *, cause: GapCause, at: datetime) -> None:
    """From `at` on messages may be missing. The same gap while one is open, or shortly after one."""
    grown = await sql(
        """
        UPDATE channel_gap SET ended_at = NULL WHERE id = (
            SELECT id FROM channel_gap WHERE channel_id = :channel ORDER BY began_at DESC LIMIT 1
        ) AND (ended_at IS NULL OR ended_at >= :soon) AND began_at >= :late RETURNING 1
        """,
        channel=channel_id,
        soon=at - SAME_INCIDENT,
        late=at - LONGEST_INCIDENT,
    )
    if grown.one_or_none() is not None:
        return
    await sql(
        """
        INSERT INTO channel_gap (id, created_at, company_id, channel_id, cause, began_at)
        VALUES (:id, :now, :company, :channel, :cause, :at) ON CONFLICT (channel_id) WHERE ended_at IS NULL DO NOTHING
        """,
        id=new_id(),
        now=utcnow(),
        company=actor.company_id,
        channel=channel_id,
        cause=str(cause),
        at=at,
    )


async def end_gap(actor: Actor, channel_id: UUID) -> UUID | None:
    """The number hears again: the gap, if one was open, is told in the chats of that time now, and soon in those that follow."""
    row = (
        await sql(
            "UPDATE channel_gap SET ended_at = greatest(began_at, :now) WHERE channel_id = :channel AND ended_at IS NULL "
            "RETURNING id",
            channel=channel_id,
            now=utcnow(),
        )
    ).one_or_none()
    if row is None:
        return None
    await tell_gap(actor, row.id)
    for later in _TELL_AGAIN:
        await jobs.defer(TELL_TASK, schedule_at=utcnow() + later, company_id=str(actor.company_id), gap_id=str(row.id))
    return row.id
