"""Numbers that cannot work: told once an incident, to all owners, in the app and by mail.

An incident begins with the first trouble and survives short recoveries: a number that flaps is one incident. It is over when
the number has been open for `STEADY`, or when a person did something about the number.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.companies.notices import clear_notice, open_notice
from saasbot.infra import jobs
from saasbot.infra.db import sql
from saasbot.models import Channel, ChannelStatus
from saasbot.models.table import utcnow

NOTICE = "number_down"
TELL_TASK, MAIL_TASK = "channels.tell_incidents", "channels.mail_incidents"

LASTS = {
    ChannelStatus.LOGGED_OUT: timedelta(0),
    ChannelStatus.BANNED: timedelta(0),
    ChannelStatus.FAILED: timedelta(0),
    ChannelStatus.DEAF: timedelta(seconds=30),
    ChannelStatus.RECONNECTING: timedelta(minutes=2),
}
"""How long a number must have been unusable before anybody is told, by what it is then."""
STEADY = timedelta(minutes=5)
GATHER = timedelta(seconds=30)
"""What takes one number down often takes many: those that follow within this time are told together."""
PAUSE = timedelta(minutes=1)
"""Between two mails to a company at least."""


@dataclass(frozen=True, slots=True)
class Told:
    """What `tell_incidents` did: these numbers were told, or it is to be called again at `again_at`."""

    channel_ids: tuple[UUID, ...] = ()
    again_at: datetime | None = None


async def follow(channel: Channel) -> None:
    """The locked number, which its owner wants running, has a new status: an incident begins, goes on, or may be over."""
    if channel.status == ChannelStatus.OPEN:
        await _works_again(channel)
    elif channel.status in LASTS:
        await _is_down(channel, LASTS[channel.status])


async def forget_incident(actor: Actor, channel: Channel) -> None:
    """A person did something about the number: they know. What happens next is news again."""
    await sql("DELETE FROM channel_incident WHERE channel_id = :channel", channel=channel.id)
    await clear_notice(actor, NOTICE, subject=str(channel.id))


async def _is_down(channel: Channel, lasts: timedelta) -> None:
    now = utcnow()
    row = (
        await sql(
            """
            INSERT INTO channel_incident AS i (channel_id, company_id, began_at, due_at)
            VALUES (:channel, :company, :now, CAST(:now AS timestamptz) + :lasts)
            ON CONFLICT (channel_id) DO UPDATE SET
                began_at = CASE WHEN i.recovered_at <= :steady THEN excluded.began_at ELSE i.began_at END,
                due_at = CASE WHEN i.recovered_at <= :steady THEN excluded.due_at ELSE i.began_at + :lasts END,
                told_at = CASE WHEN i.recovered_at <= :steady THEN NULL ELSE i.told_at END,
                recovered_at = NULL
            RETURNING due_at, told_at
            """,
            channel=channel.id,
            company=channel.company_id,
            now=now,
            lasts=lasts,
            steady=now - STEADY,
        )
    ).one()
    if row.told_at is None:
        await jobs.defer(TELL_TASK, schedule_at=max(row.due_at, now) + GATHER, company_id=str(channel.company_id))


async def _works_again(channel: Channel) -> None:
    """What nobody was told of is forgotten; what was told waits to be over."""
    await sql("DELETE FROM channel_incident WHERE channel_id = :channel AND told_at IS NULL", channel=channel.id)
    told = await sql(
        "UPDATE channel_incident SET recovered_at = :now WHERE channel_id = :channel AND recovered_at IS NULL RETURNING 1",
        channel=channel.id,
        now=utcnow(),
    )
    if told.one_or_none() is not None:
        await clear_notice(Actor.system(channel.company_id), NOTICE, subject=str(channel.id))


async def tell_incidents(actor: Actor) -> Told:
    """Every number of the company that has been down long enough has a notice, and one mail about all of them waits for each
    owner. Twice is once."""
    now = utcnow()
    last = (
        await sql("SELECT max(told_at) AS told FROM channel_incident WHERE company_id = :c", c=actor.company_id)
    ).one()
    if last.told is not None and last.told + PAUSE > now:
        waiting = await sql(
            "SELECT 1 FROM channel_incident WHERE company_id = :c AND told_at IS NULL LIMIT 1", c=actor.company_id
        )
        return Told(again_at=last.told + PAUSE if waiting.one_or_none() is not None else None)
    rows = (
        await sql(
            """
            UPDATE channel_incident i SET told_at = :now FROM channel c
            WHERE i.company_id = :company AND i.told_at IS NULL AND i.due_at <= :now
              AND c.id = i.channel_id AND c.status = ANY(:down) AND c.deleted_at IS NULL
            RETURNING c.id, c.status, i.began_at
            """,
            company=actor.company_id,
            now=now,
            down=[str(status) for status in LASTS],
        )
    ).all()
    for row in rows:
        details = {"channel_id": str(row.id), "status": row.status, "since": row.began_at.isoformat()}
        await open_notice(actor, NOTICE, subject=str(row.id), details=details)
    told = tuple(row.id for row in rows)
    if told:
        for owner_id in await _owners(actor):
            await jobs.defer(
                MAIL_TASK,
                company_id=str(actor.company_id),
                user_id=str(owner_id),
                channel_ids=[str(channel_id) for channel_id in told],
            )
    return Told(told)


async def _owners(actor: Actor) -> list[UUID]:
    rows = await sql(
        """
        SELECT u.id FROM membership m JOIN user_account u ON u.id = m.user_id
        WHERE m.company_id = :company AND m.role = 'owner' AND m.removed_at IS NULL
          AND m.disabled_at IS NULL AND u.disabled_at IS NULL ORDER BY u.id
        """,
        company=actor.company_id,
    )
    return [row.id for row in rows.all()]
