"""Ticks: a status only moves forward, and a receipt that comes before its message waits for it."""

from collections.abc import Sequence
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.incoming import IncomingReceipt
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models import MessageStatus

WAITING_DAYS = 30
"""How long WhatsApp keeps what a number has not fetched."""

_APPLY = """
    WITH receipt AS (
        SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:statuses AS text[]), CAST(:moments AS timestamptz[]))
            AS r(wa_id, status, at)
    ), newest AS (
        -- of several receipts for one message the furthest counts, with the moments of both
        SELECT wa_id, min(at) AS delivered_at, min(at) FILTER (WHERE status = 'read') AS read_at FROM receipt GROUP BY wa_id
    ), moved AS (
        UPDATE message m
        SET status = CASE WHEN n.read_at IS NOT NULL OR m.status = 'read' THEN 'read' ELSE 'delivered' END,
            error = NULL,
            delivered_at = coalesce(m.delivered_at, n.delivered_at),
            read_at = coalesce(m.read_at, n.read_at)
        FROM newest n
        WHERE m.channel_id = :channel AND m.wa_id = n.wa_id AND m.from_me
          AND (m.status IN ('sending', 'unconfirmed', 'failed', 'sent') OR (m.status = 'delivered' AND n.read_at IS NOT NULL))
        RETURNING m.id, m.conversation_id, m.status
    ), listed AS (
        UPDATE conversation c SET last_status = moved.status FROM moved
        WHERE c.last_message_id = moved.id AND c.id = moved.conversation_id
    ), early AS (
        INSERT INTO waiting_receipt AS w (channel_id, wa_id, company_id, status, at)
        SELECT :channel, n.wa_id, :company, CASE WHEN n.read_at IS NOT NULL THEN 'read' ELSE 'delivered' END, n.delivered_at
        FROM newest n
        WHERE NOT EXISTS (SELECT FROM message m WHERE m.channel_id = :channel AND m.wa_id = n.wa_id AND m.from_me)
        ON CONFLICT (channel_id, wa_id) DO UPDATE SET status = excluded.status WHERE w.status = 'delivered'
    ), noted AS (
        -- to a few seconds: a busy number's row is not written with every tick
        UPDATE channel SET last_receipt_at = clock_timestamp()
        WHERE id = :channel AND (last_receipt_at IS NULL OR last_receipt_at < clock_timestamp() - interval '5 seconds')
    )
    SELECT DISTINCT conversation_id FROM moved
"""


async def apply_receipts(actor: Actor, channel_id: UUID, receipts: Sequence[IncomingReceipt]) -> None:
    """Our messages on this number move to delivered or read. Repeating a receipt changes nothing."""
    ids = [(wa_id, receipt) for receipt in receipts for wa_id in receipt.wa_ids]
    if not ids:
        return
    rows = await sql(
        _APPLY,
        ids=[wa_id for wa_id, _ in ids],
        statuses=["read" if r.status == MessageStatus.READ else "delivered" for _, r in ids],
        moments=[r.at for _, r in ids],
        channel=channel_id,
        company=actor.company_id,
    )
    for (conversation_id,) in rows.all():
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)


async def forget_waiting(actor: Actor) -> int:
    """Ticks of our reactions, edits and deletions wait for a message that never is: they are removed when WhatsApp would no longer
    give that message either. Returns how many."""
    removed = await sql(
        "DELETE FROM waiting_receipt WHERE company_id = :company AND at < clock_timestamp() - make_interval(days => :days)",
        company=actor.company_id,
        days=WAITING_DAYS,
    )
    return removed.rowcount


async def apply_waiting(actor: Actor, channel_id: UUID, wa_ids: Sequence[str]) -> None:
    """Messages of ours that were just stored take the receipts that came before them."""
    rows = await sql(
        "DELETE FROM waiting_receipt WHERE channel_id = :channel AND wa_id = ANY(:ids) RETURNING wa_id, status, at",
        channel=channel_id,
        ids=list(wa_ids),
    )
    waiting = [IncomingReceipt((row.wa_id,), MessageStatus(row.status), row.at) for row in rows]
    await apply_receipts(actor, channel_id, waiting)
