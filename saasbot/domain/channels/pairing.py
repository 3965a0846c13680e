"""Pairing: the attempt on screen is a row that ends with the attempt."""

import re
import unicodedata
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.holding import release_held
from saasbot.domain.channels.incidents import forget_incident
from saasbot.domain.channels.lease import is_held
from saasbot.domain.channels.state import set_state
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.models import Channel, ChannelKind, ChannelPairing, ChannelStatus, Company, Desired
from saasbot.models.table import new_id, utcnow

_DEVICE_NAME, _DEVICE_NAME_LENGTH = "SaaSBot", 40


class NothingToScan(AppError):
    code: ClassVar[str] = "no_qr"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "There is no code to scan right now. Connect the number first."


class NothingToType(AppError):
    code: ClassVar[str] = "no_pair_code"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "There is no code to type right now. Ask for one with a phone number."


class AlreadyPaired(AppError):
    code: ClassVar[str] = "already_paired"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "This number is already linked. Log it out first to link another phone."


_MEXICO_1 = re.compile(r"^\+?\s*52\s*1\s*(?=(?:[\s().-]*\d){10}\s*$)")


def digits_of_phone(phone: str) -> str:
    """E.164 digits of a phone number given with its country code. Raises: InvalidInput."""
    import phonenumbers  # here: a bridge, which imports this module, has no use for its tables

    # Mexico's extra digit, which people still write and WhatsApp still uses, is in no numbering plan any more
    phone = _MEXICO_1.sub(r"+52 ", phone.strip())
    try:
        parsed = phonenumbers.parse(phone if phone.strip().startswith("+") else f"+{phone.strip()}")
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        raise InvalidInput("phone", "Write the phone number with its country code, for example +54 9 11 1234 5678.")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[1:]


async def device_name(actor: Actor) -> str:
    """What the phone lists this server under: the company's name, in one line that fits there."""
    company = await session().get_one(Company, actor.company_id)
    visible = "".join(" " if unicodedata.category(char).startswith("C") else char for char in company.name)
    return " ".join(visible.split())[:_DEVICE_NAME_LENGTH].strip() or _DEVICE_NAME


async def current_pairing(actor: Actor, channel_id: UUID) -> ChannelPairing | None:
    query = select(ChannelPairing).where(
        ChannelPairing.channel_id == channel_id, ChannelPairing.company_id == actor.company_id
    )
    return (await session().exec(query)).one_or_none()


async def request_pair_code(actor: Actor, channel_id: UUID, *, phone: str) -> Channel:
    """Pair by typing a code on this phone instead of scanning: a fresh attempt replaces the one on screen.

    Raises: AlreadyPaired, Forbidden, InvalidInput, NotFound.
    """
    actor.require("channels.write")
    return await _request(actor, channel_id, phone=digits_of_phone(phone))


async def request_qr(actor: Actor, channel_id: UUID, *, any_phone: bool = False) -> Channel:
    """A fresh attempt with a QR: "generate again", or back from pairing by code. Raises as `request_pair_code`.

    `any_phone`: the owner really has another phone number now, so it need not be the one this number had before. That holds
    for the attempts that replace this one on screen, and no longer.
    """
    actor.require("channels.write")
    return await _request(actor, channel_id, phone=None, any_phone=any_phone)


async def _request(actor: Actor, channel_id: UUID, *, phone: str | None, any_phone: bool = False) -> Channel:
    channel = await access_channel(actor, channel_id, lock=True)
    if channel.device_jid is not None:
        raise AlreadyPaired
    replaced = await current_pairing(actor, channel_id)
    any_phone = any_phone or (replaced is not None and replaced.expected_phone is None)
    channel.desired = Desired.RUNNING
    await forget_incident(actor, channel)
    await drop_pairing(channel)
    session().add(
        ChannelPairing(
            channel_id=channel.id,
            company_id=channel.company_id,
            attempt=new_id(),
            phone=phone,
            expected_phone=None if any_phone else channel.phone,
        )
    )
    set_state(channel, ChannelStatus.STARTING, "pairing")
    await record(actor, "channel.pairing_asked", channel.id, name=channel.name, by_code=phone is not None)
    events.publish("channel", company_id=channel.company_id, channel_id=channel.id)
    return channel


async def begin_pairing_anew(channel: Channel) -> None:
    """An attempt under way no longer has what it began with (its proxy): a fresh one takes its place, like it in all else. Not of one
    whose code a phone has used: it is as good as linked."""
    pairing = await session().get(ChannelPairing, channel.id)
    if pairing is None or (channel.status, channel.reason) == (ChannelStatus.STARTING, "linking"):
        return
    pairing.attempt, pairing.code, pairing.expires_at = new_id(), None, None
    set_state(channel, ChannelStatus.STARTING, "pairing")


async def begin_pairing(actor: Actor, channel_id: UUID) -> ChannelPairing:
    """The attempt that the runtime shall run now: the one that was asked for, else a new one with a QR."""
    channel = await access_channel(actor, channel_id, lock=True)
    pairing = await current_pairing(actor, channel_id)
    if pairing is None:
        pairing = ChannelPairing(
            channel_id=channel.id,
            company_id=channel.company_id,
            attempt=new_id(),
            expected_phone=channel.phone,
        )
        session().add(pairing)
        await session().flush()
    pairing.code = pairing.expires_at = None  # of a process that died: it opens nothing any more
    set_state(channel, ChannelStatus.STARTING, "pairing")
    return pairing


