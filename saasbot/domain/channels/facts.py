"""The hard facts about a number: when anything last came, and who holds it. Every one is something that a process wrote."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.db import sql
from saasbot.infra.errors import NotFound

CRASHED = "bridge_restarting"
"""The reason that the supervisor gives when the process of a number ended unasked."""


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    last_message_at: datetime | None
    """A customer's message was stored."""
    last_receipt_at: datetime | None
    """A customer's phone, or WhatsApp's server, told what became of a message of ours."""
    seen_at: datetime | None
    """The holder renewed its lease: it does so every few seconds while it lives."""
    heard_at: datetime | None
    """Anything came from WhatsApp, an answer to the holder's own question included. Not known of the simulator."""
    held: bool
    """Somebody holds the number now."""
    host: str | None
    """The machine of the holder, or of the last one."""
    pid: int | None
    """Of the holder, or of one that died; nothing once it let go."""
    epoch: int
    """How many times a process took the number up."""
    memory_bytes: int | None
    """Resident, of the holder's whole process."""
    restarts_today: int
    """How often its process ended unasked since midnight on the actor's clock."""
    queued: int
    oldest_queued_at: datetime | None
    gap_began_at: datetime | None
    """Of the last 30 days the last time in which messages may have been lost, also of somebody whose chat nobody has seen yet."""
    gap_ended_at: datetime | None
    """Nothing while it lasts, and where there was none."""
    unconfirmed: int
    """Messages of the last 24 hours of which nobody knows whether they went out, and that were not sent again."""


_QUERY = """
    SELECT c.last_inbound_at AS last_message_at, greatest(c.last_receipt_at, l.acked_at) AS last_receipt_at,
           l.seen_at, l.heard_at,
           coalesce(l.holder IS NOT NULL AND l.expires_at >= clock_timestamp(), false) AS held,
           l.host, coalesce(l.holder, '') AS holder, coalesce(l.epoch, 0) AS epoch, l.memory_bytes,
           (SELECT count(*) FROM channel_change h
            WHERE h.channel_id = c.id AND h.reason = :crashed
              AND h.at >= date_trunc('day', now() AT TIME ZONE :timezone) AT TIME ZONE :timezone) AS restarts_today,
           waiting.queued, waiting.oldest_queued_at, gap.began_at AS gap_began_at, gap.ended_at AS gap_ended_at,
           (SELECT count(*) FROM message m WHERE m.channel_id = c.id AND m.status = 'unconfirmed'
              AND coalesce(m.left_at, m.created_at) > now() - interval '24 hours'
              AND NOT EXISTS (SELECT FROM message r
                              WHERE r.company_id = m.company_id AND r.client_token = 'resend:' || m.id)) AS unconfirmed
    FROM channel c
    LEFT JOIN channel_lease l ON l.channel_id = c.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS queued, min(m.created_at) AS oldest_queued_at
        FROM message m WHERE m.channel_id = c.id AND m.status = 'queued'
    ) waiting
    LEFT JOIN LATERAL (
        SELECT g.began_at, g.ended_at FROM channel_gap g
        WHERE g.channel_id = c.id AND g.began_at > now() - interval '30 days' ORDER BY g.began_at DESC LIMIT 1
    ) gap ON true
    WHERE c.company_id = :company AND c.id = :channel AND c.deleted_at IS NULL
"""


async def read_facts(actor: Actor, channel_id: UUID) -> ChannelFacts:
    """One statement. Raises: Forbidden, NotFound."""
    actor.require("channels.read")
    row = (
        await sql(_QUERY, company=actor.company_id, channel=channel_id, timezone=actor.timezone, crashed=CRASHED)
    ).one_or_none()
    if row is None:
        raise NotFound
    values = row._asdict()
    return ChannelFacts(pid=process_id(values.pop("holder")), **values)


def process_id(holder: str) -> int | None:
    """`<boot>/<pid>/<start>`, as a holder calls itself: the process id in it."""
    _, _, rest = holder.partition("/")
    pid, _, _ = rest.partition("/")
    return int(pid) if pid.isdigit() else None
