"""People who ask to be forgotten."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.router import ApiRouter
from saasbot.domain import privacy
from saasbot.infra.db import unit_of_work

contacts_router = ApiRouter("conversations")


class ErasureOut(BaseModel):
    id: UUID
    step: str
    """What is erased next: figures · files · rows · journal · sessions · done."""
    asked_at: datetime


@contacts_router.delete("/{conversation_id}/contact", status_code=202)
async def erase_contact(actor: CurrentActor, conversation_id: UUID) -> ErasureOut:
    """Everything of the contact of this conversation is erased, on every number, by a job. It cannot be undone."""
    async with unit_of_work(actor):
        erasure = await privacy.ask_erasure(actor, conversation_id)
    return ErasureOut(id=erasure.id, step=erasure.step, asked_at=erasure.created_at)
