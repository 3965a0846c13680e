"""Who wrote: contacts and their addresses. A phone number and a LID of one message are one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session, sql
from saasbot.models import Contact, ContactIdentity, IdentityKind


@dataclass(frozen=True, slots=True)
class Address:
    """The addresses of one person, as one message gave them."""

    phone: str | None
    lid: str | None
    name: str = ""

    @property
    def keys(self) -> list[tuple[str, str]]:
        found = []
        if self.lid:
            found.append((IdentityKind.LID.value, self.lid))
        if self.phone:
            found.append((IdentityKind.PHONE.value, self.phone))
        return found


async def resolve_contacts(actor: Actor, addresses: Iterable[Address]) -> dict[Address, UUID]:
    """The contact of each address, created where nobody has it. A phone learned later joins the contact that had the LID.

    A name that WhatsApp tells fills an empty one; a name that the team gave stays.
    """
    wanted = list(dict.fromkeys(addresses))
    known = await _known(actor, wanted)
    if any(key not in known for address in wanted for key in address.keys):
        # one creator of contacts per company at a time: two numbers that hear of the same person make one contact
        await sql("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))", name=f"contacts:{actor.company_id}")
        known = await _known(actor, wanted)
        await _create(actor, wanted, known)
    resolved = {address: known[address.keys[0]] for address in wanted}
    await _learn_names(actor, resolved)
    return resolved


async def _known(actor: Actor, addresses: list[Address]) -> dict[tuple[str, str], UUID]:
    keys = [key for address in addresses for key in address.keys]
    query = select(ContactIdentity.kind, ContactIdentity.value, ContactIdentity.contact_id).where(
        ContactIdentity.company_id == actor.company_id,
        tuple_(col(ContactIdentity.kind), col(ContactIdentity.value)).in_(keys),
    )
    return {(str(kind), value): contact_id for kind, value, contact_id in (await session().exec(query)).all()}


async def _create(actor: Actor, addresses: list[Address], known: dict[tuple[str, str], UUID]) -> None:
    """Fill `known` for every address, inserting contacts and identities."""
    contacts: list[Contact] = []
    identities: list[dict[str, object]] = []
    for address in addresses:
        contact_id = next((known[key] for key in address.keys if key in known), None)
        if contact_id is None:
            contact = Contact(company_id=actor.company_id, name=address.name)
            contacts.append(contact)
            contact_id = contact.id
        for key in address.keys:
            if key not in known:
                known[key] = contact_id
                identity = ContactIdentity(
                    company_id=actor.company_id, contact_id=contact_id, kind=IdentityKind(key[0]), value=key[1]
                )
                identities.append(identity.model_dump())
    session().add_all(contacts)
    await session().flush()
    if identities:
        await session().execute(insert(ContactIdentity), identities)


async def _learn_names(actor: Actor, resolved: dict[Address, UUID]) -> None:
    names = {contact_id: address.name for address, contact_id in resolved.items() if address.name}
    if not names:
        return
    query = select(Contact).where(col(Contact.id).in_(names), col(Contact.named_by_team).is_(False))
    for contact in (await session().exec(query)).all():
        if contact.name != names[contact.id]:
            contact.name = names[contact.id]
