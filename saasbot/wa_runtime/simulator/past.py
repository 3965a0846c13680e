"""What a phone had said before it was linked, and how it hands that over: a part after the other, as WhatsApp's phones do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import access_linked, tell_phones
from saasbot.domain.simulator.customers import LID_SERVER, USER_SERVER, Customer, known_customer, lid_of, remember
from saasbot.infra.db import session
from saasbot.models import SimMessage, SimNumber
from saasbot.models.table import utcnow
from saasbot.wa_runtime.protobufs import HISTORY, MessageKey, WebMessage, e2e, events, history
from saasbot.wa_runtime.simulator.network import Waiting, deliver

DAYS = 100
"""How far back an invented past goes: a little further than any number wants it."""
MOST = 20_000
_PART_AFTER_MS = 400
_PEOPLE = ("Lucía Benítez", "Martín Ríos", "Carla Sosa", "Diego Funes", "Paula Vega", "Nicolás Paz")
_SAID = (
    ("Hola! Tienen zapatillas negras en 42?", False),
    ("Hola, sí: nos quedan dos pares", True),
    ("Genial, paso el sábado", False),
    ("Te las guardo hasta el mediodía", True),
    ("Hacen envíos a Rosario?", False),
    ("Sí, llegan en 48 horas", True),
    ("Cuánto sale el envío?", False),
    ("Gratis desde 50.000", True),
)


async def hand_over(actor: Actor, channel_id: UUID, *, messages: int = 0, chats: int = 6, parts: int = 3) -> None:
    """The phone that has just linked the number hands over all its chats. Before that it is given `messages` more to have
    had, over the last `DAYS` days, unless it has them already.

    Raises: Forbidden, NotFound, NotLinked.
    """
    actor.require("channels.write")
    number = await access_linked(actor, channel_id)
    await _invent(number, messages=min(messages, MOST), chats=max(1, chats))
    query = (
        select(SimMessage)
        .where(SimMessage.channel_id == channel_id, SimMessage.type == "text")
        .order_by(col(SimMessage.at).desc(), col(SimMessage.seq).desc())
        .limit(MOST)
    )
    known = (await session().exec(query)).all()
    people = {peer: await known_customer(channel_id, peer) for peer in {message.peer for message in known}}
    parts = max(1, min(parts, len(known)))
    for number_of_part in range(parts):
        share = known[number_of_part * len(known) // parts : (number_of_part + 1) * len(known) // parts]
        raw = _part(share, people, order=number_of_part + 1, percent=100 * (number_of_part + 1) // parts)
        await deliver(number, Waiting(HISTORY, raw, _PART_AFTER_MS * number_of_part))
    tell_phones(actor.company_id, channel_id)


async def _invent(number: SimNumber, *, messages: int, chats: int) -> None:
    """The same again is nothing new: the ids say which person and which message it is."""
    now = utcnow()
    people = [_person(place) for place in range(chats)]
    ids = {_wa_id(people[i % chats], i): (people[i % chats], i) for i in range(messages)}
    query = select(SimMessage.wa_id).where(
        SimMessage.channel_id == number.channel_id, col(SimMessage.wa_id).in_(list(ids))
    )
    there = set((await session().exec(query)).all()) if ids else set()
    for customer in people[:messages]:
        await remember(number.company_id, number.channel_id, customer)
    for wa_id, (customer, i) in ids.items():
        if wa_id not in there:
            at = now - timedelta(days=DAYS) * ((messages - i) / messages)
            session().add(_message(number, customer, wa_id, at, *_SAID[i // chats % len(_SAID)]))
    await session().flush()


def _person(place: int) -> Customer:
    phone = str(5491160000001 + place)
    return Customer(phone, lid_of(phone), _PEOPLE[place % len(_PEOPLE)])


def _wa_id(customer: Customer, place: int) -> str:
    return f"3A{customer.peer}{place:05}"


def _message(number: SimNumber, to: Customer, wa_id: str, at: datetime, text: str, from_owner: bool) -> SimMessage:
    return SimMessage(
        company_id=number.company_id,
        channel_id=number.channel_id,
        wa_id=wa_id,
        peer=to.peer,
        peer_name=to.name,
        origin="phone" if from_owner else "customer",
        text=text,
        at=at,
        delivered_at=at,
        read_at=at,
    )


def _part(messages: Sequence[SimMessage], people: dict[str, Customer], *, order: int, percent: int) -> bytes:
    by_chat = sorted(messages, key=lambda message: message.peer)  # stable: the newest first in each chat
    data = history.HistorySync(syncType=history.HistorySync.RECENT, chunkOrder=order, progress=percent)
    for peer, said in groupby(by_chat, key=lambda message: message.peer):
        customer = people[peer]
        chat = data.conversations.add(ID=customer.chat_jid, name=customer.name, lidJID=f"{customer.lid}@{LID_SERVER}")
        if customer.phone:
            chat.pnJID = f"{customer.phone}@{USER_SERVER}"
        chat.messages.extend(history.HistorySyncMsg(message=_web_message(message, customer)) for message in said)
    return events.HistorySync(Data=data).SerializeToString()


def _web_message(message: SimMessage, customer: Customer) -> Any:
    from_me = message.origin != "customer"
    return WebMessage(
        key=MessageKey(remoteJID=customer.chat_jid, fromMe=from_me, ID=message.wa_id),
        message=e2e.Message(conversation=message.text),
        messageTimestamp=int(message.at.timestamp()),
        status=WebMessage.READ if from_me else WebMessage.DELIVERY_ACK,
        pushName="" if from_me else customer.name,
    )
