"""`/channels`: numbers, their pairing, and messages that start with a phone number."""

import asyncio
from datetime import datetime
from typing import Literal
from uuid import UUID

import segno
from fastapi import Response
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.idempotency import ClientToken
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.channels.facts import ChannelFacts, read_facts
from saasbot.domain.channels.history import Change, read_changes
from saasbot.domain.channels.pairing import NothingToScan, NothingToType, request_pair_code, request_qr
from saasbot.domain.channels.views import ChannelView, read_channels
from saasbot.domain.history.choose import choose_history
from saasbot.domain.inbox.send import send_to_phone
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound

router = ApiRouter("channels")

_CODE_POLLS, _CODE_POLL_SECONDS = 40, 0.25


class NewChannel(Body):
    kind: Literal["whatsapp", "simulator"]
    name: str
    bot_id: UUID | None = None


class Connect(Body):
    any_phone: bool = False
    """Whichever phone scans becomes the number's; without it only the one it had before."""
    history_days: int | None = None
    """Of the past, how many days are taken over when a phone links it: 0, 7, 30 or 90. Null: as it was."""


class PairByPhone(Body):
    phone: str


class NewMessage(Body):
    to: str
    text: str


class HistoryOut(BaseModel):
    """Earlier chats, taken over when a phone links the number."""

    days: int
    """How many days of them its owner wants: 0, 7, 30 or 90."""
    percent: int | None
    """As the phone counts what it has sent; null before the first part."""
    messages: int
    chats: int
    running: bool
    finished_at: datetime | None


class ChannelOut(BaseModel):
    id: UUID
    kind: str
    name: str
    phone: str | None
    bot_id: UUID | None
    bot_enabled: bool
    status: str
    reason: str | None
    since: datetime
    retry_at: datetime | None
    linked: bool
    created_at: datetime
    history: HistoryOut

    @classmethod
    def of(cls, view: ChannelView) -> "ChannelOut":
        return cls.model_validate(view, from_attributes=True)


class FactsOut(BaseModel):
    """What its processes wrote down; null is what none of them did."""

    last_message_at: datetime | None
    last_receipt_at: datetime | None
    seen_at: datetime | None
    """When its holder last renewed its lease: every few seconds while it lives."""
    heard_at: datetime | None
    """When it last heard WhatsApp: a message, a receipt, or an answer to its own question."""
    held: bool
    host: str | None
    pid: int | None
    epoch: int
    """How many times a process took the number up."""
    memory_bytes: int | None
    """Of the holder's whole process."""
    restarts_today: int
    queued: int
    oldest_queued_at: datetime | None
    gap_began_at: datetime | None
    gap_ended_at: datetime | None
    """The last time, within 30 days, in which messages may have been lost."""
    unconfirmed: int

    @classmethod
    def of(cls, facts: ChannelFacts) -> "FactsOut":
        return cls.model_validate(facts, from_attributes=True)


class ChannelDetailOut(ChannelOut):
    facts: FactsOut


class ChangeOut(BaseModel):
    id: int
    at: datetime
    status: str
    reason: str | None

    @classmethod
    def of(cls, change: Change) -> "ChangeOut":
        return cls.model_validate(change, from_attributes=True)


class QrOut(BaseModel):
    code: str
    png_data_uri: str
    expires_at: datetime


class PairCodeOut(BaseModel):
    code: str | None
    """Eight characters to type on the phone."""
    expires_at: datetime | None

    @classmethod
    def of(cls, view: ChannelView) -> "PairCodeOut | None":
        """What is on screen, when it is to be typed."""
        if view.status != "pending_qr" or not view.pairing_phone or not view.pairing_code:
            return None
        return cls(code=view.pairing_code, expires_at=view.pairing_expires_at)


class QueuedOut(BaseModel):
    message_id: UUID


async def _read(actor: Actor, channel_id: UUID) -> ChannelOut:
    found = await read_channels(actor, channel_id=channel_id)
    if not found:
        raise NotFound
    return ChannelOut.of(found[0])


@router.get("")
async def list_channels(actor: CurrentActor, page: CurrentPage) -> Listing[ChannelOut]:
    """Every number, oldest first."""
    after = page.after(datetime, UUID)
    async with unit_of_work(actor):
        views = await read_channels(actor)
    rest = [view for view in views if after is None or (view.created_at, view.id) > after]
    shown, more = rest[: page.limit], len(rest) > page.limit
    cursor = next_cursor(shown[-1].created_at, shown[-1].id) if more else None
    return Listing(data=[ChannelOut.of(view) for view in shown], next_cursor=cursor)


@router.post("", status_code=201)
async def add_channel(actor: CurrentActor, body: NewChannel) -> ChannelOut:
    """A new number, closed."""
    async with unit_of_work(actor):
        channel = await channels.add_channel(actor, kind=body.kind, name=body.name, bot_id=body.bot_id)
        return await _read(actor, channel.id)


