"""Counts of what is asked, by network and by account: one row each, begun anew when its time is over."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete

from saasbot.infra.db import platform_unit_of_work, run
from saasbot.models import AttemptCount
from saasbot.models.table import utcnow


async def count_one(kind: str, whose: bytes, *, most: int, window: timedelta) -> datetime | None:
    """Count one more within `window` of the first. Returns when the count begins anew if it is full; then nothing was counted.

    Two at once are two: the row is locked by the statement that counts.
    """
    now = utcnow()
    over = col(AttemptCount.since) <= now - window
    one = insert(AttemptCount).values(kind=kind, whose=whose, since=now, count=1)
    async with platform_unit_of_work("count what a network or an account asks"):
        # begun anew first, so that what follows only has to add
        await run(delete(AttemptCount).where(_is(kind, whose), over))
        counted = await run(
            one.on_conflict_do_update(
                index_elements=["kind", "whose"],
                set_={"count": col(AttemptCount.count) + 1},
                where=col(AttemptCount.count) < most,
            ).returning(col(AttemptCount.count))
        )
        if counted.first() is not None:
            return None
        since = await run(select(col(AttemptCount.since)).where(_is(kind, whose)))
        return (since.scalar() or now) + window


async def uncount_one(kind: str, whose: bytes) -> None:
    """What was counted before it was judged turned out to be right."""
    async with platform_unit_of_work("give a counted request back"):
        await run(
            update(AttemptCount)
            .where(_is(kind, whose), col(AttemptCount.count) > 0)
            .values(count=col(AttemptCount.count) - 1)
        )


async def forget_counts(kinds: tuple[str, ...], whose: bytes) -> None:
    async with platform_unit_of_work("forget what was counted"):
        await run(delete(AttemptCount).where(col(AttemptCount.kind).in_(kinds), col(AttemptCount.whose) == whose))


def _is(kind: str, whose: bytes) -> ColumnElement[bool]:
    return (col(AttemptCount.kind) == kind) & (col(AttemptCount.whose) == whose)
