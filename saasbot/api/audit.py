"""`/api/v1/audit`: who did what in the company, for owners and administrators."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.domain.audit import AuditFilter, list_audit
from saasbot.infra.db import unit_of_work
from saasbot.models import AuditEvent, Outcome, Via

router = ApiRouter("audit")


class AuditOut(BaseModel):
    id: int
    at: datetime
    user_id: UUID | None
    user_name: str
    via: Via
    session_id: UUID | None
    network: str
    action: str
    outcome: Outcome
    subject_id: str
    details: dict[str, Any]

    @classmethod
    def of(cls, event: AuditEvent) -> "AuditOut":
        return cls.model_validate(event, from_attributes=True)


@router.get("")
async def list_events(
    actor: CurrentActor,
    page: CurrentPage,
    user_id: Annotated[UUID | None, Query(description="Only what this person did.")] = None,
    kind: Annotated[
        str | None, Query(max_length=20, description="Only what is of this kind: the word of `action` before its dot.")
    ] = None,
) -> Listing[AuditOut]:
    """Newest first, of the last 90 days. Nothing can be changed or removed."""
    after = page.after(int)
    async with unit_of_work(actor):
        found = await list_audit(
            actor, AuditFilter(user_id, kind), limit=page.limit + 1, before=after[0] if after else None
        )
    shown = found[: page.limit]
    more = len(found) > page.limit
    return Listing(
        data=[AuditOut.of(event) for event in shown], next_cursor=next_cursor(shown[-1].id or 0) if more else None
    )
