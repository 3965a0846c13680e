"""The simulated phones on screen: one customer's chat with a number of the shop, live from both sides."""

from functools import partial
from uuid import UUID

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain.actor import Actor
from saasbot.domain.channels.pairing import NothingToScan
from saasbot.domain.simulator.customers import Customer, digits_of, parse_customer
from saasbot.domain.simulator.faults import set_fault
from saasbot.domain.simulator.phone import Phone, PhoneNumber, phone_numbers, preferred, read_phone
from saasbot.domain.simulator.scan import scan
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.infra.settings import settings
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.arguments import EXACT, Id, Line, Text, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.phone_rows import (
    BubbleRow,
    NumberChoice,
    PersonRow,
    bubble_rows,
    number_choices,
    own_phone,
    person_rows,
)
from saasbot.state.session import current_actor
from saasbot.wa_runtime.simulator.bodies import VOTE, Content
from saasbot.wa_runtime.simulator.network import attach, customer_calls, customer_types, customer_writes, owner_writes
from saasbot.wa_runtime.simulator.past import hand_over

TOPICS = ("simulator", "channel")
FIRST = Customer("5491150000001", "", "Ana")

SAMPLES = {
    "image": Content("image"),
    "audio": Content("audio"),
    "document": Content("document", "comprobante.pdf"),
    "location": Content("location", "Obelisco", latitude=-34.603722, longitude=-58.381592),
    "contact": Content("contact", "Dante Molina"),
    "sticker": Content("sticker"),
}
FAULTS = {
    "disconnect": {"seconds": 20.0},
    "deaf": {"seconds": 20.0},
    "ban": {"seconds": 30.0},
    "delay": {"ms": 3000},
    "shuffle": {"window": 5},
    "duplicate": {"times": 3},
    "send_error": {"times": 1, "code": "479"},
    "reachout_timelocked": {"seconds": 120.0},
    "drop_ack": {"times": 1},
    "passkey": {},
    "logout": {},
    "stream_replaced": {},
    "client_outdated": {},
}
_PAST = 240
"""How many earlier messages the shop's phone has, for an owner who wants to see them taken over."""
ENDED = {"seconds": 0.0, "times": 0, "ms": 0, "window": 0}


class PhoneForm(TypedDict):
    """What is written, and as whom. Fields are named as their ids with underscores, as Reflex adds them."""

    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    phone_from: Text
    phone_name: Text
    phone_text: Text


class CodeForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    phone_code: Text


