"""Numbers as their page and the API show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import phonenumbers

from saasbot.domain.actor import Actor
from saasbot.domain.history.progress import QUIET_MINUTES, HistoryView
from saasbot.infra.db import sql


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A number, its state, its pairing while there is one, and what it did today (by the actor's clock)."""

    id: UUID
    kind: str
    name: str
    phone: str | None
    """As people write it, with the plus."""
    status: str
    reason: str | None
    since: datetime
    retry_at: datetime | None
    new_chats_paused_until: datetime | None
    """Until when it may write to nobody first; may lie in the past."""
    new_chats_paused_reason: str | None
    limited_until: datetime | None
    """When there is room again for automatic messages: nothing while there is, or where today is not counted."""
    desired: str
    linked: bool
    bot_id: UUID | None
    bot_name: str | None
    bot_enabled: bool
    created_at: datetime
    last_inbound_at: datetime | None
    pairing_code: str | None
    pairing_phone: str | None
    pairing_number: int
    pairing_expires_at: datetime | None
    received_today: int
    sent_today: int
    history: HistoryView


_QUERY = """
    SELECT c.id, c.kind, c.name, c.phone, c.status, c.reason, c.since, c.retry_at, c.desired,
           c.new_chats_paused_until, c.new_chats_paused_reason,
           c.device_jid IS NOT NULL AS linked, c.bot_id, b.name AS bot_name, c.bot_enabled, c.created_at, c.last_inbound_at,
           p.code AS pairing_code, p.phone AS pairing_phone, coalesce(p.code_number, 0) AS pairing_number,
           p.expires_at AS pairing_expires_at,
           limited.until AS limited_until, coalesce(today.received, 0) AS received_today, coalesce(today.sent, 0) AS sent_today,
           c.history_days, h.percent, coalesce(h.messages, 0) AS messages, coalesce(h.chats, 0) AS chats, h.finished_at,
           h.finished_at IS NULL AND (
               h.advanced_at > now() - make_interval(mins => :quiet)
               OR EXISTS (SELECT FROM history_chunk k WHERE k.channel_id = c.id AND k.processed_at IS NULL)) AS running
    FROM channel c
    LEFT JOIN bot b ON b.id = c.bot_id
    LEFT JOIN channel_pairing p ON p.channel_id = c.id
    LEFT JOIN channel_history h ON h.channel_id = c.id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE NOT m.from_me) AS received,
               count(*) FILTER (WHERE m.from_me AND m.status IN ('sent', 'delivered', 'read')) AS sent
        FROM message m
        WHERE m.channel_id = c.id AND m.type <> 'activity' AND m.seq > 0  -- not what a phone handed over of earlier
          AND m.created_at >= date_trunc('day', now() AT TIME ZONE :timezone) AT TIME ZONE :timezone
    ) today ON :count_today
    LEFT JOIN LATERAL (  -- as the governor counts them
        SELECT greatest(
            CASE WHEN count(*) FILTER (WHERE a.left_at > now() - interval '1 hour') >= c.hourly_limit
                 THEN min(a.left_at) FILTER (WHERE a.left_at > now() - interval '1 hour') + interval '1 hour' END,
            CASE WHEN count(*) >= c.daily_limit THEN min(a.left_at) + interval '1 day' END) AS until
        FROM message a
        WHERE a.channel_id = c.id AND a.author <> 'agent' AND a.left_at > now() - interval '1 day'
          AND a.status NOT IN ('queued', 'failed')
    ) limited ON :count_today AND coalesce(c.hourly_limit, c.daily_limit) IS NOT NULL
    WHERE c.company_id = :company AND c.deleted_at IS NULL AND (CAST(:id AS uuid) IS NULL OR c.id = :id)
    ORDER BY c.created_at, c.id
"""


async def read_channels(
    actor: Actor, *, channel_id: UUID | None = None, count_today: bool = False
) -> list[ChannelView]:
    """Every number of the company, oldest first, or the one asked for. `count_today` also counts its messages, and whether
    the owner's limits leave room."""
    actor.require("channels.read")
    rows = await sql(
        _QUERY,
        company=actor.company_id,
        id=channel_id,
        timezone=actor.timezone,
        count_today=count_today,
        quiet=QUIET_MINUTES,
    )
    return [_view(row) for row in rows.all()]


def _view(row: Any) -> ChannelView:
    values = row._asdict()
    history = HistoryView(
        days=values.pop("history_days"),
        running=bool(values.pop("running")),
        **{name: values.pop(name) for name in ("percent", "messages", "chats", "finished_at")},
    )
    return ChannelView(**{**values, "phone": readable_phone(row.phone), "history": history})


def readable_phone(digits: str | None) -> str | None:
    """`5491112345678` as `+54 9 11 1234-5678`; what no plan knows keeps its digits."""
    if not digits:
        return None
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return f"+{digits}"
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
