"""Today at a glance: who waits for a person, what the bot did, and how long customers waited."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from saasbot.domain.actor import Actor
from saasbot.infra.db import sql

COUNTED = 100
"""Waiting conversations are counted up to here and no further."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation whose customer waits for a person."""

    conversation_id: UUID
    contact_name: str
    channel_name: str
    preview: str
    """What the customer said last."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts are of conversations, except `by_hour`. They name nobody."""

    conversations: int
    """In which a customer wrote."""
    answered: int
    by_bot: int
    """In which the bot wrote and no person, and which the bot still has."""
    response_seconds: float | None
    """Median from a customer's first message to the first answer; nothing while nobody was answered."""
    by_hour: tuple[int, ...]
    """Messages of customers in each hour of the day, 24 of them."""


@dataclass(frozen=True, slots=True)
class Today(Figures):
    """From midnight on the actor's clock."""

    waiting: int
    waiting_first: tuple[Waiting, ...]
    """Those that wait longest."""


_WAITING = """
    WITH waiting AS (
        SELECT c.id, c.contact_id, c.channel_id, c.last_preview, c.last_activity_at
        FROM conversation c
        WHERE c.company_id = :company AND c.handler = 'human' AND c.status = 'open' AND c.chat_jid NOT LIKE '%@g.us'
          AND c.last_author IS DISTINCT FROM 'agent' AND c.last_author IS DISTINCT FROM 'phone'
        ORDER BY c.last_activity_at DESC, c.id DESC
        LIMIT :counted
    )
    SELECT w.id, coalesce(asked.text, w.last_preview) AS preview, w.last_activity_at, contact.name AS contact_name, channel.name AS channel_name,
           count(*) OVER () AS waiting,
           (SELECT min(value) FROM contact_identity i WHERE i.contact_id = w.contact_id AND i.kind = 'phone') AS phone
    FROM waiting w JOIN contact ON contact.id = w.contact_id JOIN channel ON channel.id = w.channel_id
    LEFT JOIN LATERAL (
        SELECT nullif(left(m.text, 200), '') AS text FROM message m
        WHERE m.conversation_id = w.id AND m.author = 'customer' AND m.type <> 'activity'
        ORDER BY m.sort_at DESC, m.seq DESC LIMIT 1
    ) asked ON true
    ORDER BY w.last_activity_at, w.id
    LIMIT :shown
"""

_BETWEEN = """
    WITH said AS (
        SELECT m.conversation_id, m.author, m.sort_at, m.created_at
        FROM channel
        CROSS JOIN LATERAL (
            SELECT message.conversation_id, message.author, message.sort_at, message.created_at
            FROM message
            WHERE message.channel_id = channel.id AND message.created_at >= :midnight AND message.created_at < :end
              AND message.type <> 'activity' AND message.status <> 'failed' AND message.seq > 0
              AND message.author_jid IS NULL  -- nobody waits for an answer to what people of a group say
        ) m
        WHERE channel.company_id = :company
    ), asked AS (
        SELECT conversation_id, min(sort_at) AS asked_at FROM said WHERE author = 'customer' GROUP BY conversation_id
    ), dealt AS (
        SELECT asked.conversation_id, asked.asked_at,
               min(said.sort_at) FILTER (WHERE said.sort_at >= asked.asked_at) AS answered_at,
               bool_or(said.author = 'bot') AND NOT bool_or(said.author <> 'bot') AND min(c.handler) = 'bot' AS only_bot
        FROM asked JOIN conversation c ON c.id = asked.conversation_id LEFT JOIN said ON said.conversation_id = asked.conversation_id AND said.author <> 'customer'
        GROUP BY asked.conversation_id, asked.asked_at
    )
    SELECT (SELECT count(*) FROM dealt) AS conversations,
           (SELECT count(answered_at) FROM dealt) AS answered,
           (SELECT count(*) FROM dealt WHERE only_bot) AS by_bot,
           (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - asked_at))
            FROM dealt WHERE answered_at IS NOT NULL) AS response_seconds,
           (SELECT coalesce(json_object_agg(hour, messages), '{}') FROM (
                SELECT extract(hour FROM created_at AT TIME ZONE :timezone)::int AS hour, count(*) AS messages
                FROM said WHERE author = 'customer' GROUP BY 1) AS hours) AS by_hour
"""


async def figures_between(actor: Actor, start: datetime, end: datetime, timezone: str) -> Figures:
    """Of what customers wrote and were answered in this time; hours are those of the time zone."""
    row = (await sql(_BETWEEN, company=actor.company_id, midnight=start, end=end, timezone=timezone)).one()
    return Figures(
        conversations=row.conversations,
        answered=row.answered,
        by_bot=row.by_bot,
        response_seconds=None if row.response_seconds is None else float(row.response_seconds),
        by_hour=tuple(row.by_hour.get(str(hour), 0) for hour in range(24)),
    )


async def read_today(actor: Actor) -> Today:
    """What the dashboard shows of today. Reads at most `COUNTED` waiting conversations and the messages of one day.

    Raises: Forbidden.
    """
    actor.require("inbox.read")
    waiting = (await sql(_WAITING, company=actor.company_id, counted=COUNTED, shown=SHOWN)).all()
    zone = ZoneInfo(actor.timezone)
    midnight = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    day = await figures_between(actor, midnight, midnight + timedelta(days=2), actor.timezone)
    return Today(
        waiting=waiting[0].waiting if waiting else 0,
        waiting_first=tuple(
            Waiting(
                row.id,
                row.contact_name or (f"+{row.phone}" if row.phone else ""),
                row.channel_name,
                row.preview,
                row.last_activity_at,
            )
            for row in waiting
        ),
        conversations=day.conversations,
        answered=day.answered,
        by_bot=day.by_bot,
        response_seconds=day.response_seconds,
        by_hour=day.by_hour,
    )
