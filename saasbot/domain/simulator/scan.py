"""A phone links a number: it scans the QR that is on screen, or its owner types the eight characters."""

from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.channels.pairing import NothingToScan
from saasbot.domain.simulator.access import access_simulator, ensure_number
from saasbot.domain.simulator.customers import digits_of, lid_of
from saasbot.domain.simulator.faults import changed, unlink
from saasbot.infra.db import session
from saasbot.infra.errors import InvalidInput
from saasbot.models import ChannelPairing, SimNumber
from saasbot.models.table import utcnow


async def scan(
    actor: Actor, channel_id: UUID, *, phone: str, push_name: str = "", code: str | None = None
) -> SimNumber:
    """The phone has scanned what is on screen (or typed `code`, when pairing by code); the number is linked in a moment.

    With the fault `passkey` WhatsApp asks the phone for a passkey instead, which no linked device can answer.
    Raises: Forbidden, InvalidInput, NotFound, NothingToScan.
    """
    actor.require("channels.write")
    channel = await access_simulator(actor, channel_id)
    digits = digits_of(phone, "phone")
    query = select(ChannelPairing).where(ChannelPairing.channel_id == channel_id)
    pairing = (await session().exec(query)).one_or_none()
    if pairing is None or not pairing.code or pairing.expires_at is None or pairing.expires_at <= utcnow():
        raise NothingToScan
    if pairing.phone is not None:
        if code is None:
            raise NothingToScan
        if _letters(code) != _letters(pairing.code):
            raise InvalidInput("code", "That is not the code on screen.")
    number = await ensure_number(channel)
    await unlink(number)  # whatever was linked before
    faults = dict(number.faults)
    refused = faults.pop("passkey", None)
    faults["scan"] = {"attempt": str(pairing.attempt), "result": "passkey_required" if refused else "linked"}
    number.faults = faults
    if not refused:
        number.linked = True
        number.phone, number.lid = digits, lid_of(digits)
        number.push_name = push_name or number.push_name
    await record(actor, "channel.simulated", channel_id, name=channel.name, fault="")
    await changed(number)
    return number


def _letters(code: str) -> str:
    return "".join(c for c in code.upper() if c.isalnum())
