"""`/merges`: contacts that turned out to be one person. Their id is in the thread, in the line of kind `joined`."""

from uuid import UUID

from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.conversations import ConversationOut
from saasbot.api.router import ApiRouter
from saasbot.domain.inbox.part import undo_merge
from saasbot.domain.inbox.reads import read_conversations
from saasbot.infra.db import unit_of_work

router = ApiRouter("merges")


class PartedOut(BaseModel):
    conversations: list[ConversationOut]
    """Those of both people, on every number concerned."""


@router.post("/{merge_id}/undo")
async def undo(actor: CurrentActor, merge_id: UUID) -> PartedOut:
    """They are two people again, and are not joined again by themselves. Possible for 30 days."""
    async with unit_of_work(actor):
        ids = [conversation.id for conversation in await undo_merge(actor, merge_id)]
        found = await read_conversations(actor, ids)
    return PartedOut(conversations=[ConversationOut.of(found[id]) for id in ids if id in found])
