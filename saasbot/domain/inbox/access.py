"""The only door to a conversation."""

from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.models import Conversation


async def access_conversation(actor: Actor, conversation_id: UUID, *, lock: bool = False) -> Conversation:
    """The conversation, locked FOR NO KEY UPDATE on demand (messages may still be inserted meanwhile).

    Raises: NotFound, for missing and foreign alike; Forbidden.
    """
    actor.require("inbox.read")
    query = select(Conversation).where(Conversation.id == conversation_id, Conversation.company_id == actor.company_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    conversation = (await session().exec(query)).one_or_none()
    if conversation is None:
        raise NotFound
    return conversation
