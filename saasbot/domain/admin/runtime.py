"""What the runtime must know of every company: which numbers shall run, and whose journal waits.

Only ids leave here; the work itself is done as `Actor.system(company_id)` of each row.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.channels.outdated import CLIENT_OUTDATED
from saasbot.infra.db import platform_unit_of_work, sql


@dataclass(frozen=True, slots=True)
class NumberToRun:
    company_id: UUID
    channel_id: UUID
    kind: str
    device_jid: str | None
    pairing_attempt: UUID | None
    """The attempt to link it that its owner asked for, when there is one."""
    blocked: bool
    """WhatsApp has blocked it until a time that lies ahead."""


async def numbers_to_run(kind: str) -> list[NumberToRun]:
    """Every number of a kind that its owner wants running; first who was held by nobody for longest.

    They start one after the other: in a fixed order, a server that keeps dying would serve the first ones only.
    """
    async with platform_unit_of_work("list the numbers to run"):
        rows = await sql(
            """
            SELECT c.company_id, c.id, c.kind, c.device_jid, p.attempt,
                   coalesce(c.status = 'banned' AND c.retry_at > now(), false)
            FROM channel c
            LEFT JOIN channel_pairing p ON p.channel_id = c.id
            LEFT JOIN channel_lease l ON l.channel_id = c.id
            WHERE c.kind = :kind AND c.desired = 'running' AND c.deleted_at IS NULL
            ORDER BY l.seen_at NULLS FIRST, c.created_at, c.id
            """,
            kind=kind,
        )
        return [NumberToRun(*row) for row in rows.all()]


async def outdated_numbers(client: str) -> list[tuple[UUID, UUID]]:
    """(company, number) of those that WhatsApp refused with another client than this one, and that nobody touched since."""
    async with platform_unit_of_work("list the numbers that a newer client may bring back"):
        rows = await sql(
            """
            SELECT company_id, id FROM channel
            WHERE kind = 'whatsapp' AND status = 'failed' AND reason = :reason AND device_jid IS NOT NULL
              AND deleted_at IS NULL AND outdated_client IS DISTINCT FROM :client
            """,
            reason=CLIENT_OUTDATED,
            client=client,
        )
        return [(row.company_id, row.id) for row in rows.all()]


async def numbers_left_in_hand() -> list[tuple[UUID, UUID, int]]:
    """(company, channel, epoch of who held it last) of every number that nobody holds nor shall, with messages or acts in hand."""
    async with platform_unit_of_work("find what numbers that nobody holds had in hand"):
        rows = await sql(
            """
            SELECT c.company_id, c.id, l.epoch
            FROM channel c JOIN channel_lease l ON l.channel_id = c.id
            WHERE c.id IN (
                SELECT channel_id FROM message WHERE status = 'sending'
                UNION ALL SELECT channel_id FROM outgoing_act WHERE status = 'sending')
              AND (c.desired <> 'running' OR c.device_jid IS NULL OR c.deleted_at IS NOT NULL
                   OR (c.status = 'banned' AND c.retry_at > clock_timestamp()))
              AND (l.holder IS NULL OR l.expires_at < clock_timestamp())
            """
        )
        return [(row.company_id, row.id, row.epoch) for row in rows.all()]


async def deleted_numbers_with_queued() -> list[tuple[UUID, UUID]]:
    """(company, channel) of every deleted number that nobody holds, where something waits to be sent: it was in hand, or being
    written, in the instant in which the number was deleted."""
    async with platform_unit_of_work("find what waits at deleted numbers"):
        rows = await sql(
            """
            SELECT c.company_id, c.id
            FROM channel c LEFT JOIN channel_lease l ON l.channel_id = c.id
            WHERE c.deleted_at IS NOT NULL AND (l.holder IS NULL OR l.expires_at < clock_timestamp()) AND (
                EXISTS (SELECT FROM message m WHERE m.channel_id = c.id AND m.status = 'queued')
                OR EXISTS (SELECT FROM outgoing_act a WHERE a.channel_id = c.id AND a.status = 'queued'))
            """
        )
        return [(row.company_id, row.id) for row in rows.all()]


async def devices_in_use(devices: Collection[str]) -> set[str]:
    """Which of these are the session of some number, whosever it is."""
    async with platform_unit_of_work("see which WhatsApp sessions are in use"):
        rows = await sql("SELECT device_jid FROM channel WHERE device_jid = ANY(:devices)", devices=list(devices))
        return {row.device_jid for row in rows.all()}


async def companies_of(channels: Collection[UUID]) -> dict[UUID, UUID]:
    """Whose these numbers are or were; nothing of one that is unknown."""
    async with platform_unit_of_work("find whose numbers have left events on this machine"):
        rows = await sql("SELECT id, company_id FROM channel WHERE id = ANY(:channels)", channels=list(channels))
        return {row.id: row.company_id for row in rows.all()}


async def waiting_journals() -> list[tuple[UUID, UUID]]:
    """(company, channel) of every number with events that nobody has processed yet."""
    async with platform_unit_of_work("list the journals that wait"):
        rows = await sql("SELECT DISTINCT company_id, channel_id FROM wa_event WHERE processed_at IS NULL")
        return [(row.company_id, row.channel_id) for row in rows.all()]


async def waiting_histories() -> list[tuple[UUID, UUID]]:
    """(company, channel) of every number with parts that nobody has worked off yet."""
    async with platform_unit_of_work("list the histories that wait"):
        rows = await sql("SELECT DISTINCT company_id, channel_id FROM history_chunk WHERE processed_at IS NULL")
        return [(row.company_id, row.channel_id) for row in rows.all()]


async def companies_with_receipts_before(moment: datetime) -> list[UUID]:
    """Those where a tick from before that moment still waits for its message."""
    async with platform_unit_of_work("list companies with old ticks"):
        rows = await sql("SELECT DISTINCT company_id FROM waiting_receipt WHERE at < :moment", moment=moment)
        return [row.company_id for row in rows.all()]


async def receipts_left_waiting() -> list[tuple[UUID, UUID, list[str]]]:
    """(company, channel, WhatsApp ids) of ticks that wait although their messages are there."""
    async with platform_unit_of_work("find ticks whose messages are there"):
        rows = await sql(
            """
            SELECT w.company_id, w.channel_id, array_agg(w.wa_id) AS ids FROM waiting_receipt w
            WHERE EXISTS (SELECT FROM message m WHERE m.channel_id = w.channel_id AND m.wa_id = w.wa_id AND m.from_me)
            GROUP BY w.company_id, w.channel_id
            """
        )
        return [(row.company_id, row.channel_id, row.ids) for row in rows.all()]


async def company_of_simulator(channel_id: UUID) -> UUID | None:
    """Whose simulated number this is; nothing for real, deleted and unknown ones."""
    async with platform_unit_of_work("find whose simulated number this is"):
        row = await sql(
            "SELECT company_id FROM channel WHERE id = :channel AND kind = 'simulator' AND deleted_at IS NULL",
            channel=channel_id,
        )
        return row.scalar_one_or_none()
