"""What people of a company try with a model: few at once and so many an hour, over connections of their own, so that customers' turns
never wait for a trial, nor one company's for another's.

The demo model answers in this process and costs nothing: it is tried without end.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from saasbot.agent.choice import KeyMissing, choose_model
from saasbot.agent.model import Models, trial_models
from saasbot.domain.accounts import limits
from saasbot.domain.accounts.limits import Limit, TooOften
from saasbot.domain.agent.turn import Turn
from saasbot.infra.errors import AppError
from saasbot.models import AiSource

AT_ONCE = 5
"""Of a company, in this process: ten companies whose models hang leave none of `SafeTransport`'s fifty connections."""
AN_HOUR = Limit("model_trial", 200, timedelta(hours=1))
"""Of a company, on all machines."""
_SOON = 5

_running: Counter[UUID] = Counter()


class TrialsAtOnce(AppError):
    """Details: `retry_after` in seconds."""

    code = "too_many_trials"
    status = 429
    message = "The AI model is still busy with your other trials. Try again in a moment."


class TrialsThisHour(AppError):
    """Details: `retry_after` in seconds."""

    code = "too_many_trials"
    status = 429
    message = "You have tried the AI model {most} times within an hour. Try again in {minutes} min."


@asynccontextmanager
async def trial(company_id: UUID) -> AsyncIterator[Models]:
    """One more trial of the company, as long as the block runs, through these connections. Counted before it begins.

    Raises: TrialsAtOnce, TrialsThisHour.
    """
    if _running[company_id] >= AT_ONCE:
        raise TrialsAtOnce(retry_after=_SOON)
    _running[company_id] += 1
    try:
        await _count(company_id)
        yield trial_models()
    finally:
        _running[company_id] -= 1
        if _running[company_id] <= 0:
            del _running[company_id]


@asynccontextmanager
async def trial_of(turn: Turn) -> AsyncIterator[Models]:
    """As `trial`, unless the turn costs nobody anything. Raises: TrialsAtOnce, TrialsThisHour."""
    if not _costs(turn):
        yield trial_models()
        return
    async with trial(turn.company.id) as models:
        yield models


def _costs(turn: Turn) -> bool:
    try:
        return choose_model(turn.company, bot_model=turn.bot.model).source != AiSource.DEMO
    except KeyMissing:  # nobody is asked
        return False


async def _count(company_id: UUID) -> None:
    try:
        await limits.spend_of_account(AN_HOUR, f"company {company_id}")
    except TooOften as error:
        raise TrialsThisHour(most=AN_HOUR.most, **error.details) from None
