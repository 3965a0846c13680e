"""Numbers that cannot work: told to all owners, in the app and by mail.

An incident begins with the first trouble and survives short recoveries: a number that flaps is one incident. It is over when
the number has been open for `STEADY`, or when a person did something about the number. Its mail is sent once, and once more when
what might have healed became what needs a person; its notice is there whenever the number has been down for long enough.
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
_TO_TELL = "(i.told_at IS NULL OR i.told_at < i.due_at)"
"""SQL, of an incident `i`: its notice is not there yet, or no more."""


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


_DOWN = f"""
    INSERT INTO channel_incident AS i (channel_id, company_id, began_at, due_at)
    VALUES (:channel, :company, :now, CAST(:now AS timestamptz) + :lasts)
    ON CONFLICT (channel_id) DO UPDATE SET
        recovered_at = NULL,
        (began_at, due_at, told_at) = (SELECT
            CASE WHEN steady THEN excluded.began_at WHEN i.told_at IS NULL THEN i.began_at + up ELSE i.began_at END,
            CASE WHEN steady THEN excluded.due_at WHEN i.told_at IS NULL THEN i.began_at + up + :lasts
                 WHEN worse OR i.recovered_at IS NOT NULL THEN excluded.due_at ELSE i.due_at END,
            CASE WHEN steady OR worse THEN NULL ELSE i.told_at END
        FROM (SELECT
            coalesce(i.recovered_at <= :steady, false) AS steady,
            coalesce(excluded.began_at - i.recovered_at, interval '0') AS up,
            :lasts = interval '0' AND NOT EXISTS (
                SELECT FROM notice n WHERE n.company_id = i.company_id AND n.kind = '{NOTICE}'
                AND n.subject = CAST(i.channel_id AS text) AND n.created_at >= i.began_at AND n.details->>'status' = :status
            ) AS worse) t)
    RETURNING due_at, told_at
"""  # noqa: S608  # a name of ours
"""SQL: the number is down. Until its owners are told, only the time counts in which it was: the incident moves by the time in
which it worked meanwhile. After that it is to be told again (`due_at` lies after `told_at`) when it is down anew, and as if for
the first time when it needs a person now and nobody heard of that."""


async def _is_down(channel: Channel, lasts: timedelta) -> None:
    now = utcnow()
    row = (
        await sql(
            _DOWN,
            channel=channel.id,
            company=channel.company_id,
            status=str(channel.status),
            now=now,
            lasts=lasts,
            steady=now - STEADY,
        )
    ).one()
    if row.told_at is None or row.told_at < row.due_at:
        await jobs.defer(TELL_TASK, schedule_at=max(row.due_at, now) + GATHER, company_id=str(channel.company_id))


async def _works_again(channel: Channel) -> None:
    """The incident waits to be over; nobody need see it meanwhile."""
    down = await sql(
        "UPDATE channel_incident SET recovered_at = :now WHERE channel_id = :channel AND recovered_at IS NULL RETURNING 1",
        channel=channel.id,
        now=utcnow(),
    )
    if down.one_or_none() is not None:
        await clear_notice(Actor.system(channel.company_id), NOTICE, subject=str(channel.id))


async def tell_incidents(actor: Actor) -> Told:
    """Every number of the company that has been down long enough has a notice, and one mail about all of them that were not told
    before waits for each owner. Twice is once."""
    now = utcnow()
    last = (
        await sql("SELECT max(told_at) AS told FROM channel_incident WHERE company_id = :c", c=actor.company_id)
    ).one()
    if last.told is not None and last.told + PAUSE > now:
        waiting = await sql(
            f"SELECT 1 FROM channel_incident i WHERE company_id = :c AND recovered_at IS NULL AND {_TO_TELL}",  # noqa: S608
            c=actor.company_id,
        )
        return Told(again_at=last.told + PAUSE if waiting.first() is not None else None)
    rows = (
        await sql(
            f"""
            UPDATE channel_incident i SET told_at = :now FROM channel c, channel_incident before
            WHERE i.company_id = :company AND {_TO_TELL} AND i.due_at <= :now AND before.channel_id = i.channel_id
              AND c.id = i.channel_id AND c.status = ANY(:down) AND c.deleted_at IS NULL
            RETURNING c.id, c.status, i.began_at, before.told_at IS NULL AS is_news
            """,  # noqa: S608  # a fragment of ours
            company=actor.company_id,
            now=now,
            down=[str(status) for status in LASTS],
        )
    ).all()
    for row in rows:
        details = {"channel_id": str(row.id), "status": row.status, "since": row.began_at.isoformat()}
        await clear_notice(actor, NOTICE, subject=str(row.id))  # of what it was before it became worse
        await open_notice(actor, NOTICE, subject=str(row.id), details=details)
    told = tuple(row.id for row in rows if row.is_news)
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
