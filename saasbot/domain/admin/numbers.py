"""How every number does, for those who operate the installation: metrics and the command line.

No names, phone numbers or texts leave here: ids, kinds, states and figures only.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.channels.facts import process_id
from saasbot.infra.db import platform_unit_of_work, sql


@dataclass(frozen=True, slots=True)
class NumberHealth:
    """A number that is not deleted. Ages are in seconds, by the database's clock."""

    channel_id: UUID
    kind: str
    status: str
    reason: str | None
    since: datetime
    status_age: float
    held: bool
    host: str | None
    pid: int | None
    """Of the holder, or of one that died; nothing once it let go."""
    epoch: int
    memory_bytes: int | None
    """Of the holder's process; nothing when nobody holds the number."""
    loop_lag: float | None
    """Likewise. Seconds, the worst of a minute."""
    silent_for: float | None
    """Since the holder last renewed its lease."""
    last_message_at: datetime | None
    queued: int
    oldest_queued_age: float
    unconfirmed: int
    undecryptable: int
    """Of the last 24 hours, without what WhatsApp sent to the phone alone: that never comes, and nothing is wrong."""
    set_aside: int
    """Events that could not be stored: somebody's message may be among them."""
    deaf_seconds: float
    """Of all its deafness, from what it last heard each time. Only grows."""
    acks: tuple[int, ...]
    ack_seconds: float


_NUMBERS = """
    WITH queued AS (
        SELECT channel_id, count(*) AS messages, min(created_at) AS oldest FROM message WHERE status = 'queued' GROUP BY 1
    ), unconfirmed AS (
        SELECT channel_id, count(*) AS messages FROM message WHERE status = 'unconfirmed' GROUP BY 1
    ), undecryptable AS (
        SELECT channel_id, count(*) AS messages FROM message
        WHERE type = 'unsupported' AND payload->>'kind' = 'undecryptable' AND NOT payload ? 'unavailable'
          AND created_at > clock_timestamp() - interval '24 hours' GROUP BY 1
    ), set_aside AS (
        SELECT channel_id, count(*) AS events FROM wa_event WHERE error IS NOT NULL GROUP BY 1
    ), deaf AS ( -- whole seconds: the clock that ends one may be a little behind, and a counter never goes back
        SELECT channel_id, sum(floor(extract(epoch FROM coalesce(ended_at, clock_timestamp()) - began_at))) AS seconds
        FROM channel_gap WHERE cause = 'deaf' GROUP BY 1
    ), lease AS (
        SELECT *, holder IS NOT NULL AND expires_at >= clock_timestamp() AS held FROM channel_lease
    )
    SELECT c.id AS channel_id, c.kind, c.status, c.reason, c.since,
           greatest(extract(epoch FROM clock_timestamp() - c.since), 0)::float AS status_age,
           coalesce(lease.held, false) AS held, lease.host, coalesce(lease.holder, '') AS holder,
           coalesce(lease.epoch, 0) AS epoch,
           CASE WHEN lease.held THEN lease.memory_bytes END AS memory_bytes,
           CASE WHEN lease.held THEN lease.loop_lag END AS loop_lag,
           extract(epoch FROM clock_timestamp() - lease.seen_at)::float AS silent_for,
           c.last_inbound_at AS last_message_at,
           coalesce(queued.messages, 0) AS queued,
           coalesce(extract(epoch FROM clock_timestamp() - queued.oldest), 0)::float AS oldest_queued_age,
           coalesce(unconfirmed.messages, 0) AS unconfirmed, coalesce(undecryptable.messages, 0) AS undecryptable,
           coalesce(set_aside.events, 0) AS set_aside,
           greatest(coalesce(deaf.seconds, 0), 0)::float AS deaf_seconds,
           lease.acks, coalesce(lease.ack_seconds, 0) AS ack_seconds
    FROM channel c
    LEFT JOIN lease ON lease.channel_id = c.id
    LEFT JOIN queued ON queued.channel_id = c.id
    LEFT JOIN unconfirmed ON unconfirmed.channel_id = c.id
    LEFT JOIN undecryptable ON undecryptable.channel_id = c.id
    LEFT JOIN set_aside ON set_aside.channel_id = c.id
    LEFT JOIN deaf ON deaf.channel_id = c.id
    WHERE c.deleted_at IS NULL
    ORDER BY c.created_at, c.id
"""


async def read_numbers() -> list[NumberHealth]:
    """Every number of every company, oldest first, in one statement: partial indexes, and gaps, at most one an hour."""
    async with platform_unit_of_work("read the health of every number"):
        rows = (await sql(_NUMBERS)).all()
    return [_health(row._asdict()) for row in rows]


def _health(values: dict) -> NumberHealth:
    holder, acks = values.pop("holder"), values.pop("acks")
    return NumberHealth(pid=process_id(holder), acks=tuple(acks or ()), **values)
