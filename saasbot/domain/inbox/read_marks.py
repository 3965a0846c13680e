"""A person of the team has seen what the customer wrote."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import send_read_marks
from saasbot.domain.inbox.access import access_conversation
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models import Conversation

_MOST = 50
"""Phones mark everything above the newest as read too."""


async def mark_read(actor: Actor, conversation_id: UUID) -> Conversation:
    """Nothing is unread, and the customer sees blue ticks. Twice is once.

    Raises: Forbidden, NotFound.
    """
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    if conversation.unread == 0:
        return conversation
    rows = await sql(
        """
        SELECT wa_id FROM message
        WHERE company_id = :company AND conversation_id = :conversation AND direction = 'inbound' AND wa_id IS NOT NULL
            AND type <> 'activity'
        ORDER BY sort_at DESC, seq DESC LIMIT :most
        """,
        company=actor.company_id,
        conversation=conversation.id,
        most=min(conversation.unread, _MOST),
    )
    await send_read_marks(conversation, [wa_id for (wa_id,) in rows][::-1])
    conversation.unread = 0
    events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)
    return conversation