class PhoneState(rx.State):
    loaded: rx.Field[bool] = rx.field(False)
    off: rx.Field[bool] = rx.field(False)
    """The server has no simulated network."""

    numbers: rx.Field[list[NumberChoice]] = rx.field(default_factory=list)
    chosen: rx.Field[str] = rx.field("")
    status: rx.Field[str] = rx.field("")
    linked: rx.Field[bool] = rx.field(False)
    business: rx.Field[str] = rx.field("")
    scannable: rx.Field[str] = rx.field("")
    """The number whose QR a phone may scan now."""
    asks_code: rx.Field[bool] = rx.field(False)

    people: rx.Field[list[PersonRow]] = rx.field(default_factory=list)
    sender: rx.Field[str] = rx.field(FIRST.phone or "")
    sender_name: rx.Field[str] = rx.field(FIRST.name)
    picked: rx.Field[int] = rx.field(0)
    """Grows when somebody is picked from the list, so that the two fields show them."""
    as_owner: rx.Field[bool] = rx.field(False)
    """The phone on screen is the shop's, not the customer's."""

    bubbles: rx.Field[list[BubbleRow]] = rx.field(default_factory=list)
    business_types: rx.Field[bool] = rx.field(False)
    faults: rx.Field[list[str]] = rx.field(default_factory=list)
    auto_receipts: rx.Field[bool] = rx.field(True)

    _number_id: UUID | None = None
    """The number that was chosen by hand, by scanning or by writing; until then the page chooses."""
    _peer: str = FIRST.peer

    @rx.event
    @patient
    async def load(self):
        """The page opens: the phones as they are, and from now on what happens on them."""
        self.off = not settings().simulator
        if not self.off:
            await self._look()

    @rx.event
    async def choose_number(self, channel_id: Id):
        self._number_id = parse_id(channel_id)
        await self._look()

    @rx.event
    async def pick(self, peer: Word, name: Line):
        """Another customer's phone is on screen."""
        self.sender, self.sender_name, self.picked = peer, name, self.picked + 1
        self._peer = peer
        await self._look()

    @rx.event
    def new_person(self):
        """Empty fields for somebody who has not written yet."""
        self.sender, self.sender_name, self.picked = "", "", self.picked + 1
        self.bubbles, self._peer = [], ""
        return rx.set_focus("phone-from")

    @rx.event
    async def set_sender(self, value: Line):
        """The chat follows the phone number in the field."""
        self.sender = value
        try:
            self._peer = digits_of(value, "from")
        except InvalidInput:
            self._peer = ""
        await self._look()

    @rx.event
    def set_name(self, value: Line):
        self.sender_name = value

    @rx.event
    async def set_side(self, as_owner: bool):
        self.as_owner = as_owner
        await self._look()

    @rx.event
    async def scan_qr(self):
        """The shop's phone scans the QR that is on screen, wherever it is shown."""
        await self._scan(parse_id(self.scannable) if self.scannable else None)

    @rx.event
    async def type_code(self, form: CodeForm):
        """The shop's phone is given the characters on screen."""
        await self._scan(parse_id(self.chosen), code=form["phone_code"])
        return rx.set_value("phone-code", "")

    async def _scan(self, channel_id: UUID | None, code: str | None = None) -> None:
        if channel_id is None:
            raise NothingToScan
        actor = await current_actor(self)
        async with unit_of_work(actor):
            numbers = {number.id: number for number in await phone_numbers(actor)}
            if channel_id not in numbers:
                raise NotFound
            name = numbers[channel_id].name
            number = await scan(actor, channel_id, phone=own_phone(channel_id), push_name=name, code=code)
            if number.linked and numbers[channel_id].wants_history:
                await hand_over(actor, channel_id, messages=_PAST)
        self._number_id = channel_id
        await self._look()

    @rx.event
    async def send(self, form: PhoneForm):
        """The text goes out from the phone on screen."""
        self.sender, self.sender_name = form["phone_from"], form["phone_name"]
        await self._write(Content("text", form["phone_text"].strip()))

    @rx.event
    async def send_sample(self, kind: Word):
        """A photo, a place, … goes out from the customer's phone."""
        if kind in SAMPLES:
            await self._write(SAMPLES[kind])

    @rx.event
    async def call(self):
        """The customer on screen calls the shop."""
        actor, channel_id = await current_actor(self), parse_id(self.chosen)
        sender = parse_customer(self.sender, None, self.sender_name.strip())
        async with unit_of_work(actor):
            await customer_calls(actor, channel_id, sender=sender)
        self._number_id, self._peer = channel_id, sender.peer
        await self._look()

    @rx.event
    async def vote(self, poll: Line, option: Line):
        """The customer chooses this option of a poll alone, or takes the vote back."""
        bubble = next((row for row in self.bubbles if row.wa_id == poll), None)
        if bubble is None or self.as_owner:
            return
        again = any(choice.chosen and choice.text == option for choice in bubble.options)
        await self._write(Content(VOTE, "" if again else option, target_id=poll))

    async def _write(self, content: Content) -> None:
        actor, channel_id = await current_actor(self), parse_id(self.chosen)
        sender = parse_customer(self.sender, None, self.sender_name.strip())
        if self.as_owner:
            async with unit_of_work(actor):
                await owner_writes(actor, channel_id, to=sender, text=content.text)
        else:
            media, file = await attach(actor, content, file=None)
            async with unit_of_work(actor):
                await customer_writes(actor, channel_id, sender=sender, content=content, media=media, file=file)
                await customer_types(actor, channel_id, sender=sender, on=False)
        self._number_id, self._peer = channel_id, sender.peer
        await self._look()

    @rx.event
    async def type_text(self, text: Text):
        """The shop sees that the customer types."""
        await self._type(bool(text))

    @rx.event
    async def stop_typing(self, _text: Text):
        await self._type(False)

    async def _type(self, on: bool) -> None:
        if self.as_owner or not self.linked or not self._peer:
            return
        actor, channel_id = await current_actor(self), parse_id(self.chosen)
        sender = parse_customer(self.sender, None, self.sender_name.strip())
        async with unit_of_work(actor):
            await customer_types(actor, channel_id, sender=sender, on=on)

    @rx.event
    async def switch_fault(self, kind: Word):
        """The fault begins; one that lasts ends when it is pressed again."""
        actor, channel_id = await current_actor(self), parse_id(self.chosen)
        arguments = FAULTS.get(kind, {})
        if kind in self.faults:
            arguments = {name: ENDED[name] for name in arguments if name in ENDED}
        async with unit_of_work(actor):
            await set_fault(actor, channel_id, kind=kind, **arguments)

    @rx.event
    async def clear_faults(self):
        actor, channel_id = await current_actor(self), parse_id(self.chosen)
        async with unit_of_work(actor):
            await set_fault(actor, channel_id, kind="clear")

    @rx.event
    async def set_auto_receipts(self, on: bool):
        actor, channel_id = await current_actor(self), parse_id(self.chosen)
        async with unit_of_work(actor):
            await set_fault(actor, channel_id, kind="auto_receipts", on=on)

    async def _look(self) -> None:
        """Show the chosen number and chat, now and whenever they change."""
        load = partial(_read, self._number_id, self._peer)
        actor = await live.watch(self, "phone", topics=TOPICS, load=load, show=_show, page=routes.PHONE)
        await _show(self, await load(actor, Changes(everything=True), Reading()))


class _Read:
    def __init__(self, numbers: list[PhoneNumber], number: PhoneNumber | None, phone: Phone) -> None:
        self.numbers, self.number, self.phone = numbers, number, phone


async def _read(number_id: UUID | None, peer: str, actor: Actor, _changes: Changes, reading: Reading) -> _Read:
    async def read() -> _Read:
        async with unit_of_work(actor):
            numbers = await phone_numbers(actor)
            number = preferred(numbers, number_id)
            phone = await read_phone(actor, number.id, peer) if number is not None else Phone()
            return _Read(numbers, number, phone)

    return await reading.once(("phone", actor.company_id, number_id, peer), read)


async def _show(state: PhoneState, read: _Read) -> None:
    locale, actor = await locale_of(state), await current_actor(state)
    number, phone = read.number, read.phone
    waiting = [n for n in read.numbers if n.shows_qr]
    scannable = number if number is not None and number.shows_qr else next(iter(waiting), None)
    assign(
        state,
        loaded=True,
        numbers=number_choices(read.numbers),
        chosen=str(number.id) if number else "",
        status=number.status if number else "",
        linked=phone.linked,
        business=phone.business,
        scannable=str(scannable.id) if scannable else "",
        asks_code=number is not None and number.asks_code,
        people=person_rows(phone.people),
        bubbles=bubble_rows(phone.bubbles, locale, actor.timezone, as_owner=state.as_owner),
        business_types=phone.business_types,
        faults=sorted(phone.faults),
        auto_receipts=phone.auto_receipts,
    )
