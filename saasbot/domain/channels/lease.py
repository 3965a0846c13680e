"""Who holds a number: a row with an epoch on the database's clock (fencing token).

Kleppmann, "How to do distributed locking": a holder that slept past its lease must be refused by the store, so every write
of a holder carries the epoch and compares it.
"""

import os
from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.acks import NO_ACKS, Acks
from saasbot.infra import process_identity
from saasbot.infra.db import sql

LEASE_SECONDS = 15
RENEW_SECONDS = 4


class LeaseLost(Exception):
    """Another process holds the number now: the caller must stop working for it at once."""


async def acquire_lease(actor: Actor, channel_id: UUID, *, holder: str, holder_is_dead: bool = False) -> int | None:
    """Take the number when nobody holds it, and return the new epoch; nothing when somebody does.

    `holder_is_dead` takes it from a holder whose process is known to be gone (same machine, no such process), without
    waiting for its lease to run out.
    """
    # Apart, and without naming a key: of several who ask first, an upsert would fail on the key that it does not name.
    await sql(
        """
        INSERT INTO channel_lease (channel_id, company_id, epoch, expires_at)
        VALUES (:channel, :company, 0, clock_timestamp()) ON CONFLICT DO NOTHING
        """,
        channel=channel_id,
        company=actor.company_id,
    )
    row = (
        await sql(
            """
                UPDATE channel_lease SET holder = :holder, host = :host, epoch = epoch + 1,
                    expires_at = clock_timestamp() + make_interval(secs => :seconds), seen_at = clock_timestamp(),
                    memory_bytes = NULL, loop_lag = NULL
                WHERE channel_id = :channel AND (holder IS NULL OR expires_at < clock_timestamp() OR :dead)
                RETURNING epoch
                """,
            channel=channel_id,
            holder=holder,
            host=os.uname().nodename,
            seconds=LEASE_SECONDS,
            dead=holder_is_dead,
        )
    ).one_or_none()
    return row[0] if row else None


async def lease_holder(actor: Actor, channel_id: UUID) -> str | None:
    """Who holds the number now, when the lease has not run out."""
    row = (
        await sql(
            "SELECT holder FROM channel_lease WHERE channel_id = :channel AND expires_at >= clock_timestamp()",
            channel=channel_id,
        )
    ).one_or_none()
    return row[0] if row else None


async def is_held(actor: Actor, channel_id: UUID) -> bool:
    """Whether a living process holds the number. For who has locked the number, whoever takes it after the answer speaks later."""
    holder = await lease_holder(actor, channel_id)
    return holder is not None and not process_identity.is_dead(holder)


async def renew_lease(
    actor: Actor,
    channel_id: UUID,
    *,
    epoch: int,
    heard_at: datetime | None = None,
    memory_bytes: int | None = None,
    loop_lag: float | None = None,
    acks: Acks = NO_ACKS,
) -> None:
    """The lease runs `LEASE_SECONDS` from now. What its holder tells of itself is kept: when it last heard the network, how
    much memory its process uses, how late its event loop woke up, and the sends that were acknowledged since the last renewal.

    Raises: LeaseLost.
    """
    result = await sql(
        """
            UPDATE channel_lease SET
                expires_at = clock_timestamp() + make_interval(secs => :seconds),
                seen_at = clock_timestamp(),
                heard_at = coalesce(:heard, heard_at),
                memory_bytes = coalesce(:memory, memory_bytes),
                loop_lag = coalesce(:loop_lag, loop_lag),
                acked_at = CASE WHEN :acked > 0 THEN clock_timestamp() ELSE acked_at END,
                acks = CASE WHEN :acked = 0 THEN acks ELSE (
                    SELECT array_agg(coalesce(before, 0) + coalesce(now, 0) ORDER BY place)
                    FROM unnest(acks, CAST(:acks AS bigint[])) WITH ORDINALITY AS t (before, now, place)) END,
                ack_seconds = ack_seconds + :ack_seconds
            WHERE channel_id = :channel AND epoch = :epoch AND holder IS NOT NULL
            """,
        channel=channel_id,
        epoch=epoch,
        seconds=LEASE_SECONDS,
        heard=heard_at,
        memory=memory_bytes,
        loop_lag=loop_lag,
        acked=sum(acks.counts),
        acks=list(acks.counts),
        ack_seconds=acks.seconds,
    )
    if result.rowcount != 1:
        raise LeaseLost


async def release_lease(actor: Actor, channel_id: UUID, *, epoch: int) -> None:
    """Nobody holds the number, if the caller still did; the epoch stays, so that the next one is higher."""
    await sql(
        "UPDATE channel_lease SET holder = NULL WHERE channel_id = :channel AND epoch = :epoch",
        channel=channel_id,
        epoch=epoch,
    )


async def check_epoch(channel_id: UUID, epoch: int) -> None:
    """The caller still holds the number, and will until its transaction ends. Raises: LeaseLost."""
    row = (
        await sql(
            "SELECT 1 FROM channel_lease WHERE channel_id = :channel AND epoch = :epoch AND holder IS NOT NULL FOR SHARE",
            channel=channel_id,
            epoch=epoch,
        )
    ).one_or_none()
    if row is None:
        raise LeaseLost
