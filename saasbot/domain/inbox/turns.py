"""Ask the agent for an answer: one turn waits per conversation, debounced.

`turn_due_at` says when it may run; each new message moves it, at most `MAX_WAIT` after the first. Only the message that
finds no turn waiting defers the job, in the same transaction; the job looks at `turn_due_at` when it starts.
"""

from datetime import timedelta

from saasbot.domain.actor import Actor
from saasbot.infra import jobs
from saasbot.infra.db import sql
from saasbot.infra.settings import settings
from saasbot.models import Channel, Conversation, ConversationStatus, Handler
from saasbot.models.table import utcnow

MAX_WAIT = timedelta(seconds=30)
LOST_AFTER = timedelta(minutes=5)
"""A turn that is this long overdue has lost its job; one too many would find nothing to do."""
TASK = "agent.turn"


async def ask_for_turns(actor: Actor, channel: Channel, conversations: list[Conversation]) -> None:
    """One turn waits for each of these locked conversations whose bot may answer a customer's newest message; where it is
    switched off, the conversation is open: it waits for a person."""
    unanswered = [c for c in conversations if _is_unanswered(c)]
    if not unanswered:
        return
    allowed = await _bot_may_answer(actor, channel)
    waiting = [c for c in unanswered if allowed and c.bot_enabled]
    for conversation in unanswered:
        if not (allowed and conversation.bot_enabled):
            conversation.status = ConversationStatus.OPEN
    new = [c for c in waiting if _schedule(c)]
    if new:
        await jobs.defer_together(TASK, [_turn(actor, c) for c in new])


async def _bot_may_answer(actor: Actor, channel: Channel) -> bool:
    """Company, number and bot are all switched on."""
    if not channel.bot_enabled or channel.bot_id is None:
        return False
    found = await sql(
        """
        SELECT 1 FROM company JOIN bot ON bot.company_id = company.id
        WHERE company.id = :company AND bot.id = :bot AND company.bot_enabled AND bot.enabled
        """,
        company=actor.company_id,
        bot=channel.bot_id,
    )
    return found.one_or_none() is not None


def _is_unanswered(conversation: Conversation) -> bool:
    """By arrival, not by clock: a message that WhatsApp dates before our last answer is unanswered all the same."""
    return conversation.handler == Handler.BOT and conversation.last_customer_seq > conversation.answered_seq


def _schedule(conversation: Conversation) -> bool:
    """Move the waiting turn; whether a job must be deferred because none waits."""
    now = utcnow()
    none_waits = conversation.turn_due_at is None or conversation.turn_due_at < now - LOST_AFTER
    since = now if none_waits else conversation.turn_waiting_since or now
    conversation.turn_waiting_since = since
    due = now + timedelta(milliseconds=settings().agent_debounce_ms)
    conversation.turn_due_at = min(due, since + MAX_WAIT)
    return none_waits


def _turn(actor: Actor, conversation: Conversation) -> jobs.Deferral:
    now = conversation.turn_due_at is not None and conversation.turn_due_at <= utcnow()
    return jobs.Deferral(
        {"company_id": str(actor.company_id), "conversation_id": str(conversation.id)},
        lock=f"conv:{conversation.id}",
        schedule_at=None if now else conversation.turn_due_at,
    )
