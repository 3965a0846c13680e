"""The servers of the simulated network: what customers and the owner's phone write waits here until the number takes it.

Everything is rows, so that whatever was accepted outlives any process: events wait in `sim_event`, and `sim_message` holds
every chat as the phones see it.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import TOPIC, access_linked, tell_phones, wake, wake_payload
from saasbot.domain.simulator.customers import LID_SERVER, Customer, known_customer, remember
from saasbot.domain.simulator.faults import spend
from saasbot.domain.simulator.media import SimMedia, keep
from saasbot.infra.db import session, sql
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.models import SimEvent, SimMessage, SimNumber
from saasbot.models.table import utcnow
from saasbot.wa_runtime.protobufs import CALL_OFFER, MESSAGE, RECEIPT
from saasbot.wa_runtime.simulator import envelopes
from saasbot.wa_runtime.simulator.bodies import MEDIA_TYPES, VOTE, Content, build
from saasbot.wa_runtime.simulator.samples import sample

DELIVERED_AFTER, READ_AFTER = 150, 900
"""When a customer's phone confirms by itself, in milliseconds after the message left."""

_WA_ID_MAX = 128


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event for the number: neonize's code, the raw protobuf, and after how many milliseconds it may be had."""

    code: int
    raw: bytes
    after: int = 0


def new_wa_id() -> str:
    """An id as WhatsApp's own clients make them."""
    return "3EB0" + secrets.token_hex(9).upper()


async def attach(
    actor: Actor, content: Content, *, file: bytes | None, mime: str | None = None, file_name: str | None = None
) -> tuple[SimMedia | None, bytes]:
    """Store what a message carries (a small sample when the caller brings nothing). Call outside a transaction.

    Raises: InvalidInput, StorageUnavailable.
    """
    content.check()
    if content.type not in MEDIA_TYPES:
        return None, b""
    if file is None:
        file, default_mime = sample(content.type)
        mime = mime or default_mime
    voice = content.type == "audio" and (mime or "").startswith("audio/ogg")
    name = file_name or (content.text if content.type == "document" and "." in content.text else None)
    return await keep(actor, file, mime=mime, file_name=name, voice=voice), file


async def customer_writes(
    actor: Actor,
    channel_id: UUID,
    *,
    sender: Customer,
    content: Content,
    media: SimMedia | None = None,
    file: bytes = b"",
    wa_id: str | None = None,
    at: datetime | None = None,
) -> str:
    """A customer's message is on its way to the number. The same `wa_id` from the same customer is the same event again.

    Returns the WhatsApp id. Raises: Forbidden, InvalidInput, NotFound, NotLinked.
    """
    actor.require("inbox.write")
    content.check()
    if wa_id is not None and not 0 < len(wa_id) <= _WA_ID_MAX:
        raise InvalidInput("id", "Use at most {limit} characters.", limit=_WA_ID_MAX)
    number = await access_linked(actor, channel_id)
    sender = await remember(actor.company_id, channel_id, sender)
    if wa_id is not None and await _sent_again(number, sender, wa_id):
        return wa_id
    wa_id = wa_id or new_wa_id()
    at = at or utcnow()
    content = await _with_references(number, sender, content)
    body = build(content, chat_jid=sender.chat_jid, voter=sender.jid, at=at, media=media, file=file)
    raw = envelopes.from_customer(sender, body, wa_id=wa_id, at=at)
    sequence = await deliver(number, Waiting(MESSAGE, raw))
    session().add(_row(number, sender, "customer", content, wa_id, at, media, sequence))
    tell_phones(number.company_id, channel_id)
    return wa_id


async def owner_writes(actor: Actor, channel_id: UUID, *, to: Customer, text: str) -> str:
    """The owner writes on the phone itself: the number hears it as an echo. Raises as `customer_writes`."""
    actor.require("inbox.write")
    content = Content("text", text)
    content.check()
    number = await access_linked(actor, channel_id)
    to = await remember(actor.company_id, channel_id, to)
    if to.group:
        to = await known_customer(channel_id, to.peer)
    wa_id, at = new_wa_id(), utcnow()
    body = build(content, chat_jid=to.chat_jid, at=at, media=None, file=b"")
    raw = envelopes.from_own_phone(to, body, wa_id=wa_id, at=at, own_lid=number.lid or "", own_name=number.push_name)
    sequence = await deliver(number, Waiting(MESSAGE, raw))
    row = _row(number, to, "phone", content, wa_id, at, None, sequence)
    session().add(row)
    if number.auto_receipts:
        await confirm_by_itself(number, to, row)
    tell_phones(number.company_id, channel_id)
    return wa_id


