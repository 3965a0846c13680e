"""What no person typed was to leave much too late, because a number's limit is reached or it was away: it is dropped, and its chat
waits for a person."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.holding import LIMITS, TOO_LATE
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.ownership import hand_off
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models import Author, MessageStatus

REASON = "limit_reached"
TOO_LATE_REASON = "answer_too_late"

_HELD = """
    h.status = 'queued' AND h.author <> 'agent' AND h.held_reason = ANY(:limits)
    AND h.held_until > greatest(clock_timestamp(), h.created_at + :too_late)
"""
"""SQL, of a message `h`: a limit of its number holds it for too long."""


async def chats_held_too_long(actor: Actor, channel_id: UUID) -> list[UUID]:
    rows = await sql(
        f"SELECT DISTINCT h.conversation_id FROM message h WHERE h.channel_id = :channel AND {_HELD} ORDER BY 1",  # noqa: S608
        channel=channel_id,
        limits=list(LIMITS),
        too_late=TOO_LATE,
    )
    return list(rows.scalars())


async def give_up_waiting(actor: Actor, conversation_id: UUID) -> None:
    """What no person typed in this chat fails (`limit_reached`), if a limit still holds it for too long and no person's message
    waits behind it; and the team has the chat when the bot had it. Twice is once. Raises: NotFound."""
    conversation = await access_conversation(actor, conversation_id, lock=True)
    # one that the outbox takes at this very moment is not waited for: it locks messages before their conversation
    dropped = await sql(
        f"""
        UPDATE message SET status = 'failed', error = :reason, held_until = NULL, held_reason = NULL WHERE id IN (
            SELECT m.id FROM message m WHERE m.conversation_id = :conversation AND m.status = 'queued' AND m.author <> 'agent'
              AND EXISTS (SELECT FROM message h WHERE h.conversation_id = :conversation AND {_HELD})
              AND NOT EXISTS (
                  SELECT FROM message p WHERE p.conversation_id = :conversation AND p.status = 'queued' AND p.author = 'agent')
            FOR UPDATE SKIP LOCKED)
        RETURNING id, author
        """,  # noqa: S608  # fixed fragments
        conversation=conversation.id,
        reason=REASON,
        limits=list(LIMITS),
        too_late=TOO_LATE,
    )
    authors = {row.id: row.author for row in dropped.all()}
    if not authors:
        return
    if conversation.last_message_id in authors:
        conversation.last_status = MessageStatus.FAILED
    if Author.BOT in authors.values():
        await hand_off(actor, conversation, reason=REASON)
    events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)


async def leave_to_team(actor: Actor, message_id: UUID) -> None:
    """The team has the chat in which this answer of the bot was too old to leave, unless something was written there since. Twice
    is once."""
    failed = await sql(
        "SELECT conversation_id FROM message WHERE id = :id AND author = 'bot' AND status = 'failed'", id=message_id
    )
    row = failed.one_or_none()
    if row is None:
        return
    conversation = await access_conversation(actor, row.conversation_id, lock=True)
    if conversation.last_message_id == message_id:
        await hand_off(actor, conversation, reason=TOO_LATE_REASON)
