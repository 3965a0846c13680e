"""What the phones on screen show: the shop's own, and those of its customers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import access_simulator, find_number
from saasbot.domain.simulator.customers import KNOWN, Customer
from saasbot.domain.simulator.faults import active_faults
from saasbot.infra.db import session, sql
from saasbot.models import Channel, ChannelKind, ChannelPairing, ChannelStatus, SimEvent, SimMessage, SimPresence
from saasbot.models.table import utcnow

MOST = 60
_ACTS = ("reaction", "edit", "revoke", "poll_vote")
_TYPING = ("composing", "paused")
_TYPING_SECONDS = 25
"""WhatsApp hides "typing…" by itself when nobody repeats it."""


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A simulated number to choose from. `shows_qr`: a phone may scan it now; `asks_code`: its owner shall type a code."""

    id: UUID
    name: str
    status: str
    phone: str | None
    shows_qr: bool
    asks_code: bool
    wants_history: bool = False
    """Its owner wants earlier chats taken over when a phone links it."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message as both phones hold it. `origin` as in `SimMessage`."""

    seq: int
    origin: str
    type: str
    text: str
    media_key: str | None
    file_name: str | None
    latitude: float | None
    longitude: float | None
    at: datetime
    tick: str
    """`sent`, `delivered` or `read`, as its writer's phone shows it."""
    reaction: str = ""
    """Of both sides, the customer's first."""
    quote: str = ""
    """What it answers."""
    options: tuple[tuple[str, bool], ...] = ()
    """Of a poll: each with whether the customer chose it."""
    wa_id: str = ""
    edited: bool = False
    revoked: bool = False
    rejected: bool = False
    """Of a call: the shop hung up."""


@dataclass(frozen=True, slots=True)
class Phone:
    """The chat of one customer with one number, as it is now."""

    linked: bool = False
    business: str = ""
    people: list[Customer] = field(default_factory=list)
    bubbles: list[Bubble] = field(default_factory=list)
    business_types: bool = False
    faults: frozenset[str] = frozenset()
    auto_receipts: bool = True


async def phone_numbers(actor: Actor) -> list[PhoneNumber]:
    """The company's simulated numbers, oldest first."""
    actor.require("channels.read")
    query = (
        select(Channel, ChannelPairing)
        .outerjoin(ChannelPairing, col(ChannelPairing.channel_id) == col(Channel.id))
        .where(
            Channel.company_id == actor.company_id,
            Channel.kind == ChannelKind.SIMULATOR,
            col(Channel.deleted_at).is_(None),
        )
        .order_by(col(Channel.created_at), col(Channel.id))
    )
    now = utcnow()
    found = []
    for channel, pairing in (await session().exec(query)).all():
        current = pairing is not None and bool(pairing.code) and (pairing.expires_at or now) > now
        by_code = current and pairing is not None and pairing.phone is not None
        found.append(
            PhoneNumber(
                channel.id,
                channel.name,
                channel.status,
                channel.phone,
                shows_qr=current and not by_code,
                asks_code=by_code,
                wants_history=channel.history_days > 0,
            )
        )
    return found


async def read_phone(actor: Actor, channel_id: UUID, peer: str) -> Phone:
    """The newest messages of one chat, oldest first, and what is around them. Raises: Forbidden, NotFound."""
    actor.require("inbox.read")
    channel = await access_simulator(actor, channel_id)
    number = await find_number(channel_id)
    if number is None:
        return Phone(business=channel.name)
    return Phone(
        linked=number.linked,
        business=number.push_name or channel.name,
        people=await _people(channel_id),
        bubbles=await _bubbles(channel_id, peer),
        business_types=await _business_types(channel_id, peer),
        faults=active_faults(number, utcnow()),
        auto_receipts=number.auto_receipts,
    )


async def _people(channel_id: UUID) -> list[Customer]:
    rows = await sql(
        """
        SELECT c.peer, c.lid, c.name FROM sim_customer c
        LEFT JOIN LATERAL (
            SELECT max(seq) AS seq FROM sim_message m WHERE m.channel_id = c.channel_id AND m.peer = c.peer
        ) last ON true
        WHERE c.channel_id = :channel AND c.peer NOT LIKE '%@g.us' ORDER BY last.seq DESC NULLS LAST LIMIT :most
        """,
        channel=channel_id,
        most=KNOWN,
    )
    return [Customer(None if row.peer == row.lid else row.peer, row.lid, row.name) for row in rows.all()]


