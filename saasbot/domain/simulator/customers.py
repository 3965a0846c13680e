"""The people on the simulated network. Each has a phone number, a LID (WhatsApp's hidden id), or both."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from saasbot.infra.db import session, sql
from saasbot.infra.errors import InvalidInput
from saasbot.models import SimCustomer

USER_SERVER, LID_SERVER = "s.whatsapp.net", "lid"
KNOWN = 30
"""As many people as a phone on screen offers to play."""
_LID_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Customer:
    phone: str | None
    """Digits; nothing for somebody of whom WhatsApp tells only the LID."""
    lid: str
    name: str = ""

    @property
    def peer(self) -> str:
        return self.phone or self.lid

    @property
    def chat_jid(self) -> str:
        """Direct chats are addressed by LID since 2025, whichever address they were begun with."""
        return f"{self.lid}@{LID_SERVER}"


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


async def remember(company_id: UUID, channel_id: UUID, customer: Customer) -> Customer:
    """The network knows these addresses and this name from now on. A name that is not told stays as it was."""
    row = (
        await sql(
            "SELECT lid, name FROM sim_customer WHERE channel_id = :channel AND peer = :peer",
            channel=channel_id,
            peer=customer.peer,
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
            peer=told.peer,
            company=company_id,
            lid=told.lid,
            name=told.name,
        )
    return told


async def known_customer(channel_id: UUID, peer: str) -> Customer:
    """Somebody who is on the network already. Raises: sqlalchemy.exc.NoResultFound."""
    query = select(SimCustomer).where(SimCustomer.channel_id == channel_id, SimCustomer.peer == peer)
    return _customer((await session().exec(query)).one())


async def customer_at(company_id: UUID, channel_id: UUID, chat_jid: str) -> Customer:
    """Whom a chat's address belongs to. Somebody who never wrote is looked up, as WhatsApp does with a phone number."""
    user, _, server = chat_jid.partition("@")
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


def _customer(row: SimCustomer) -> Customer:
    return Customer(None if row.peer == row.lid else row.peer, row.lid, row.name)