async def customer_calls(actor: Actor, channel_id: UUID, *, sender: Customer, video: bool = False) -> str:
    """A customer calls the number, and nobody takes it. Returns the call's id. Raises as `customer_writes`."""
    actor.require("inbox.write")
    number = await access_linked(actor, channel_id)
    sender = await remember(actor.company_id, channel_id, sender)
    call_id, at = secrets.token_hex(16).upper(), utcnow()
    raw = envelopes.call_offer(sender, call_id=call_id, at=at, video=video)
    sequence = await deliver(number, Waiting(CALL_OFFER, raw))
    session().add(
        _row(number, sender, "customer", Content("call", "video" if video else ""), call_id, at, None, sequence)
    )
    tell_phones(number.company_id, channel_id)
    return call_id


async def customer_types(actor: Actor, channel_id: UUID, *, sender: Customer, on: bool) -> None:
    """The customer types, or stops: told to a number that is connected, and kept by nobody. Raises as `customer_writes`."""
    actor.require("inbox.write")
    await access_linked(actor, channel_id)
    sender = await remember(actor.company_id, channel_id, sender)
    raw = envelopes.chat_presence(sender, on=on)
    await wake(channel_id, presence=base64.b64encode(raw).decode())


async def customer_confirms(actor: Actor, channel_id: UUID, *, wa_ids: Sequence[str], kind: str) -> None:
    """Customers' phones got (`delivered`) or showed (`read`) messages of the number. Raises: NotFound, NotLinked."""
    actor.require("inbox.write")
    number = await access_linked(actor, channel_id)
    query = select(SimMessage).where(
        SimMessage.channel_id == channel_id,
        col(SimMessage.wa_id).in_(wa_ids),
        col(SimMessage.origin).in_(("number", "phone")),
    )
    messages = (await session().exec(query)).all()
    if {message.wa_id for message in messages} != set(wa_ids):
        raise NotFound
    now = utcnow()
    by_peer: dict[str, list[str]] = {}
    for message in messages:
        by_peer.setdefault(message.peer, []).append(message.wa_id)
        message.delivered_at = message.delivered_at or now
        if kind == "read":
            message.read_at = message.read_at or now
    for peer, ids in by_peer.items():
        customer = await known_customer(channel_id, peer)
        await deliver(number, Waiting(RECEIPT, envelopes.receipt(customer, ids, kind, now)))
    tell_phones(number.company_id, channel_id)


async def confirm_by_itself(number: SimNumber, customer: Customer, message: SimMessage) -> None:
    """The customer's phone will confirm this message without being told to; its row knows already when."""
    if not customer.lid:
        return  # a group in which nobody has written: nobody is there whose phone could
    now = utcnow()
    receipts = (
        Waiting(RECEIPT, envelopes.receipt(customer, [message.wa_id], kind, now), after)
        for kind, after in (("delivered", DELIVERED_AFTER), ("read", READ_AFTER))
    )
    message.delivered_at = now + timedelta(milliseconds=DELIVERED_AFTER)
    message.read_at = now + timedelta(milliseconds=READ_AFTER)
    await deliver(number, *receipts)