async def phones_in_use(actor: Actor, channel_id: UUID) -> frozenset[str]:
    """Digits of the phones that other WhatsApp numbers of the company are linked to. One phone under two numbers would have
    each of its customers answered twice. Simulated phones are whatever somebody types: they may be shared.
    """
    query = select(Channel.phone).where(
        Channel.company_id == actor.company_id,
        Channel.id != channel_id,
        Channel.kind == ChannelKind.WHATSAPP,
        col(Channel.device_jid).is_not(None),
        col(Channel.deleted_at).is_(None),
    )
    return frozenset(phone for phone in (await session().exec(query)).all() if phone is not None)


async def _attempt(actor: Actor, channel_id: UUID, attempt: UUID) -> tuple[Channel, ChannelPairing] | None:
    """The locked number and its pairing, when that attempt is still the one on screen."""
    channel = await access_channel(actor, channel_id, lock=True)
    pairing = await current_pairing(actor, channel_id)
    if pairing is None or pairing.attempt != attempt:
        return None
    return channel, pairing


async def show_code(
    actor: Actor, channel_id: UUID, *, attempt: UUID, code: str, number: int, expires_at: datetime
) -> bool:
    """Put a code on every screen that looks. False when the attempt is no longer wanted: its runner must stop."""
    found = await _attempt(actor, channel_id, attempt)
    if found is None:
        return False
    channel, pairing = found
    pairing.code, pairing.code_number, pairing.expires_at = code, number, expires_at
    set_state(channel, ChannelStatus.PENDING_QR, "pair_code" if pairing.phone else None)
    events.publish("channel", company_id=channel.company_id, channel_id=channel.id)
    return True


async def code_used(actor: Actor, channel_id: UUID, *, attempt: UUID) -> None:
    """The phone has used the code: it leaves the screens while the link is being finished."""
    found = await _attempt(actor, channel_id, attempt)
    if found is None:
        return
    channel, pairing = found
    pairing.code = pairing.expires_at = None
    set_state(channel, ChannelStatus.STARTING, "linking")
    events.publish("channel", company_id=channel.company_id, channel_id=channel.id)


async def complete_pairing(
    actor: Actor, channel_id: UUID, *, attempt: UUID, device_jid: str, phone: str, lid: str | None, push_name: str
) -> bool:
    """The number is linked: its session is remembered and it starts. False when the attempt is no longer wanted, or has failed
    because another number of the company was linked to this phone meanwhile.

    What WhatsApp held against the phone that it had before is not held against another one.
    """
    # first the messages, then the number: the outbox locks them in this order
    await release_held(channel_id)
    found = await _attempt(actor, channel_id, attempt)
    if found is None:
        return False
    channel, _pairing = found
    if channel.kind == ChannelKind.WHATSAPP and phone in await phones_in_use(actor, channel_id):
        await fail_pairing(actor, channel_id, attempt=attempt, reason="phone_in_use")
        return False
    if channel.phone != phone:
        channel.first_linked_at = utcnow()
        channel.new_chats_paused_until = channel.new_chats_paused_reason = None
    channel.device_jid, channel.phone, channel.lid, channel.push_name = device_jid, phone, lid, push_name
    channel.desired = Desired.RUNNING
    await drop_pairing(channel)
    set_state(channel, ChannelStatus.STARTING)
    await record(actor, "channel.linked", channel.id, name=channel.name)
    events.publish("channel", company_id=channel.company_id, channel_id=channel.id)
    return True


async def fail_pairing(actor: Actor, channel_id: UUID, *, attempt: UUID, reason: str) -> None:
    """The attempt is over without a link; the number stops until its owner asks again. Twice is once."""
    found = await _attempt(actor, channel_id, attempt)
    if found is None:
        return
    channel, _pairing = found
    await _fail(channel, reason)


async def give_up_pairing(actor: Actor, channel_id: UUID, *, attempt: UUID | None) -> None:
    """The process of the attempt dies each time, perhaps before it has begun one (None). Nothing when the owner has asked for
    another attempt meanwhile, or has stopped this one and connected the number again, or somebody else links it. Raises: NotFound.
    """
    channel = await access_channel(actor, channel_id, lock=True)
    pairing = await current_pairing(actor, channel_id)
    newer = (pairing.attempt if pairing is not None else None) != attempt
    wanted = channel.desired == Desired.RUNNING and channel.device_jid is None
    if newer or not wanted or await is_held(actor, channel_id):
        return
    await _fail(channel, "pair_error")


async def _fail(channel: Channel, reason: str) -> None:
    await drop_pairing(channel)
    channel.desired = Desired.STOPPED
    status = ChannelStatus.PASSKEY_REQUIRED if reason == "passkey_required" else ChannelStatus.FAILED
    set_state(channel, ChannelStatus.CLOSED if reason == "qr_expired" else status, reason)


async def drop_pairing(channel: Channel) -> None:
    pairing = await session().get(ChannelPairing, channel.id)
    if pairing is not None:
        await session().delete(pairing)
        await session().flush()
