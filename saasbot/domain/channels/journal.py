"""The journal as the database sees it: appended by whoever holds a number, read by the processor in order."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.db import sql

TOPIC = "saasbot_journal"
"""Notification channel: payload `company:channel`, delivered when events are durable."""

BATCH = 200


@dataclass(frozen=True, slots=True)
class JournalEvent:
    id: int
    code: int
    raw: bytes


def fingerprint(code: int, raw: bytes) -> bytes:
    """The same bytes twice are the same event twice."""
    return hashlib.blake2b(raw, digest_size=16, salt=code.to_bytes(2, "big")).digest()


async def record_events(actor: Actor, channel_id: UUID, *, epoch: int, events: Sequence[tuple[int, bytes]]) -> None:
    """Append `(code, raw)` events in order; those that are there already change nothing.

    The epoch is kept but not compared: WhatsApp has acknowledged these events, so refusing a late holder would lose them.
    """
    await sql(
        """
        WITH appended AS (
            INSERT INTO wa_event (company_id, channel_id, fingerprint, code, raw, epoch)
            SELECT :company, :channel, f, c, r, :epoch
            FROM unnest(CAST(:fingerprints AS bytea[]), CAST(:codes AS smallint[]), CAST(:raws AS bytea[])) AS e(f, c, r)
            ON CONFLICT (channel_id, fingerprint) DO NOTHING
        )
        SELECT pg_notify(:topic, :woken)
        """,
        topic=TOPIC,
        woken=f"{actor.company_id}:{channel_id}",
        company=actor.company_id,
        channel=channel_id,
        epoch=epoch,
        fingerprints=[fingerprint(code, raw) for code, raw in events],
        codes=[code for code, _ in events],
        raws=[raw for _, raw in events],
    )


async def take_events(
    actor: Actor, channel_id: UUID, *, after: int = 0, limit: int = BATCH
) -> list[JournalEvent] | None:
    """What waits for a number behind the event `after`, oldest first, until the transaction ends; None when another processor
    works on it."""
    locked = await sql("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))", name=f"journal:{channel_id}")
    if not locked.scalar_one():
        return None
    rows = await sql(
        """
        SELECT id, code, raw FROM wa_event
        WHERE channel_id = :channel AND processed_at IS NULL AND id > :after ORDER BY id LIMIT :limit
        """,
        channel=channel_id,
        after=after,
        limit=limit,
    )
    return [JournalEvent(row.id, row.code, row.raw) for row in rows.all()]


async def mark_processed(actor: Actor, ids: Sequence[int], *, error: str | None = None) -> None:
    """These events are dealt with, unless they were before; with `error` they could not be, and are kept for a person to look
    at."""
    await sql(
        "UPDATE wa_event SET processed_at = clock_timestamp(), error = :error WHERE id = ANY(:ids) AND processed_at IS NULL",
        ids=list(ids),
        error=error,
    )


async def raw_event(actor: Actor, event_id: int) -> bytes | None:
    row = (
        await sql(
            "SELECT raw FROM wa_event WHERE id = :id AND company_id = :company", id=event_id, company=actor.company_id
        )
    ).one_or_none()
    return row[0] if row else None


def event_values(company_id: UUID, channel_id: UUID, epoch: int, code: int, raw: bytes) -> tuple[Any, ...]:
    """The parameters of `APPEND_ONE`, for writers that have a connection of their own."""
    return (company_id, channel_id, fingerprint(code, raw), code, raw, epoch)


APPEND_ONE = """
    INSERT INTO wa_event (company_id, channel_id, fingerprint, code, raw, epoch) VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (channel_id, fingerprint) DO NOTHING
"""
