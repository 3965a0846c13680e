"""What is queued and shall not leave: it fails where it stands, and whoever looks at its chat sees why."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra import events
from saasbot.infra.db import sql


async def drop_queued_of_channel(actor: Actor, channel_id: UUID, *, error: str) -> None:
    """Messages and acts that nobody will send any more. Call it before the number is locked: the outbox locks a message, its
    conversation and the number in this order."""
    await _drop(actor, "channel_id = :channel", error=error, channel=channel_id)
    acts = await sql(
        "UPDATE outgoing_act SET status = 'failed', error = :error"
        " WHERE company_id = :company AND channel_id = :channel AND status = 'queued' RETURNING conversation_id",
        company=actor.company_id,
        channel=channel_id,
        error=error,
    )
    for conversation_id in set(acts.scalars()):
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)


async def drop_queued_message(actor: Actor, conversation_id: UUID, message_id: UUID, *, error: str) -> bool:
    """Whether it was queued still, and so is dropped. Call it before the conversation is locked, for the same reason."""
    return await _drop(
        actor,
        "id = :message AND conversation_id = :conversation",
        error=error,
        message=message_id,
        conversation=conversation_id,
    )


async def _drop(actor: Actor, which: str, *, error: str, **values: UUID) -> bool:
    """Whether any was queued still. What the holder of the number has taken is not: of both the first one wins."""
    rows = (
        await sql(
            f"""
            UPDATE message SET status = 'failed', error = :error, held_until = NULL, held_reason = NULL
            WHERE company_id = :company AND status = 'queued' AND {which} RETURNING id, conversation_id
            """,  # noqa: S608  # fixed fragments
            company=actor.company_id,
            error=error,
            **values,
        )
    ).all()
    if not rows:
        return False
    conversations = {row.conversation_id for row in rows}
    await sql(
        """
        UPDATE conversation c SET last_status = 'failed' FROM (
            SELECT id FROM conversation WHERE company_id = :company AND id = ANY(:conversations)
            AND last_message_id = ANY(:messages) ORDER BY id FOR NO KEY UPDATE
        ) listed WHERE c.id = listed.id
        """,
        company=actor.company_id,
        conversations=list(conversations),
        messages=[row.id for row in rows],
    )
    for conversation_id in conversations:
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
    return True
