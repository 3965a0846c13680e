"""`/api/v1/reports`: figures that name nobody."""

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.router import ApiRouter
from saasbot.domain.reports.days import read_day
from saasbot.infra.db import unit_of_work

router = ApiRouter("reports")


class DayOut(BaseModel):
    day: date
    conversations: int
    """In which a customer wrote."""
    answered: int
    by_bot: int
    response_seconds: float | None
    by_hour: list[int]
    """Messages of customers in each hour, on the company's clock."""


@router.get("/day")
async def day(
    actor: CurrentActor, day: Annotated[date | None, Query(description="A day that is over; yesterday.")] = None
) -> DayOut:
    """What a closed day was. It stays so when people of it are erased."""
    async with unit_of_work(actor):
        found, figures = await read_day(actor, day)
    return DayOut(
        day=found,
        conversations=figures.conversations,
        answered=figures.answered,
        by_bot=figures.by_bot,
        response_seconds=figures.response_seconds,
        by_hour=list(figures.by_hour),
    )
