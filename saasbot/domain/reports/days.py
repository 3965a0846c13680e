"""A closed day in figures. They outlive the people they were counted from: before somebody is erased, the days they wrote on are
written down."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.reports.today import Figures, figures_between
from saasbot.infra.db import run, session, sql
from saasbot.infra.errors import InvalidInput
from saasbot.models import Company, DayFigures


async def read_day(actor: Actor, day: date | None = None) -> tuple[date, Figures]:
    """A day of the past on the company's clock, yesterday when none is named.

    Raises: Forbidden, InvalidInput (the day is not over).
    """
    actor.require("inbox.read")
    zone = await _zone(actor)
    today = datetime.now(zone).date()
    day = day or today - timedelta(days=1)
    if not date(2000, 1, 1) <= day < today:
        raise InvalidInput("day", "Choose a day that is over.")
    query = select(DayFigures).where(DayFigures.company_id == actor.company_id, DayFigures.day == day)
    kept = (await session().exec(query)).one_or_none()
    if kept is None:
        return day, await _count(actor, day, zone)
    return day, Figures(kept.conversations, kept.answered, kept.by_bot, kept.response_seconds, tuple(kept.by_hour))


async def keep_days_of(actor: Actor, contact_id: UUID) -> int:
    """The figures of every closed day on which something was written in the chats of this contact are kept as they are now.
    Those that are kept already stay. Returns how many days there are."""
    zone = await _zone(actor)
    rows = await sql(
        """
        SELECT DISTINCT CAST(m.created_at AT TIME ZONE :zone AS date) AS day
        FROM conversation c JOIN message m ON m.conversation_id = c.id
        WHERE c.company_id = :company AND c.contact_id = :contact AND m.seq > 0
        EXCEPT SELECT day FROM day_figures WHERE company_id = :company
        """,
        company=actor.company_id,
        contact=contact_id,
        zone=zone.key,
    )
    days = [day for day in rows.scalars() if day < datetime.now(zone).date()]
    for day in sorted(days):
        figures = await _count(actor, day, zone)
        await run(
            insert(DayFigures)
            .values(
                company_id=actor.company_id,
                day=day,
                conversations=figures.conversations,
                answered=figures.answered,
                by_bot=figures.by_bot,
                response_seconds=figures.response_seconds,
                by_hour=list(figures.by_hour),
            )
            .on_conflict_do_nothing()
        )
    return len(days)


async def _zone(actor: Actor) -> ZoneInfo:
    return ZoneInfo((await session().get_one(Company, actor.company_id)).timezone)


async def _count(actor: Actor, day: date, zone: ZoneInfo) -> Figures:
    start, end = (datetime.combine(day + timedelta(days=more), time(), zone).astimezone(UTC) for more in (0, 1))
    return await figures_between(actor, start, end, zone.key)
