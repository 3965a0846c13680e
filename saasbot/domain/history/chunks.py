"""The parts in which a phone hands its history over: kept as they came, worked off oldest first, forgotten afterwards.

They lie beside the journal, not in it: a part of many megabytes must not stand before the message that a customer writes now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.journal import fingerprint
from saasbot.infra.db import sql

TOPIC = "saasbot_history"
"""Notification channel: payload `company:channel`, delivered when parts are durable."""

DAYS = (0, 7, 30, 90)
"""What an owner can choose of the past; WhatsApp gives a linked device about three months."""


@dataclass(frozen=True, slots=True)
class Chunk:
    id: int
    raw: bytes
    position: int
    """How many of its messages are dealt with."""
    received_at: datetime


async def record_chunks(actor: Actor, channel_id: UUID, *, code: int, raws: Sequence[bytes]) -> None:
    """Keep parts in order; those that are there already change nothing. A number whose owner wants no history keeps none."""
    await sql(
        """
        WITH kept AS (
            INSERT INTO history_chunk (company_id, channel_id, fingerprint, raw)
            SELECT c.company_id, c.id, e.f, e.r
            FROM channel c, unnest(CAST(:fingerprints AS bytea[]), CAST(:raws AS bytea[])) WITH ORDINALITY AS e(f, r, n)
            WHERE c.id = :channel AND c.company_id = :company AND c.history_days > 0
            ORDER BY e.n
            ON CONFLICT (channel_id, fingerprint) DO NOTHING
        )
        SELECT pg_notify(:topic, :woken)
        """,
        topic=TOPIC,
        woken=f"{actor.company_id}:{channel_id}",
        company=actor.company_id,
        channel=channel_id,
        fingerprints=[fingerprint(code, raw) for raw in raws],
        raws=list(raws),
    )


def chunk_values(company_id: UUID, channel_id: UUID, code: int, raw: bytes) -> tuple[Any, ...]:
    """The parameters of `APPEND_CHUNK`, for writers that have a connection of their own."""
    return (fingerprint(code, raw), raw, channel_id, company_id)


APPEND_CHUNK = """
    INSERT INTO history_chunk (company_id, channel_id, fingerprint, raw)
    SELECT company_id, id, %s, %s FROM channel WHERE id = %s AND company_id = %s AND history_days > 0
    ON CONFLICT (channel_id, fingerprint) DO NOTHING
"""


async def next_chunk(actor: Actor, channel_id: UUID) -> Chunk | None:
    """The oldest part that waits for this number."""
    row = (
        await sql(
            """
            SELECT id, raw, position, received_at FROM history_chunk
            WHERE channel_id = :channel AND company_id = :company AND processed_at IS NULL ORDER BY id LIMIT 1
            """,
            channel=channel_id,
            company=actor.company_id,
        )
    ).one_or_none()
    return None if row is None else Chunk(row.id, row.raw or b"", row.position, row.received_at)


async def advance_chunk(chunk_id: int, *, before: int, after: int) -> bool:
    """The messages between the two positions are dealt with. False when another process was faster: nothing may be stored."""
    moved = await sql(
        "UPDATE history_chunk SET position = :after WHERE id = :id AND position = :before AND processed_at IS NULL",
        id=chunk_id,
        before=before,
        after=after,
    )
    return moved.rowcount == 1


async def end_chunk(chunk_id: int, *, error: str | None = None) -> None:
    """The part is worked off, and its bytes are gone; with `error` it could not be read, and they stay for a person."""
    await sql(
        """
        UPDATE history_chunk SET processed_at = clock_timestamp(), error = CAST(:error AS text),
               raw = CASE WHEN CAST(:error AS text) IS NULL THEN NULL ELSE raw END
        WHERE id = :id
        """,
        id=chunk_id,
        error=error,
    )


async def drop_chunks(actor: Actor, channel_id: UUID) -> None:
    """Nothing of what waits is wanted any more."""
    await sql(
        """
        UPDATE history_chunk SET processed_at = clock_timestamp(), raw = NULL
        WHERE channel_id = :channel AND company_id = :company AND processed_at IS NULL
        """,
        channel=channel_id,
        company=actor.company_id,
    )
