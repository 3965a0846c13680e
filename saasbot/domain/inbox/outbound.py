"""A message that leaves: the queued row is the outbox entry, written with whatever caused it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from saasbot.domain.channels.commands import wake_outbox
from saasbot.domain.inbox.preview import preview_of
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.models import Author, Conversation, Direction, Message, MessageStatus, MessageType
from saasbot.models.table import utcnow


async def add_outbound(
    conversation: Conversation,
    *,
    author: Author,
    type: MessageType = MessageType.TEXT,
    text: str = "",
    payload: dict[str, Any] | None = None,
    media_id: UUID | None = None,
    author_user_id: UUID | None = None,
    author_name: str = "",
    turn_id: UUID | None = None,
    client_token: str | None = None,
    quoted_wa_id: str | None = None,
    poll_secret: bytes | None = None,
) -> Message:
    """Queue a message of a locked conversation, wake its number and tell who looks. `seq` is set on return.

    The bot's messages carry the ownership they were written under, so that the outbox drops them when a person took over.
    """
    moment = utcnow()
    if moment <= conversation.last_activity_at:
        # WhatsApp's clock may be ahead of ours: an answer never sorts above what it answers
        moment = conversation.last_activity_at + timedelta(milliseconds=1)
    message = Message(
        company_id=conversation.company_id,
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        sort_at=moment,
        from_me=True,
        direction=Direction.OUTBOUND,
        author=author,
        author_user_id=author_user_id,
        author_name=author_name,
        type=type,
        text=text,
        payload=payload or {},
        media_id=media_id,
        status=MessageStatus.QUEUED,
        owner_epoch=conversation.owner_epoch,
        client_token=client_token,
        turn_id=turn_id,
        quoted_wa_id=quoted_wa_id,
        poll_secret=poll_secret,
    )
    session().add(message)
    await session().flush()
    set_last(conversation, message)
    await wake_outbox(conversation.channel_id)
    events.publish("conversation", company_id=conversation.company_id, conversation_id=conversation.id)
    return message


async def add_activity(conversation: Conversation, kind: str, *, author_name: str = "", **details: Any) -> Message:
    """A line in the thread that tells what happened ("Ana took over"); it never leaves, and is not a preview."""
    message = Message(
        company_id=conversation.company_id,
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        sort_at=max(utcnow(), conversation.last_activity_at),
        from_me=True,
        direction=Direction.OUTBOUND,
        author=Author.SYSTEM,
        author_name=author_name,
        type=MessageType.ACTIVITY,
        payload={"kind": kind, **details},
        status=MessageStatus.SENT,
    )
    session().add(message)
    await session().flush()
    return message


def set_last(conversation: Conversation, message: Message) -> None:
    conversation.last_activity_at = message.sort_at
    conversation.last_message_id = message.id
    conversation.last_preview = preview_of(message.type, message.text, message.payload)
    conversation.last_author = message.author
    conversation.last_type = message.type
    conversation.last_status = message.status
