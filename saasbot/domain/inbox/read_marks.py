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
    await read_all(conversation)
    events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)
    return conversation


async def read_all(conversation: Conversation) -> None:
    """Nothing of the locked conversation is unread, and the customer sees blue ticks on what was."""
    if conversation.unread == 0:
        return
    rows = await sql(
        """
        SELECT wa_id, author_jid FROM message
        WHERE company_id = :company AND conversation_id = :conversation AND direction = 'inbound' AND wa_id IS NOT NULL
            AND type <> 'activity'
        ORDER BY sort_at DESC, seq DESC LIMIT :most
        """,
        company=conversation.company_id,
        conversation=conversation.id,
        most=min(conversation.unread, _MOST),
    )
    by_author: dict[str | None, list[str]] = {}
    for row in rows.all()[::-1]:
        by_author.setdefault(row.author_jid, []).append(row.wa_id)
    for author_jid, wa_ids in by_author.items():
        await send_read_marks(conversation, wa_ids, author_jid=author_jid)
    conversation.unread = 0
