"""The bot pauses while no model can be asked: the owner is told once, and it goes on by itself when one answers again."""

from datetime import timedelta
from typing import get_args
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.agent.turn import AiSettings, PausedReason
from saasbot.domain.companies.access import access_company
from saasbot.domain.companies.notices import clear_notice, open_notice
from saasbot.domain.inbox.ownership import hand_back
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models.table import utcnow

NOTICE = "ai_paused"
TRY_AGAIN_AFTER = timedelta(minutes=5)
"""A refused key is tried again with the first message after this long: it may have been paid for or unlocked."""


def still_paused(ai: AiSettings) -> bool:
    """Whether a turn must not even ask. A missing key, or a new day's allowance, is looked for every time; a refused key now and then."""
    if ai.paused_reason != "key_refused" or ai.paused_at is None:
        return False
    return utcnow() - ai.paused_at < TRY_AGAIN_AFTER


async def pause_ai(actor: Actor, *, reason: PausedReason, details: str = "") -> bool:
    """Remember that no model can answer for the company. Returns whether that is news: then the owner was told."""
    company = await access_company(actor, lock=True)
    news = company.ai_paused_reason != reason
    company.ai_paused_reason = reason
    company.ai_paused_at = utcnow()
    if news:
        await clear_notice(actor, NOTICE)
        await open_notice(actor, NOTICE, details={"reason": reason, "details": details[:300]})
        events.publish("company", company_id=actor.company_id)
    return news


async def resume_ai(actor: Actor) -> int:
    """A model answers, or another key is to be tried: the pause and its notice end, and the chats that only waited for that
    go back to the bot. Those in which a person has acted since stay with the team. Returns how many went back.
    """
    system = Actor.system(actor.company_id)
    company = await access_company(system, lock=True)
    if company.ai_paused_reason is None:
        return 0
    company.ai_paused_reason = company.ai_paused_at = None
    await clear_notice(system, NOTICE)
    events.publish("company", company_id=actor.company_id)
    waiting = await _waiting_for_a_model()
    for conversation_id in waiting:
        await hand_back(system, conversation_id)
    return len(waiting)


async def _waiting_for_a_model() -> list[UUID]:
    """Chats whose last change of ownership was the bot's hand-off for want of a model, untouched by people since."""
    rows = await sql(
        """
        SELECT c.id FROM conversation c JOIN message m ON m.conversation_id = c.id AND m.seq = c.owner_changed_seq
        WHERE c.handler = 'human' AND c.assignee_id IS NULL
          AND m.type = 'activity' AND m.payload->>'kind' = 'handed_off' AND m.payload->>'reason' = ANY(:reasons)
          AND NOT EXISTS (SELECT FROM message later WHERE later.conversation_id = c.id
                          AND later.seq > c.owner_changed_seq AND later.author IN ('agent', 'phone'))
        ORDER BY c.id
        """,
        reasons=list(get_args(PausedReason)),
    )
    return [row.id for row in rows]
