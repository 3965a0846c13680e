"""The number's side of the simulated network: it takes what waits for it, and hands over what it sends."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import find_number, tell_phones
from saasbot.domain.simulator.customers import USER_SERVER, customer_at
from saasbot.domain.simulator.faults import line_of, moment, spend
from saasbot.domain.simulator.media import SimMedia
from saasbot.domain.simulator.phone_forms import registered_as
from saasbot.infra.db import session, sql
from saasbot.models import SimMessage, SimPresence
from saasbot.models.table import utcnow
from saasbot.wa_runtime.journal import append_events
from saasbot.wa_runtime.protobufs import CALL_OFFER
from saasbot.wa_runtime.refusals import refusal
from saasbot.wa_runtime.simulator.network import confirm_by_itself, new_wa_id
from saasbot.wa_runtime.transport import NotConnected, Outgoing, SendRefused, Sent

BATCH = 200
_SHUFFLE_PATIENCE = 0.4
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The network took the message. `confirmed`: it said so (the fault `drop_ack` loses that)."""

    sent: Sent
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """How many events were journalled, and in how many seconds to look again (None: when woken)."""

    count: int
    again_in: float | None = None
    calls: tuple[bytes, ...] = ()
    """Those of them that ring."""


async def take(actor: Actor, channel_id: UUID, *, epoch: int, window: int = 0) -> Taken:
    """Move what waits from the network into the journal, in one transaction: exactly once, whatever dies when.

    With `window` (the fault `shuffle`) that many events come in another order than they were sent.
    """
    if window and (wait := await _to_wait_for_more(channel_id, window)):
        return Taken(0, wait)
    rows = (
        await sql(
            """
            WITH due AS (
                SELECT seq FROM sim_event
                WHERE channel_id = :channel AND taken_at IS NULL AND due_at <= clock_timestamp()
                ORDER BY due_at, seq LIMIT :limit FOR UPDATE SKIP LOCKED
            )
            UPDATE sim_event e SET taken_at = clock_timestamp() FROM due WHERE e.seq = due.seq
            RETURNING e.due_at, e.seq, e.code, e.raw
            """,
            channel=channel_id,
            limit=window or BATCH,
        )
    ).all()
    if not rows:
        return Taken(0)
    events = [(row.code, row.raw) for row in sorted(rows, key=lambda row: (row.due_at, row.seq))]
    if window:
        events = _shuffled(events)
    await append_events(actor, channel_id, epoch=epoch, events=events)
    tell_phones(actor.company_id, channel_id)
    calls = tuple(raw for code, raw in events if code == CALL_OFFER)
    return Taken(len(events), 0 if len(events) == (window or BATCH) else None, calls)


async def next_due(channel_id: UUID) -> float | None:
    """In how many seconds the next event waits for the number; nothing when none is on its way."""
    row = (
        await sql(
            """
            SELECT EXTRACT(EPOCH FROM min(due_at) - clock_timestamp()) FROM sim_event
            WHERE channel_id = :channel AND taken_at IS NULL
            """,
            channel=channel_id,
        )
    ).one()
    return max(float(row[0]), 0.0) if row[0] is not None else None


async def forget_old(channel_id: UUID) -> None:
    """The network forgets events that the number took long ago."""
    await sql(
        "DELETE FROM sim_event WHERE channel_id = :channel AND taken_at < :before",
        channel=channel_id,
        before=utcnow() - _KEPT,
    )


async def look_up(channel_id: UUID, phone: str) -> str:
    """The chat of a phone number. Raises: NotConnected, SendRefused."""
    number = await find_number(channel_id)
    if number is None or not line_of(number, utcnow()).is_open:
        raise NotConnected
    known = await registered_as(channel_id, phone)
    if known is None:
        raise SendRefused("not_on_whatsapp")
    return f"{known}@{USER_SERVER}"


async def accept(actor: Actor, channel_id: UUID, outgoing: Outgoing, media: SimMedia | None) -> Accepted | SendRefused:
    """The network takes a message (its row is what was really sent), or refuses it. Raises: NotConnected."""
    number = await find_number(channel_id)
    if number is None or not line_of(number, utcnow()).is_open:
        raise NotConnected
    customer = await customer_at(actor.company_id, channel_id, outgoing.chat_jid)
    if "send_error" in number.faults and (error := await spend(channel_id, "send_error")):
        return _refusal(str(error["code"]))
    until = moment(number.faults.get("reachout_timelocked"))
    if until is not None and until > utcnow() and not await _has_written(channel_id, customer.peer):
        return SendRefused("reachout_timelocked", until=until)
    lost = "drop_ack" in number.faults and bool(await spend(channel_id, "drop_ack"))
    wa_id, now = new_wa_id(), utcnow()
    message = SimMessage(
        company_id=actor.company_id,
        channel_id=channel_id,
        wa_id=wa_id,
        peer=customer.peer,
        peer_name=customer.group_name if customer.group else customer.name,
        origin="number",
        type=outgoing.type,
        text=outgoing.poll.question if outgoing.poll else outgoing.text,
        media_key=media.key if media else None,
        payload=_payload(outgoing, media),
        at=now,
    )
    session().add(message)
    if number.auto_receipts and outgoing.target is None:
        await confirm_by_itself(number, customer, message)
    tell_phones(actor.company_id, channel_id)
    return Accepted(Sent(wa_id, now, customer.chat_jid), confirmed=not lost)


