"""Counts of what is asked, by network, by account and by company: one row each, begun anew when its time is over."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete

from saasbot.infra.db import platform_unit_of_work, run
from saasbot.models import AttemptCount
from saasbot.models.table import utcnow


async def count_one(kind: str, whose: bytes, *, most: int, window: timedelta, amount: int = 1) -> datetime | None:
    """Count one more, of this `amount`, within `window` of the first. Returns when the count begins anew if it is full; then nothing
    was counted.

    Two at once are two: the row is locked by the statement that counts.
    """
    now = utcnow()
    over = col(AttemptCount.since) <= now - window
    one = insert(AttemptCount).values(kind=kind, whose=whose, since=now, count=amount)
    async with platform_unit_of_work("count what a network, an account or a company asks"):
        # begun anew first, so that what follows only has to add
        await run(delete(AttemptCount).where(_is(kind, whose), over))
        counted = await run(
            one.on_conflict_do_update(
                index_elements=["kind", "whose"],
                set_={"count": col(AttemptCount.count) + amount},
                where=col(AttemptCount.count) < most,
            ).returning(col(AttemptCount.count))
        )
        if counted.first() is not None:
            return None
        since = await run(select(col(AttemptCount.since)).where(_is(kind, whose)))
        return (since.scalar() or now) + window


async def uncount_one(kind: str, whose: bytes) -> None:
    """What was counted before it was judged turned out to be right."""
    await correct_count(kind, whose, by=-1)


async def correct_count(kind: str, whose: bytes, *, by: int) -> None:
    """What was counted beforehand turned out to be this much more, or less."""
    async with platform_unit_of_work("correct what was counted beforehand"):
        await run(
            update(AttemptCount).where(_is(kind, whose)).values(count=func.greatest(col(AttemptCount.count) + by, 0))
        )


async def forget_counts(kinds: tuple[str, ...], whose: bytes) -> None:
    async with platform_unit_of_work("forget what was counted"):
        await run(delete(AttemptCount).where(col(AttemptCount.kind).in_(kinds), col(AttemptCount.whose) == whose))


def _is(kind: str, whose: bytes) -> ColumnElement[bool]:
    return (col(AttemptCount.kind) == kind) & (col(AttemptCount.whose) == whose)
