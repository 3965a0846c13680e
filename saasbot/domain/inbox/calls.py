"""A call that was hung up on is answered in writing, when the number's owner wants that."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from saasbot.domain.inbox.incoming import IncomingMessage
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.infra.db import sql
from saasbot.models import Author, Channel, Conversation
from saasbot.models.table import utcnow

FRESH = timedelta(seconds=60)
"""A call that began longer ago is over: one of a time without connection is neither hung up on nor answered."""
_ONCE_IN = timedelta(hours=1)


def is_fresh(began_at: datetime) -> bool:
    return utcnow() - began_at <= FRESH


async def answer_calls(channel: Channel, calls: Sequence[tuple[Conversation, IncomingMessage]]) -> None:
    """Queue the owner's message for each caller, once an hour. Whoever a person has written with in that hour gets none: that
    person answers. The conversations are locked, and each call is told here only once."""
    if not channel.reject_calls or not channel.call_message:
        return
    for conversation, call in calls:
        if is_fresh(call.sent_at) and not await _is_answered(conversation):
            await add_outbound(
                conversation, author=Author.SYSTEM, text=channel.call_message, payload={"kind": "call_message"}
            )


async def _is_answered(conversation: Conversation) -> bool:
    found = await sql(
        """
        SELECT EXISTS (
            SELECT FROM message
            WHERE conversation_id = :conversation AND sort_at > :since AND direction = 'outbound' AND type <> 'activity'
              AND (author IN ('agent', 'phone') OR payload->>'kind' = 'call_message'))
        """,
        conversation=conversation.id,
        since=utcnow() - _ONCE_IN,
    )
    return bool(found.scalar_one())
