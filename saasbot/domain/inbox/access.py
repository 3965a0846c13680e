"""The only door to a conversation. An id whose conversation was joined with another one leads to that."""

from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session, sql
from saasbot.infra.errors import NotFound
from saasbot.models import Conversation


async def access_conversation(actor: Actor, conversation_id: UUID, *, lock: bool = False) -> Conversation:
    """The conversation, locked FOR NO KEY UPDATE on demand (messages may still be inserted meanwhile). Go on with its own id:
    it may be another one than was asked for.

    Raises: NotFound, for missing and foreign alike; Forbidden.
    """
    actor.require("inbox.read")
    conversation = await _find(actor, conversation_id, lock=lock)
    if conversation is None and (successor := await successor_of(actor, conversation_id)) is not None:
        conversation = await _find(actor, successor, lock=lock)
    if conversation is None:
        raise NotFound
    return conversation


async def _find(actor: Actor, conversation_id: UUID, *, lock: bool) -> Conversation | None:
    query = select(Conversation).where(Conversation.id == conversation_id, Conversation.company_id == actor.company_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session().exec(query)).one_or_none()


async def successor_of(actor: Actor, conversation_id: UUID) -> UUID | None:
    """The conversation with which this one was joined, and that with another, up to the one that is there now."""
    found = await sql(
        """
        WITH RECURSIVE way AS (
            SELECT CAST(:id AS uuid) AS id, 0 AS step
            UNION ALL
            SELECT m.into_id, way.step + 1 FROM way
            JOIN conversation_merge m ON m.company_id = :company AND m.from_id = way.id AND m.into_id <> m.from_id
            JOIN contact_merge p ON p.company_id = :company AND p.id = m.merge_id AND p.undone_at IS NULL
            WHERE way.step < 50
        )
        SELECT id FROM way WHERE step > 0 ORDER BY step DESC LIMIT 1
        """,
        id=conversation_id,
        company=actor.company_id,
    )
    return found.scalar_one_or_none()