async def deliver(number: SimNumber, *events: Waiting) -> int:
    """Events wait for the number from now on. Returns the `seq` of the first.

    The faults `delay` and `duplicate` act here: what is repeated is repeated as WhatsApp does it.
    """
    waiting: list[Waiting] = []
    for event in events:
        waiting.append(event)
        if event.code == MESSAGE and "duplicate" in number.faults and await spend(number.channel_id, "duplicate"):
            waiting.append(Waiting(event.code, envelopes.again(event.raw), event.after))
    delay = int(number.faults.get("delay", 0))
    due = [event.after + delay for event in waiting]
    row = await sql(
        """
        WITH event AS (
            INSERT INTO sim_event (company_id, channel_id, code, raw, due_at)
            SELECT :company, :channel, e.code, e.raw, clock_timestamp() + make_interval(secs => e.due / 1000.0)
            FROM unnest(CAST(:codes AS smallint[]), CAST(:raws AS bytea[]), CAST(:due AS integer[])) WITH ORDINALITY
                 AS e(code, raw, due, position)
            ORDER BY position
            RETURNING seq
        )
        SELECT min(seq) AS seq, pg_notify(:topic, :wake) FROM event
        """,
        company=number.company_id,
        channel=number.channel_id,
        codes=[event.code for event in waiting],
        raws=[event.raw for event in waiting],
        due=due,
        topic=TOPIC,
        wake=wake_payload(number.channel_id, due=due),
    )
    return row.one().seq


async def _sent_again(number: SimNumber, sender: Customer, wa_id: str) -> bool:
    """Whether the customer has sent this id before; if so the network repeats the very event."""
    query = (
        select(SimEvent.code, SimEvent.raw)
        .join(SimMessage, col(SimMessage.event_seq) == col(SimEvent.seq))
        .where(
            SimMessage.channel_id == number.channel_id,
            SimMessage.wa_id == wa_id,
            SimMessage.peer == sender.peer,
            SimMessage.origin == "customer",
        )
        .limit(1)
    )
    first = (await session().exec(query)).first()
    if first is None:
        return False
    await deliver(number, Waiting(first[0], first[1]))
    return True


async def _with_references(number: SimNumber, sender: Customer, content: Content) -> Content:
    """What the phone knows of the messages that this one quotes or acts upon. Unknown ones are named all the same."""
    found = {}
    wanted = [wa_id for wa_id in (content.target_id, content.quoted_id) if wa_id]
    if wanted:
        query = select(SimMessage).where(SimMessage.channel_id == number.channel_id, col(SimMessage.wa_id).in_(wanted))
        found = {message.wa_id: message for message in (await session().exec(query)).all()}
    target, quoted = found.get(content.target_id or ""), found.get(content.quoted_id or "")
    own_jid = f"{number.lid}@{LID_SERVER}"
    if content.type == VOTE and (target is None or "poll_secret" not in target.payload):
        raise InvalidInput("target_id", "There is no such poll.")
    return replace(
        content,
        target_from_us=target is not None and target.origin != "customer",
        quoted_text=quoted.text if quoted is not None else "",
        target_jid=_author(target, sender, own_jid) if sender.group else "",
        quoted_jid=_author(quoted, sender, own_jid),
        poll_secret=bytes.fromhex(target.payload.get("poll_secret", "")) if target is not None else b"",
        own_jid=own_jid,
    )


def _author(message: SimMessage | None, sender: Customer, own_jid: str) -> str:
    """Whose message it is. In a group each has their own."""
    if message is not None and message.origin != "customer":
        return own_jid
    wrote = message.payload.get("sender") if message is not None else None
    return f"{wrote['lid']}@{LID_SERVER}" if wrote else sender.jid


def _row(
    number: SimNumber,
    peer: Customer,
    origin: str,
    content: Content,
    wa_id: str,
    at: datetime,
    media: SimMedia | None,
    event_seq: int,
) -> SimMessage:
    payload = {
        "media": media.row if media else None,
        "latitude": content.latitude,
        "longitude": content.longitude,
        "target_id": content.target_id,
        "quoted_id": content.quoted_id,
        "ephemeral_seconds": content.ephemeral_seconds or None,
        "sender": {"phone": peer.phone, "lid": peer.lid, "name": peer.name}
        if peer.group and origin == "customer"
        else None,
    }
    return SimMessage(
        company_id=number.company_id,
        channel_id=number.channel_id,
        wa_id=wa_id,
        peer=peer.peer,
        peer_name=peer.group_name if peer.group else peer.name,
        origin=origin,
        type=content.type,
        text=content.text,
        media_key=media.key if media else None,
        payload={name: value for name, value in payload.items() if value is not None},
        event_seq=event_seq,
        at=at,
    )
