"""What a person typed and did not send: kept per conversation and person."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.access import access_conversation
from saasbot.infra.db import sql

MAX_DRAFT = 8192


async def save_draft(actor: Actor, conversation_id: UUID, *, text: str) -> None:
    """The draft is what was typed last; an empty one is none. Raises: Forbidden, NotFound."""
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    text = text.replace("\x00", "")[:MAX_DRAFT]
    if not text.strip():
        await drop_draft(actor, conversation.id)
        return
    await sql(
        """
        INSERT INTO draft (conversation_id, user_id, company_id, text, updated_at)
        VALUES (:conversation, :user, :company, :text, now())
        ON CONFLICT (conversation_id, user_id) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at
        """,
        conversation=conversation.id,
        user=actor.user_id,
        company=actor.company_id,
        text=text,
    )


async def read_draft(actor: Actor, conversation_id: UUID) -> str:
    row = (
        await sql(
            "SELECT text FROM draft WHERE conversation_id = :conversation AND user_id = :user AND company_id = :company",
            conversation=conversation_id,
            user=actor.user_id,
            company=actor.company_id,
        )
    ).one_or_none()
    return row[0] if row else ""


async def drop_draft(actor: Actor, conversation_id: UUID) -> None:
    if actor.user_id is not None:
        await sql(
            "DELETE FROM draft WHERE conversation_id = :conversation AND user_id = :user",
            conversation=conversation_id,
            user=actor.user_id,
        )
