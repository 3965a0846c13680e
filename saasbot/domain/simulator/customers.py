"""The people on the simulated network. Each has a phone number, a LID (WhatsApp's hidden id), or both, and may write in groups."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel import col, select

from saasbot.infra.db import session, sql
from saasbot.infra.errors import InvalidInput
from saasbot.models import SimCustomer, SimMessage

USER_SERVER, LID_SERVER, GROUP_SERVER = "s.whatsapp.net", "lid", "g.us"
KNOWN = 30
"""As many people as a phone on screen offers to play."""
_LID_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Customer:
    phone: str | None
    """Digits; nothing for somebody of whom WhatsApp tells only the LID."""
    lid: str
    name: str = ""
    group: str = ""
    """The digits of the group in which they are met; empty in their own chat."""
    group_name: str = ""

    @property
    def peer(self) -> str:
        """What the network calls the chat."""
        return self.chat_jid if self.group else self.phone or self.lid

    @property
    def jid(self) -> str:
        """People are addressed by LID since 2025, in their own chats and in groups, whichever address was known first."""
        return f"{self.lid}@{LID_SERVER}"

    @property
    def chat_jid(self) -> str:
        return f"{self.group}@{GROUP_SERVER}" if self.group else self.jid


def digits_of(value: str, field: str) -> str:
    """The digits of an address as people and programs write it: `+54 9 11 …`, `549…`, `549…@s.whatsapp.net`.

    Raises: InvalidInput.
    """
    user = value.partition("@")[0].partition(":")[0]
    digits = "".join(c for c in user if c not in " +-.()/")
    if not digits.isascii() or not digits.isdigit() or not 3 <= len(digits) <= 20:
        raise InvalidInput(field, "Write a phone number with its country code, digits only.")
    return digits


def lid_of(phone: str) -> str:
    """The LID that the network gives a phone number: always the same."""
    number = int.from_bytes(hashlib.blake2b(phone.encode(), digest_size=8).digest(), "big")
    return str(10 ** (_LID_DIGITS - 1) + number % (9 * 10 ** (_LID_DIGITS - 1)))


def parse_customer(address: str | None, lid: str | None, name: str = "", *, field: str = "from") -> Customer:
    """The person that a caller describes by phone, LID (`…@lid`, or `lid` alone) or both. Raises: InvalidInput."""
    lid_digits = digits_of(lid, "lid") if lid else None
    if address and address.endswith(f"@{LID_SERVER}"):
        return Customer(None, digits_of(address, field), name)
    if not address:
        if lid_digits is None:
            raise InvalidInput(field, "Say who is meant: a phone number or a LID.")
        return Customer(None, lid_digits, name)
    phone = digits_of(address, field)
    return Customer(phone, lid_digits or lid_of(phone), name)


def parse_group(address: str, *, field: str = "group") -> str:
    """The digits of a group, with or without `@g.us`. Raises: InvalidInput."""
    digits = address.removesuffix(f"@{GROUP_SERVER}")
    if not digits.isascii() or not digits.isdigit() or not 5 <= len(digits) <= 20:
        raise InvalidInput(field, "Write the digits of the group.")
    return digits


def in_group(customer: Customer, group: str, name: str = "") -> Customer:
    """The same person, met in a group. Raises: InvalidInput."""
    return replace(customer, group=parse_group(group), group_name=name)


def parse_chat(address: str, *, field: str) -> Customer:
    """A person as `parse_customer`, or a group (`…@g.us`). Raises: InvalidInput."""
    if _is_group(address):
        return Customer(None, "", group=parse_group(address, field=field))
    return parse_customer(address, None, field=field)


async def remember(company_id: UUID, channel_id: UUID, customer: Customer) -> Customer:
    """The network knows these addresses and this name from now on. A name that is not told stays as it was. Of somebody in a
    group it knows the group: its row has the group's address for both."""
    if customer.group:
        jid = customer.chat_jid
        group = await _remember(company_id, channel_id, jid, Customer(None, jid, customer.group_name))
        return replace(customer, group_name=group.name)
    return await _remember(company_id, channel_id, customer.peer, customer)


async def _remember(company_id: UUID, channel_id: UUID, peer: str, customer: Customer) -> Customer:
    row = (
        await sql(
            "SELECT lid, name FROM sim_customer WHERE channel_id = :channel AND peer = :peer",
            channel=channel_id,
            peer=peer,
        )
    ).one_or_none()
    told = Customer(customer.phone, customer.lid, customer.name or (row.name if row else ""))
    if row is None or (row.lid, row.name) != (told.lid, told.name):
        await sql(
            """
            INSERT INTO sim_customer (channel_id, peer, company_id, lid, name)
            VALUES (:channel, :peer, :company, :lid, :name)
            ON CONFLICT (channel_id, peer) DO UPDATE SET lid = excluded.lid, name = excluded.name
            """,
            channel=channel_id,
            peer=peer,
            company=company_id,
            lid=told.lid,
            name=told.name,
        )
    return told


async def known_customer(channel_id: UUID, peer: str) -> Customer:
    """Somebody who is on the network already. Raises: sqlalchemy.exc.NoResultFound."""
    query = select(SimCustomer).where(SimCustomer.channel_id == channel_id, SimCustomer.peer == peer)
    row = (await session().exec(query)).one()
    return await _in_group(row) if _is_group(row.peer) else _customer(row)


async def customer_at(company_id: UUID, channel_id: UUID, chat_jid: str) -> Customer:
    """Whom a chat's address belongs to. Somebody who never wrote is looked up, as WhatsApp does with a phone number."""
    user, _, server = chat_jid.partition("@")
    if server == GROUP_SERVER:
        await remember(company_id, channel_id, Customer(None, "", group=user))
        return await known_customer(channel_id, chat_jid)
    column = SimCustomer.lid if server == LID_SERVER else SimCustomer.peer
    query = (
        select(SimCustomer)
        .where(SimCustomer.channel_id == channel_id, column == user)
        .order_by(col(SimCustomer.peer) == col(SimCustomer.lid))  # a row with the phone comes first
        .limit(1)
    )
    found = (await session().exec(query)).first()
    if found is not None:
        return _customer(found)
    if server == LID_SERVER:
        return Customer(None, user)
    return await remember(company_id, channel_id, Customer(user, lid_of(user)))


def _is_group(peer: str) -> bool:
    return peer.endswith(f"@{GROUP_SERVER}")


async def _in_group(row: SimCustomer) -> Customer:
    """Whoever wrote last in the group, for all of its people; without addresses when nobody has."""
    query = (
        select(SimMessage)
        .where(SimMessage.channel_id == row.channel_id, SimMessage.peer == row.peer, SimMessage.origin == "customer")
        .order_by(col(SimMessage.seq).desc())
        .limit(1)
    )
    last = (await session().exec(query)).first()
    sender = last.payload["sender"] if last is not None else {"phone": None, "lid": "", "name": ""}
    return Customer(**sender, group=row.peer.partition("@")[0], group_name=row.name)


def _customer(row: SimCustomer) -> Customer:
    return Customer(None if row.peer == row.lid else row.peer, row.lid, row.name)
