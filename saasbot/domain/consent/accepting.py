"""A person of a team accepts the terms: as they register, as they accept an invitation, or when there is a newer version."""

from typing import ClassVar
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.infra.errors import AppError
from saasbot.models import ConsentSource, Purpose
from saasbot.models.table import new_id, utcnow


class TermsChanged(AppError):
    code: ClassVar[str] = "terms_changed"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "These are not the terms that count now. Load the page again and read them."


async def note_terms(company_id: UUID, user_id: UUID, *, source: ConsentSource, network: str) -> None:
    """Within the caller's transaction, which writes the version to the account too: they accepted the terms that count now.

    `network`: theirs, as `throttle.network_of` writes it; empty where this installation itself makes the account.
    """
    await sql(
        """
        INSERT INTO consent (id, created_at, company_id, user_id, purpose, granted, text_version, network, address, source)
        VALUES (:id, :now, :company, :user, :purpose, true, :version, :network, '', :source)
        """,
        id=new_id(),
        now=utcnow(),
        company=company_id,
        user=user_id,
        purpose=Purpose.TERMS.value,
        version=CURRENT,
        network=network,
        source=source.value,
    )


async def accept_terms(actor: Actor, *, version: str) -> None:
    """The person who acts has accepted the terms that were on their screen. Twice is once.

    Raises: Forbidden (nobody acts), TermsChanged (others count by now).
    """
    user_id = actor.person_id
    if version != CURRENT:
        raise TermsChanged
    written = await sql(
        "UPDATE user_account SET terms_version = :version, terms_accepted_at = :now "
        "WHERE id = :user AND terms_version < :version",
        user=user_id,
        version=version,
        now=utcnow(),
    )
    if written.rowcount == 0:
        return
    await note_terms(actor.company_id, user_id, source=ConsentSource.BANNER, network=actor.origin.network)
    await record(actor, "person.terms_accepted", user_id, version=version)
    events.publish("session", company_id=actor.company_id, user=user_id)
