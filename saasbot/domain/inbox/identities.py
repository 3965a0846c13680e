"""Whose chat it is: contacts and their addresses. Addresses that WhatsApp names together are one person's; a group is a
contact of its own, which is never joined with another."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.merge import merge_contacts, were_parted
from saasbot.infra.db import sql
from saasbot.models import IdentityKind
from saasbot.models.table import new_id

Key = tuple[str, str]
"""(kind, digits) of an identity."""


@dataclass(frozen=True, slots=True)
class Address:
    """The addresses of one person, as one message gave them; or a group."""

    phone: str | None
    lid: str | None
    name: str = ""
    under: IdentityKind = IdentityKind.LID
    """Which of both it came under: where people were parted, the contact of that one is meant."""
    also: str | None = None
    """Another form of the phone number that WhatsApp says is the same."""
    group: str | None = None
    """The id of the group that is meant, alone."""

    @property
    def keys(self) -> list[Key]:
        if self.group:
            return [(IdentityKind.GROUP.value, self.group)]
        found = []
        if self.lid:
            found.append((IdentityKind.LID.value, self.lid))
        if self.phone:
            found.append((IdentityKind.PHONE.value, self.phone))
        if self.also:
            found.append((IdentityKind.PHONE.value, self.also))
        return sorted(found, key=lambda key: key[0] != self.under)


def kind_of_chat(chat_jid: str) -> IdentityKind:
    """Which address of a person a chat is under."""
    return IdentityKind.LID if chat_jid.endswith("@lid") else IdentityKind.PHONE


async def resolve_contacts(actor: Actor, addresses: Iterable[Address]) -> dict[Address, UUID]:
    """The contact of each address, created where nobody has it. An address learned later joins the contact that had the other;
    where each has a contact already, those are merged, unless a person has parted them before.

    A name that WhatsApp tells fills an empty one; a name that the team gave stays. The caller holds no conversation and no
    message.
    """
    wanted = list(dict.fromkeys(addresses))
    known = await _known(actor, wanted)
    created: set[UUID] = set()
    while any(key not in known for address in wanted for key in address.keys):
        created |= await _create(actor, wanted, known)
        known = await _known(actor, wanted)
        if await _join(actor, wanted, known, created):
            known = await _known(actor, wanted)
    for address in wanted:
        if await _merge(actor, address, known):
            known = await _known(actor, wanted)
    resolved = {address: known[address.keys[0]][0] for address in wanted}
    stale = {
        contact_id: address.name
        for address, contact_id in resolved.items()
        if address.name and known[address.keys[0]][1] != address.name
    }
    await _learn_names(actor, stale)
    return resolved


async def _known(actor: Actor, addresses: list[Address]) -> dict[Key, tuple[UUID, str]]:
    """Contact and its name by identity."""
    keys = sorted({key for address in addresses for key in address.keys})
    rows = await sql(
        """
        SELECT i.kind, i.value, i.contact_id, c.name
        FROM contact_identity i JOIN contact c ON c.id = i.contact_id
        WHERE i.company_id = :company
          AND (i.kind, i.value) IN (SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])))
        """,
        company=actor.company_id,
        kinds=[kind for kind, _ in keys],
        values=[value for _, value in keys],
    )
    return {(row.kind, row.value): (row.contact_id, row.name) for row in rows.all()}


async def _create(actor: Actor, addresses: list[Address], known: dict[Key, tuple[UUID, str]]) -> set[UUID]:
    """Insert contacts and identities that are missing. Returns the contacts that are new.

    Another number may hear of the same person at this instant: the unique identity decides, and the contact that lost is
    removed. Keys are inserted in order, so that two such transactions wait for each other and never in a circle.
    """
    contacts: dict[UUID, str] = {}
    owner: dict[Key, UUID] = {}
    for address in addresses:
        contact_id = next((known[key][0] for key in address.keys if key in known), None)
        contact_id = contact_id or next((owner[key] for key in address.keys if key in owner), None)
        if contact_id is None:
            contact_id = new_id()
            contacts[contact_id] = address.name
        for key in address.keys:
            if key not in known:
                owner.setdefault(key, contact_id)
    await sql(
        """
        INSERT INTO contact (id, company_id, created_at, name, named_by_team)
        SELECT id, :company, now(), name, false FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[])) AS n(id, name)
        """,
        company=actor.company_id,
        ids=list(contacts),
        names=list(contacts.values()),
    )
    keys = sorted(owner)
    await sql(
        """
        INSERT INTO contact_identity (id, company_id, created_at, contact_id, kind, value)
        SELECT id, :company, now(), contact_id, kind, value
        FROM unnest(CAST(:ids AS uuid[]), CAST(:contacts AS uuid[]), CAST(:kinds AS text[]), CAST(:values AS text[]))
            AS n(id, contact_id, kind, value)
        ON CONFLICT (company_id, kind, value) DO NOTHING
        """,
        company=actor.company_id,
        ids=[new_id() for _ in keys],
        contacts=[owner[key] for key in keys],
        kinds=[kind for kind, _ in keys],
        values=[value for _, value in keys],
    )
    await sql(
        """
        DELETE FROM contact c WHERE c.id = ANY(:ids)
        AND NOT EXISTS (SELECT FROM contact_identity i WHERE i.company_id = c.company_id AND i.contact_id = c.id)
        """,
        ids=list(contacts),
    )
    return set(contacts)


async def _join(actor: Actor, addresses: list[Address], known: dict[Key, tuple[UUID, str]], created: set[UUID]) -> bool:
    """Somebody else has just made a contact of one address of a person, and we one of the other: theirs is the person, and
    ours, which nobody has seen yet, goes. Whether there was such a case."""
    into: dict[UUID, UUID] = {}
    for address in addresses:
        owners = {known[key][0] for key in address.keys if key in known}
        theirs = owners - created
        if theirs:
            into |= {ours: min(theirs) for ours in owners & created}
    for ours, theirs in into.items():
        await sql(
            "UPDATE contact_identity SET contact_id = :theirs WHERE company_id = :company AND contact_id = :ours",
            company=actor.company_id,
            ours=ours,
            theirs=theirs,
        )
        await sql("DELETE FROM contact WHERE company_id = :company AND id = :ours", company=actor.company_id, ours=ours)
    return bool(into)


async def _merge(actor: Actor, address: Address, known: dict[Key, tuple[UUID, str]]) -> bool:
    """Several contacts have the addresses of this one person: they become one. Whether that changed anything."""
    owners = list(dict.fromkeys(known[key][0] for key in address.keys))
    seen_as = [f"{kind}:{value}" for kind, value in address.keys]
    changed = False
    for other in owners[1:]:
        if not await were_parted(actor, owners[0], other, seen_as=seen_as):
            owners[0] = await merge_contacts(actor, owners[0], other, seen_as=seen_as) or owners[0]
            changed = True
    return changed


async def _learn_names(actor: Actor, names: dict[UUID, str]) -> None:
    if names:
        await sql(
            """
            UPDATE contact c SET name = n.name FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[])) AS n(id, name)
            WHERE c.id = n.id AND c.company_id = :company AND NOT c.named_by_team
            """,
            ids=list(names),
            names=list(names.values()),
            company=actor.company_id,
        )
