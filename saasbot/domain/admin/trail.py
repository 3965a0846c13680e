"""Lines of the audit trail about people whose session or token is all that is known here."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from saasbot.domain.actor import Actor
from saasbot.domain.audit import Action, record
from saasbot.domain.audit.origin import Origin
from saasbot.infra.db import run
from saasbot.models import Outcome, UserAccount


async def record_of(
    user_id: UUID, company_id: UUID, action: Action, origin: Origin, *, outcome: Outcome = Outcome.DONE
) -> None:
    """Within the caller's transaction: this person did it, from there; their session or family is what it was done to."""
    name = (await run(select(col(UserAccount.name)).where(col(UserAccount.id) == user_id))).scalar() or ""
    await record(Actor(company_id, user_id, name, origin=origin), action, origin.session_id, outcome=outcome)