@router.get("/{channel_id}")
async def get_channel(actor: CurrentActor, channel_id: UUID) -> ChannelDetailOut:
    """The number, its state, and the hard facts about it."""
    async with unit_of_work(actor):
        channel = await _read(actor, channel_id)
        facts = await read_facts(actor, channel_id)
    return ChannelDetailOut(**channel.model_dump(), facts=FactsOut.of(facts))


@router.get("/{channel_id}/changes")
async def list_changes(actor: CurrentActor, channel_id: UUID, page: CurrentPage) -> Listing[ChangeOut]:
    """What its state became, newest first. The newest 200 changes are kept."""
    after = page.after(int)
    async with unit_of_work(actor):
        found = await read_changes(actor, channel_id, before=after[0] if after else None, limit=page.limit + 1)
    shown, more = found[: page.limit], len(found) > page.limit
    return Listing(
        data=[ChangeOut.of(change) for change in shown], next_cursor=next_cursor(shown[-1].id) if more else None
    )


@router.delete("/{channel_id}", status_code=204)
async def delete_channel(actor: CurrentActor, channel_id: UUID) -> Response:
    """Unlink it and take it off every list; its chats stay readable."""
    async with unit_of_work(actor):
        await channels.delete_channel(actor, channel_id)
    return Response(status_code=204)


@router.post("/{channel_id}/connect")
async def connect(actor: CurrentActor, channel_id: UUID, body: Connect | None = None) -> ChannelOut:
    """The number shall run; without a session it shows a QR, for the phone it had before unless `any_phone` is true."""
    async with unit_of_work(actor):
        channel = await channels.connect(actor, channel_id)
        if body is not None and body.history_days is not None:
            await choose_history(actor, channel_id, days=body.history_days)
        if body is not None and body.any_phone and channel.device_jid is None:
            await request_qr(actor, channel_id, any_phone=True)
        return await _read(actor, channel_id)


@router.post("/{channel_id}/disconnect")
async def disconnect(actor: CurrentActor, channel_id: UUID) -> ChannelOut:
    """The number shall stop, and stay stopped over restarts; its session stays linked."""
    async with unit_of_work(actor):
        await channels.disconnect(actor, channel_id)
        return await _read(actor, channel_id)


@router.post("/{channel_id}/logout")
async def logout(actor: CurrentActor, channel_id: UUID) -> ChannelOut:
    """The number has no session any more. The phone no longer lists this device when the number was connected; otherwise the
    reason becomes `unlink_on_phone` within a minute, and somebody must remove it there."""
    async with unit_of_work(actor):
        await channels.logout(actor, channel_id)
        return await _read(actor, channel_id)


@router.get("/{channel_id}/qr")
async def qr(actor: CurrentActor, channel_id: UUID) -> QrOut:
    """The QR that is on screen now; 409 `no_qr` when there is none."""
    async with unit_of_work(actor):
        found = await read_channels(actor, channel_id=channel_id)
        if not found:
            raise NotFound
    view = found[0]
    if view.status != "pending_qr" or view.pairing_code is None or view.pairing_phone or not view.pairing_expires_at:
        raise NothingToScan
    image = segno.make(view.pairing_code, error="l").png_data_uri(scale=6, border=2)
    return QrOut(code=view.pairing_code, png_data_uri=image, expires_at=view.pairing_expires_at)


@router.post("/{channel_id}/pair-code", status_code=202)
async def pair_code(actor: CurrentActor, channel_id: UUID, body: PairByPhone) -> PairCodeOut:
    """A fresh attempt by phone number. The code comes from WhatsApp within seconds; null when it is later than ten: `GET` has it
    then, while another `POST` would discard the attempt."""
    async with unit_of_work(actor):
        await request_pair_code(actor, channel_id, phone=body.phone)
    for _ in range(_CODE_POLLS):
        async with unit_of_work(actor):
            found = await read_channels(actor, channel_id=channel_id)
        if found and (shown := PairCodeOut.of(found[0])):
            return shown
        await asyncio.sleep(_CODE_POLL_SECONDS)
    return PairCodeOut(code=None, expires_at=None)


@router.get("/{channel_id}/pair-code")
async def shown_pair_code(actor: CurrentActor, channel_id: UUID) -> PairCodeOut:
    """The code to type that is on screen now; 409 `no_pair_code` when there is none, or none yet."""
    async with unit_of_work(actor):
        found = await read_channels(actor, channel_id=channel_id)
        if not found:
            raise NotFound
    if (shown := PairCodeOut.of(found[0])) is None:
        raise NothingToType
    return shown


@router.post("/{channel_id}/messages", status_code=202)
async def send(actor: CurrentActor, channel_id: UUID, body: NewMessage, client_token: ClientToken) -> QueuedOut:
    """Queue a text to a phone number."""
    async with unit_of_work(actor):
        message = await send_to_phone(actor, channel_id, to=body.to, text=body.text, client_token=client_token)
    return QueuedOut(message_id=message.id)
