"""The bot pauses while no model can be asked: the owner is told once, and it goes on by itself when a key works again."""

from datetime import timedelta
from typing import get_args

from saasbot.domain.actor import Actor
from saasbot.domain.agent.turn import AiSettings, PausedReason
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.ownership import hand_back
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models.table import new_id, utcnow

NOTICE = "ai_paused"
TRY_AGAIN_AFTER = timedelta(minutes=5)
"""A refused key is tried again with the first message after this long: it may have been paid for or unlocked."""


def still_paused(ai: AiSettings) -> bool:
    """Whether a turn must not even ask. A missing key is looked for every time; a refused one now and then."""
    if ai.paused_reason != "key_refused" or ai.paused_at is None:
        return False
    return utcnow() - ai.paused_at < TRY_AGAIN_AFTER


async def pause_ai(actor: Actor, *, reason: PausedReason, details: str = "") -> bool:
    """Remember that no model can answer for the company. Returns whether that is news: then the owner was told."""
    news = (
        await sql(
            "UPDATE company SET ai_paused_reason = :reason, ai_paused_at = :now "
            "WHERE id = :company AND ai_paused_reason IS DISTINCT FROM :reason RETURNING id",
            reason=reason,
            now=utcnow(),
            company=actor.company_id,
        )
    ).one_or_none()
    if news is None:
        await sql("UPDATE company SET ai_paused_at = :now WHERE id = :company", now=utcnow(), company=actor.company_id)
        return False
    await sql(
        "UPDATE notice SET cleared_at = :now WHERE kind = :kind AND cleared_at IS NULL", now=utcnow(), kind=NOTICE
    )
    await sql(
        "INSERT INTO notice (id, created_at, company_id, kind, subject, details) "
        "VALUES (:id, :now, :company, :kind, '', jsonb_build_object('reason', CAST(:reason AS text), "
        "'details', CAST(:details AS text)))",
        id=new_id(),
        now=utcnow(),
        company=actor.company_id,
        kind=NOTICE,
        reason=reason,
        details=details[:300],
    )
    events.publish("company", company_id=actor.company_id)
    return True


async def resume_ai(actor: Actor) -> int:
    """A key works: the pause and its notice end, and the chats that only waited for that go back to the bot.

    Chats in which a person has acted since stay with the team. Returns how many went back.
    """
    resumed = (
        await sql(
            "UPDATE company SET ai_paused_reason = NULL, ai_paused_at = NULL "
            "WHERE id = :company AND ai_paused_reason IS NOT NULL RETURNING id",
            company=actor.company_id,
        )
    ).one_or_none()
    if resumed is None:
        return 0
    await sql(
        "UPDATE notice SET cleared_at = :now WHERE kind = :kind AND cleared_at IS NULL", now=utcnow(), kind=NOTICE
    )
    events.publish("company", company_id=actor.company_id)
    waiting = await _waiting_for_a_key()
    for conversation_id in waiting:
        conversation = await access_conversation(actor, conversation_id, lock=True)
        await hand_back(actor, conversation.id)
    return len(waiting)


async def _waiting_for_a_key() -> list:
    """Chats whose last change of ownership was the bot's hand-off for want of a key, untouched by people since."""
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
