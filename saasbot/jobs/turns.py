"""The job of a turn: one at a time per conversation, when the customer has stopped typing, answered at most once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from saasbot.agent.model import models
from saasbot.agent.turn import Thought, given_up, run_turn
from saasbot.domain.actor import Actor
from saasbot.domain.agent.claim import NotDue, claim_turn
from saasbot.domain.agent.commit import commit_turn
from saasbot.domain.agent.pause import pause_ai, resume_ai
from saasbot.domain.agent.turn import Turn
from saasbot.domain.channels.commands import set_typing
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.turns import TASK
from saasbot.infra import job_queue, jobs
from saasbot.infra.db import unit_of_work
from saasbot.infra.logging import get_logger
from saasbot.models import TurnOutcome
from saasbot.models.table import utcnow

log = get_logger(__name__)

TYPING_EVERY = 8.0
"""Seconds. A phone stops showing "typing…" by itself a little later than this."""


GIVE_UP_AFTER = 15
"""Tries. A turn that takes its process down each time goes to a person instead of being tried for ever."""


MAX_PER_COMPANY = 12
"""Turns of one company at once in this process: fewer than the worker takes (`worker.CONCURRENCY`), so that a company whose
model hangs leaves room for the others."""
_BUSY_WAIT = timedelta(seconds=1)
_thinking: Counter[UUID] = Counter()


class _WhenTheDatabaseIsBack(BaseRetryStrategy):
    """Try again, a little later each time: nothing but the database being away raises here."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:
        return RetryDecision(retry_in={"seconds": min(2 * job.attempts, 30)})


@job_queue.app.task(name=TASK, retry=_WhenTheDatabaseIsBack(), pass_context=True)
async def agent_turn(context: JobContext, company_id: str, conversation_id: str) -> str:
    """Answer what waits in the conversation. Returns how it ended, for the log.

    Everything that can go wrong with the model ends inside as a hand-off. What raises is the database being away: then the
    job is tried again, and as the answer is committed under the conversation's lock together with "answered", a job that is
    tried again, or taken from a worker that only seemed dead, answers nothing twice.
    """
    actor, conversation = Actor.system(UUID(company_id)), UUID(conversation_id)
    if _thinking[actor.company_id] >= MAX_PER_COMPANY:
        async with unit_of_work(actor):
            await _again(actor, conversation, NotDue(utcnow() + _BUSY_WAIT))
        return "busy"
    _thinking[actor.company_id] += 1
    try:
        return await _turn(actor, conversation, attempts=context.job.attempts)
    finally:
        _thinking[actor.company_id] -= 1
        if _thinking[actor.company_id] <= 0:
            del _thinking[actor.company_id]


async def _turn(actor: Actor, conversation: UUID, *, attempts: int) -> str:
    async with unit_of_work(actor):
        claimed = await claim_turn(actor, conversation)
        if isinstance(claimed, NotDue):
            await _again(actor, conversation, claimed)
            return "not_due"
    if claimed is None:
        return "nothing_to_do"
    if attempts >= GIVE_UP_AFTER:
        thought = given_up()
    else:
        async with _typing(actor, conversation):
            thought = await run_turn(claimed, models())
    outcome = await _finish(actor, claimed, thought)
    log.info(
        "agent.turn_finished",
        company_id=str(actor.company_id),
        conversation_id=str(conversation),
        outcome=outcome,
        model=thought.record.model,
        attempt=attempts,
    )
    return outcome


async def _finish(actor: Actor, turn: Turn, thought: Thought) -> TurnOutcome:
    async with unit_of_work(actor):
        outcome = await commit_turn(actor, turn, thought.answer, thought.record)
    # a transaction of its own: who changes the key locks the company first and conversations after
    if thought.paused is not None:
        async with unit_of_work(actor):
            if await pause_ai(actor, reason=thought.paused, details=thought.details):
                log.warning("agent.paused", company_id=str(actor.company_id), reason=thought.paused)
    elif turn.company.ai.paused_reason is not None and thought.record.answered:
        async with unit_of_work(actor):
            await resume_ai(actor)
    return outcome


async def _again(actor: Actor, conversation_id: UUID, wait: NotDue) -> None:
    """The customer went on writing: look again when they should have finished."""
    await jobs.defer(
        TASK,
        lock=f"conv:{conversation_id}",
        schedule_at=wait.at,
        company_id=str(actor.company_id),
        conversation_id=str(conversation_id),
    )


@asynccontextmanager
async def _typing(actor: Actor, conversation_id: UUID) -> AsyncIterator[None]:
    """Claiming has shown "typing…"; keep it on as long as the turn thinks. Committing clears it."""
    refreshing = asyncio.create_task(_keep_typing(actor, conversation_id), name=f"typing {conversation_id}")
    try:
        yield
    finally:
        refreshing.cancel()
        [ended] = await asyncio.gather(refreshing, return_exceptions=True)
        if not isinstance(ended, asyncio.CancelledError):
            log.warning("agent.typing_failed", conversation_id=str(conversation_id), error=repr(ended))


async def _keep_typing(actor: Actor, conversation_id: UUID) -> None:
    while True:
        await asyncio.sleep(TYPING_EVERY)
        async with unit_of_work(actor):
            await set_typing(await access_conversation(actor, conversation_id), on=True)
