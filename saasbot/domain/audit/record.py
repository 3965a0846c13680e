"""One line in the trail, in the transaction of what it tells of."""

import json
from typing import Any
from uuid import UUID

from saasbot.domain.audit.actions import Action
from saasbot.domain.audit.origin import Acting
from saasbot.infra.db import sql
from saasbot.models.audit import Outcome
from saasbot.models.table import utcnow


async def record(
    actor: Acting,
    action: Action,
    subject_id: UUID | str | int | None = None,
    *,
    outcome: Outcome = Outcome.DONE,
    **details: Any,
) -> None:
    """Who (`actor`), where from (its origin), did what to which thing. `details` are small JSON: names of things and of
    changed fields, never a secret, a phone number or what somebody wrote."""
    origin = actor.origin
    await sql(
        """
        INSERT INTO audit_event (company_id, at, user_id, user_name, via, session_id, network, action, outcome,
                                 subject_id, details)
        VALUES (:company, :at, :user_id, :user_name, :via, :session_id, :network, :action, :outcome, :subject,
                cast(:details AS jsonb))
        """,
        company=actor.company_id,
        at=utcnow(),
        user_id=actor.user_id,
        user_name=actor.name,
        via=origin.via.value,
        session_id=origin.session_id,
        network=origin.network,
        action=action,
        outcome=outcome.value,
        subject="" if subject_id is None else str(subject_id),
        details=json.dumps(details),
    )
