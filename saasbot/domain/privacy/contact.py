"""A contact is to be forgotten: what goes, and the wish itself. The work is a job's (`steps.py`)."""

from dataclasses import dataclass
from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.privacy.steps import ERASE_TASK
from saasbot.infra import jobs
from saasbot.infra.db import session, sql
from saasbot.models import Contact, ContactErasure, ErasureStep


@dataclass(frozen=True, slots=True)
class ContactSummary:
    """What would go."""

    contact_id: UUID
    name: str
    phone: str
    """Digits, empty when WhatsApp hides it."""
    conversations: int
    messages: int
    files: int


async def summarise_contact(actor: Actor, conversation_id: UUID) -> ContactSummary:
    """Whom this conversation is with, and how much there is of them on all numbers.

    Raises: Forbidden, NotFound.
    """
    actor.require("contacts.erase")
    conversation = await access_conversation(actor, conversation_id)
    contact = await session().get_one(Contact, conversation.contact_id)
    row = (
        await sql(
            """
            SELECT (SELECT min(value) FROM contact_identity i WHERE i.company_id = :company AND i.contact_id = :contact
                    AND i.kind = 'phone') AS phone,
                count(DISTINCT c.id) AS conversations, count(m.id) AS messages, count(m.media_id) AS files
            FROM conversation c LEFT JOIN message m ON m.conversation_id = c.id
            WHERE c.company_id = :company AND c.contact_id = :contact
            """,
            company=actor.company_id,
            contact=contact.id,
        )
    ).one()
    return ContactSummary(contact.id, contact.name, row.phone or "", row.conversations, row.messages, row.files)


async def ask_erasure(actor: Actor, conversation_id: UUID) -> ContactErasure:
    """The contact of this conversation is forgotten from now on, by a job: everything of them on every number. Twice is once.

    Raises: Forbidden, NotFound.
    """
    actor.require("contacts.erase")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    contact_id = conversation.contact_id
    running = select(ContactErasure).where(
        ContactErasure.company_id == actor.company_id,
        ContactErasure.contact_id == contact_id,
        ContactErasure.step != ErasureStep.DONE,
    )
    if (known := (await session().exec(running)).one_or_none()) is not None:
        return known
    addresses = await sql(
        "SELECT kind || ':' || value FROM contact_identity WHERE company_id = :company AND contact_id = :contact ORDER BY 1",
        company=actor.company_id,
        contact=contact_id,
    )
    erasure = ContactErasure(
        company_id=actor.company_id, contact_id=contact_id, asked_by=actor.user_id, addresses=addresses.scalars()
    )
    session().add(erasure)
    await session().flush()
    await record(actor, "contact.erasure_asked", contact_id)
    await jobs.defer(ERASE_TASK, company_id=str(actor.company_id), erasure_id=str(erasure.id))
    return erasure
