"""What the journal, and parts of a phone's history, hold of a person: found in the bytes, without reading them."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.privacy.traces import Traces
from saasbot.infra.db import sql

_BATCH = 2_000

_ERASE = """
    WITH batch AS MATERIALIZED (
        SELECT id, fingerprint, raw FROM wa_event
        WHERE channel_id = :channel AND fingerprint > :after ORDER BY fingerprint LIMIT :batch
    ), gone AS (
        DELETE FROM wa_event e USING batch b WHERE e.id = b.id AND e.company_id = :company
          AND EXISTS (SELECT FROM unnest(CAST(:raws AS bytea[])) p WHERE position(p IN b.raw) > 0)
    )
    SELECT fingerprint FROM batch ORDER BY fingerprint DESC LIMIT 1
"""

_WAITING = """
    DELETE FROM wa_event e WHERE company_id = :company AND channel_id = :channel AND processed_at IS NULL
      AND EXISTS (SELECT FROM unnest(CAST(:raws AS bytea[])) p WHERE position(p IN e.raw) > 0)
"""


async def channels_of(actor: Actor) -> list[UUID]:
    """Every number that the company has or had."""
    return (
        await sql("SELECT id FROM channel WHERE company_id = :company ORDER BY id", company=actor.company_id)
    ).scalars()


async def erase_waiting(actor: Actor, traces: Traces) -> None:
    """What nobody has processed yet is not processed any more: else it would bring the person back. Until the transaction ends
    no processor works on these numbers."""
    for channel in await channels_of(actor):
        await sql("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=f"journal:{channel}")
        await sql(_WAITING, company=actor.company_id, channel=channel, raws=traces.in_raw)


async def erase_batch(actor: Actor, channel_id: UUID, traces: Traces, after: bytes) -> bytes | None:
    """One batch of a number's journal, in the order of its fingerprints. Returns where to go on, nothing at the end."""
    row = await sql(_ERASE, company=actor.company_id, channel=channel_id, after=after, batch=_BATCH, raws=traces.in_raw)
    return row.scalar()


async def history_waits(actor: Actor, traces: Traces) -> bool:
    """Whether a part of a phone's history that speaks of them is still to be worked off. One that could not be read is emptied:
    it holds the chats of many, and nobody can take one of them out."""
    values = {"company": actor.company_id, "raws": traces.in_raw}
    mentions = "EXISTS (SELECT FROM unnest(CAST(:raws AS bytea[])) p WHERE position(p IN h.raw) > 0)"
    await sql(
        "UPDATE history_chunk h SET raw = NULL WHERE company_id = :company AND processed_at IS NOT NULL "  # noqa: S608
        f"AND raw IS NOT NULL AND {mentions}",
        **values,
    )
    waiting = await sql(
        f"SELECT 1 FROM history_chunk h WHERE company_id = :company AND processed_at IS NULL AND {mentions} LIMIT 1",  # noqa: S608
        **values,
    )
    return waiting.scalar() is not None
