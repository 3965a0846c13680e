"""`/sim/v1`: control of the simulated network, for tests and for trying the product. Only with SAASBOT_SIMULATOR=1.

There is no login: it answers clients of this very machine, by the address of their socket and without a proxy between (the
gate refuses foreign host names and origins before).
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute

from saasbot.api.clients import is_from_this_machine
from saasbot.api.simulator_media import read_media
from saasbot.api.simulator_schemas import (
    CustomerMessage,
    Done,
    Fault,
    Linked,
    NewCall,
    PhoneMessage,
    PresenceList,
    PresenceOut,
    Receipts,
    Scan,
    SentList,
    SentOut,
    Typing,
    Written,
)
from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import company_of_simulator
from saasbot.domain.simulator import read
from saasbot.domain.simulator.customers import parse_chat, parse_customer
from saasbot.domain.simulator.faults import set_fault
from saasbot.domain.simulator.scan import scan
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, NotFound
from saasbot.infra.settings import settings
from saasbot.wa_runtime.simulator import network
from saasbot.wa_runtime.simulator.past import hand_over

_COMPANIES_REMEMBERED = 1_000
_companies: dict[UUID, UUID] = {}
"""By number: one question less for each call of a program that measures how fast messages arrive."""


class OnlyThisMachine(AppError):
    code: ClassVar[str] = "only_this_machine"
    status: ClassVar[int] = 403
    message: ClassVar[str] = "The simulator's control only answers programs on the same machine."


class _OnlyHere(APIRoute):
    """Looks at who asks before anything of the request is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def checked(request: Request) -> Response:
            if not settings().simulator:
                raise NotFound
            if not is_from_this_machine(request.scope):
                raise OnlyThisMachine
            return await answer(request)

        return checked


router = APIRouter(prefix="/sim/v1/channels/{channel_id}", route_class=_OnlyHere, include_in_schema=False)


After = Annotated[int, Query(ge=0, lt=2**63, description="The `seq` of the last one that is known already.")]


@router.post("/scan", status_code=202)
async def scan_qr(channel_id: UUID, body: Scan) -> Linked:
    """A phone scans the QR that is on screen now; 409 `no_qr` when there is none. The number opens in a moment."""
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        number = await scan(actor, channel_id, phone=body.phone, push_name=body.push_name, code=body.code)
        if number.linked:
            past = body.history
            await hand_over(actor, channel_id, messages=past.messages, chats=past.chats, parts=past.parts)
    return Linked(phone=body.phone, push_name=body.push_name)


@router.post("/messages", status_code=202)
async def write_as_customer(channel_id: UUID, body: CustomerMessage) -> Written:
    """A customer writes. The same `id` twice is the same WhatsApp event twice."""
    actor = await _actor(channel_id)
    sender, content, at = body.customer(), body.content(), body.moment()
    content.check()
    file, mime = await read_media(body.media_url, body.media_base64, body.mime)
    media, file = await network.attach(actor, content, file=file, mime=mime, file_name=body.file_name)
    async with unit_of_work(actor):
        wa_id = await network.customer_writes(
            actor, channel_id, sender=sender, content=content, media=media, file=file, wa_id=body.id, at=at
        )
    return Written(wa_id=wa_id)


@router.post("/phone-messages", status_code=202)
async def write_as_owner(channel_id: UUID, body: PhoneMessage) -> Written:
    """The owner writes on the phone itself: the number hears an echo."""
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        wa_id = await network.owner_writes(actor, channel_id, to=parse_chat(body.to, field="to"), text=body.text)
    return Written(wa_id=wa_id)


@router.post("/receipts", status_code=202)
async def confirm(channel_id: UUID, body: Receipts) -> Done:
    """Customers' phones got or showed these messages of the number; 404 when one of them was never sent."""
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        await network.customer_confirms(actor, channel_id, wa_ids=body.wa_ids, kind=body.kind)
    return Done()


@router.post("/typing", status_code=202)
async def type_as_customer(channel_id: UUID, body: Typing) -> Done:
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        await network.customer_types(actor, channel_id, sender=parse_customer(body.sender, body.lid), on=body.on)
    return Done()


@router.post("/calls", status_code=202)
async def call_as_customer(channel_id: UUID, body: NewCall) -> Written:
    """A customer calls. `presence` tells when the number has hung up (`rejected`, with the call's id)."""
    actor = await _actor(channel_id)
    sender = parse_customer(body.sender, body.lid, body.name)
    async with unit_of_work(actor):
        return Written(wa_id=await network.customer_calls(actor, channel_id, sender=sender, video=body.video))


@router.get("/sent")
async def list_sent(channel_id: UUID, after: After = 0) -> SentList:
    """Everything the number really sent, oldest first, at most 10,000 at a time."""
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        found = await read.sent_messages(actor, channel_id, after=after)
    return SentList(data=[SentOut.of(message) for message in found])


@router.get("/presence")
async def list_presence(channel_id: UUID, after: After = 0) -> PresenceList:
    """Typing and read marks that the number showed, oldest first, at most 10,000 at a time."""
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        found = await read.presences(actor, channel_id, after=after)
    return PresenceList(data=[PresenceOut.of(presence) for presence in found])


@router.post("/faults", status_code=202)
async def break_network(channel_id: UUID, body: Fault) -> Done:
    """The network misbehaves towards this number (`domain/simulator/faults.py`)."""
    actor = await _actor(channel_id)
    async with unit_of_work(actor):
        await set_fault(
            actor,
            channel_id,
            kind=body.kind,
            seconds=body.seconds,
            times=body.times,
            code=None if body.code is None else str(body.code),
            ms=body.ms,
            window=body.window,
            on=body.on,
        )
    return Done()


async def _actor(channel_id: UUID) -> Actor:
    """Whoever controls the network acts for the number's company, which never changes. Raises: NotFound."""
    company_id = _companies.get(channel_id) or await company_of_simulator(channel_id)
    if company_id is None:
        raise NotFound
    _companies[channel_id] = company_id
    while len(_companies) > _COMPANIES_REMEMBERED:
        del _companies[next(iter(_companies))]
    return Actor.system(company_id)