async def _bubbles(channel_id: UUID, peer: str) -> list[Bubble]:
    query = (
        select(SimMessage, SimEvent.taken_at)
        .outerjoin(SimEvent, col(SimEvent.seq) == col(SimMessage.event_seq))
        .where(SimMessage.channel_id == channel_id, SimMessage.peer == peer)
        .order_by(col(SimMessage.seq).desc())
        .limit(MOST)
    )
    rows = list(reversed((await session().exec(query)).all()))
    acts = _Acts({}, {}, {}, {})
    words: dict[str, str] = {}
    for message, _ in rows:
        if message.type in _ACTS:
            acts.take(message)
        else:
            words[message.wa_id] = message.text or message.type
    now = utcnow()
    return [_bubble(message, taken_at, acts, words, now) for message, taken_at in rows if message.type not in _ACTS]


@dataclass(frozen=True, slots=True)
class _Acts:
    """What was done to the messages, by their id: the newest of each kind (and of each side, of reactions)."""

    reactions: dict[tuple[str, bool], str]
    edits: dict[str, str]
    revoked: dict[str, bool]
    votes: dict[str, list[str]]

    def take(self, act: SimMessage) -> None:
        target = str(act.payload.get("target_id"))
        match act.type:
            case "reaction":
                self.reactions[target, act.origin == "customer"] = act.text
            case "edit":
                self.edits[target] = act.text
            case "revoke":
                self.revoked[target] = True
            case _:
                self.votes[target] = act.text.splitlines()


def _bubble(
    message: SimMessage, taken_at: datetime | None, acts: _Acts, words: dict[str, str], now: datetime
) -> Bubble:
    media = message.payload.get("media") or {}
    poll = message.payload.get("poll") or {}
    chosen = acts.votes.get(message.wa_id, [])
    return Bubble(
        seq=message.seq or 0,
        origin=message.origin,
        type=message.type,
        text=acts.edits.get(message.wa_id, message.text),
        media_key=message.media_key,
        file_name=media.get("file_name"),
        latitude=message.payload.get("latitude"),
        longitude=message.payload.get("longitude"),
        at=message.at,
        tick=_tick(message, taken_at, now),
        reaction="".join(acts.reactions.get((message.wa_id, side), "") for side in (True, False)),
        quote=words.get(message.payload.get("quoted_id", ""), ""),
        options=tuple((option, option in chosen) for option in poll.get("options", ())),
        wa_id=message.wa_id,
        edited=message.wa_id in acts.edits,
        revoked=message.wa_id in acts.revoked,
        rejected=bool(message.payload.get("rejected")),
    )


def _tick(message: SimMessage, taken_at: datetime | None, now: datetime) -> str:
    """What is known. Automatic receipts are written ahead of their time, and a number that was away has not got it yet."""
    if message.read_at is not None and message.read_at <= now:
        return "read"
    delivered_at = taken_at if message.origin == "customer" else message.delivered_at
    gone = message.origin == "customer" and message.event_seq is not None and _forgotten(message, now)
    return "delivered" if gone or (delivered_at is not None and delivered_at <= now) else "sent"


def _forgotten(message: SimMessage, now: datetime) -> bool:
    """The network forgets events that the number took days ago."""
    return now - message.at > timedelta(days=2)


async def _business_types(channel_id: UUID, peer: str) -> bool:
    """The number shows that it types, and has not written since."""
    query = (
        select(SimPresence)
        .where(SimPresence.channel_id == channel_id, SimPresence.peer == peer, col(SimPresence.kind).in_(_TYPING))
        .order_by(col(SimPresence.seq).desc())
        .limit(1)
    )
    last = (await session().exec(query)).first()
    if last is None or last.kind != "composing" or utcnow() - last.at > timedelta(seconds=_TYPING_SECONDS):
        return False
    query = (
        select(SimMessage.seq)
        .where(
            SimMessage.channel_id == channel_id,
            SimMessage.peer == peer,
            SimMessage.origin == "number",
            col(SimMessage.at) >= last.at,
        )
        .limit(1)
    )
    return (await session().exec(query)).first() is None


def preferred(numbers: Sequence[PhoneNumber], chosen: UUID | None) -> PhoneNumber | None:
    """Which number a phone shows: the chosen one, else one that waits for a phone, else the newest that works, else the newest.
    `numbers` are the oldest first.
    """
    chosen_one = (number for number in numbers if number.id == chosen)
    waiting = (number for number in numbers if number.shows_qr or number.asks_code)
    working = (number for number in reversed(numbers) if number.status == ChannelStatus.OPEN)
    return next(chain(chosen_one, waiting, working, reversed(numbers)), None)
