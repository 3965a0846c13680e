"""What a chat does not show (an album's header, a timer that was set), where it could not be read at first: a placeholder stands
for it, and becomes a line that nobody need read."""

from typing import Any

from saasbot.domain.inbox.incoming import IncomingMessage
from saasbot.domain.inbox.newest import show_newest
from saasbot.infra.db import sql
from saasbot.models import Channel, Conversation, ConversationStatus, Handler


async def without_nothings(channel: Channel, messages: list[IncomingMessage]) -> list[IncomingMessage]:
    """The messages, and of what a chat does not show only that for which a placeholder stands. One that came in the same go is
    not stored at all."""
    nothings = {(message.wa_id, message.from_me, message.author_jid) for message in messages if message.is_nothing}
    if not nothings:
        return messages
    found = await sql(
        """
        SELECT wa_id FROM message WHERE channel_id = :channel AND wa_id = ANY(:ids)
        AND type = 'unsupported' AND payload->>'kind' = 'undecryptable'
        """,
        channel=channel.id,
        ids=[wa_id for wa_id, _, _ in nothings],
    )
    awaited = set(found.scalars())
    return [
        message
        for message in messages
        if message.wa_id in awaited
        or not (message.is_nothing or message.is_placeholder)
        or (message.wa_id, message.from_me, message.author_jid) not in nothings
    ]


async def take_off(conversation: Conversation, row: dict[str, Any]) -> None:
    """What stood for a message (`row`) is none: it is not unread, nor the last of its locked chat. Of several the newest first."""
    newer = await sql(
        """
        SELECT count(*) FROM (
            SELECT FROM message WHERE company_id = :company AND conversation_id = :chat AND sort_at > :at
            AND direction = 'inbound' AND (type <> 'activity' OR payload->>'kind' = 'missed_call') LIMIT :unread) AS found
        """,
        company=conversation.company_id,
        chat=conversation.id,
        at=row["sort_at"],
        unread=conversation.unread,
    )
    if not row["from_me"] and conversation.unread > newer.scalar_one():
        conversation.unread -= 1
    if conversation.last_message_id == row["id"]:
        await show_newest(conversation)
    is_answered = conversation.last_customer_seq <= conversation.answered_seq
    if conversation.handler == Handler.BOT and conversation.status == ConversationStatus.OPEN and is_answered:
        conversation.status = ConversationStatus.PENDING  # the placeholder had opened it, for a person to see to it