async def _has_written(channel_id: UUID, peer: str) -> bool:
    found = await sql(
        "SELECT EXISTS (SELECT FROM sim_message WHERE channel_id = :channel AND peer = :peer AND origin = 'customer')",
        channel=channel_id,
        peer=peer,
    )
    return bool(found.scalar_one())


async def show_typing(actor: Actor, channel_id: UUID, chat_jid: str, *, on: bool) -> None:
    """The customer's phone shows that the number types, or no longer."""
    await _presence(actor, channel_id, chat_jid, "composing" if on else "paused", [])


async def show_rejected(actor: Actor, channel_id: UUID, chat_jid: str, call_id: str) -> None:
    """The caller's phone shows that the number hung up."""
    await _presence(actor, channel_id, chat_jid, "rejected", [call_id])
    await sql(
        "UPDATE sim_message SET payload = payload || '{\"rejected\": true}' "
        "WHERE channel_id = :channel AND wa_id = :id AND type = 'call'",
        channel=channel_id,
        id=call_id,
    )


async def show_read(actor: Actor, channel_id: UUID, chat_jid: str, wa_ids: list[str]) -> None:
    """Blue ticks on the customer's phone, for these messages and all above them."""
    peer = await _presence(actor, channel_id, chat_jid, "read", wa_ids)
    await sql(
        """
        UPDATE sim_message SET read_at = clock_timestamp()
        WHERE channel_id = :channel AND peer = :peer AND origin = 'customer' AND read_at IS NULL
          AND seq <= (SELECT max(seq) FROM sim_message WHERE channel_id = :channel AND wa_id = ANY(:ids))
        """,
        channel=channel_id,
        peer=peer,
        ids=wa_ids,
    )


async def _presence(actor: Actor, channel_id: UUID, chat_jid: str, kind: str, wa_ids: list[str]) -> str:
    number = await find_number(channel_id)
    if number is None or not line_of(number, utcnow()).is_open:
        raise NotConnected
    customer = await customer_at(actor.company_id, channel_id, chat_jid)
    session().add(
        SimPresence(company_id=actor.company_id, channel_id=channel_id, peer=customer.peer, kind=kind, wa_ids=wa_ids)
    )
    tell_phones(actor.company_id, channel_id)
    return customer.peer


async def _to_wait_for_more(channel_id: UUID, window: int) -> float | None:
    """In how many seconds to look again for a full window; nothing when it is full or has waited long enough."""
    row = (
        await sql(
            """
            SELECT count(*) AS waiting, EXTRACT(EPOCH FROM clock_timestamp() - min(due_at)) AS age FROM sim_event
            WHERE channel_id = :channel AND taken_at IS NULL AND due_at <= clock_timestamp()
            """,
            channel=channel_id,
        )
    ).one()
    if row.waiting in (0, window) or row.waiting > window or row.age >= _SHUFFLE_PATIENCE:
        return None
    return _SHUFFLE_PATIENCE - float(row.age)


def _shuffled(events: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Another order than the given one, whenever there is one."""
    mixed = list(events)
    while mixed == events and len(set(events)) > 1:
        secrets.SystemRandom().shuffle(mixed)
    return mixed


def _refusal(code: str) -> SendRefused:
    """The codes that the real transport makes of the server's numbers."""
    return refusal(int(code)) if code.isdigit() else SendRefused(code)


def _payload(outgoing: Outgoing, media: SimMedia | None) -> dict[str, object]:
    poll = outgoing.poll
    payload = {
        "media": media.row if media else None,
        "latitude": outgoing.latitude,
        "longitude": outgoing.longitude,
        "address": outgoing.address or None,
        "vcard": outgoing.vcard or None,
        "poll": {"options": list(poll.options), "several": poll.several} if poll else None,
        # with the message, as WhatsApp has it: the customer's phone encrypts its vote under it
        "poll_secret": poll.secret.hex() if poll else None,
        "quoted_id": outgoing.quoted.wa_id if outgoing.quoted else None,
        "target_id": outgoing.target.wa_id if outgoing.target else None,
        "ephemeral_seconds": outgoing.ephemeral_seconds or None,
    }
    return {name: value for name, value in payload.items() if value is not None}
