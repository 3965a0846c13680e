"""The door to a simulated number, and how its holder is woken."""

import json
from typing import Any, ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.manage import SimulatorOff
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.errors import AppError, NotFound
from saasbot.infra.settings import settings
from saasbot.models import Channel, ChannelKind, SimNumber

TOPIC = "saasbot_sim"
"""Notification channel of the network's servers: what waits for a number, scans, faults, typing."""

EVENT = "simulator"
"""Kind of the bus event that tells phones on screen that something about a simulated number has changed."""


class NotLinked(AppError):
    code: ClassVar[str] = "not_linked"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "No phone is linked to this number. Scan its QR first."


async def access_simulator(actor: Actor, channel_id: UUID) -> Channel:
    """A simulator channel of the actor's company. Raises: NotFound, for real numbers too; SimulatorOff."""
    if not settings().simulator:
        raise SimulatorOff
    channel = await access_channel(actor, channel_id)
    if channel.kind != ChannelKind.SIMULATOR:
        raise NotFound
    return channel


async def find_number(channel_id: UUID, *, lock: bool = False) -> SimNumber | None:
    """What the network knows of a number; nothing when no phone ever scanned its QR."""
    query = select(SimNumber).where(SimNumber.channel_id == channel_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return (await session().exec(query)).one_or_none()


async def access_linked(actor: Actor, channel_id: UUID) -> SimNumber:
    """The phone of a linked number. Raises: NotFound, NotLinked, SimulatorOff."""
    if not settings().simulator:
        raise SimulatorOff
    query = (
        select(SimNumber)
        .join(Channel, col(Channel.id) == col(SimNumber.channel_id))
        .where(
            SimNumber.channel_id == channel_id,
            SimNumber.company_id == actor.company_id,
            col(SimNumber.linked),
            Channel.kind == ChannelKind.SIMULATOR,
            col(Channel.deleted_at).is_(None),
        )
    )
    number = (await session().exec(query)).one_or_none()
    if number is None:
        await access_simulator(actor, channel_id)
        raise NotLinked
    return number


async def ensure_number(channel: Channel) -> SimNumber:
    """The locked row of a simulator channel, made where there is none."""
    await sql(
        """
        INSERT INTO sim_number (channel_id, company_id, push_name, linked, auto_receipts, faults)
        VALUES (:channel, :company, '', false, true, '{}') ON CONFLICT DO NOTHING
        """,
        channel=channel.id,
        company=channel.company_id,
    )
    number = await find_number(channel.id, lock=True)
    assert number is not None
    return number


async def wake(channel_id: UUID, **what: Any) -> None:
    """Tell whoever holds the number, when the transaction commits.

    `due` are the milliseconds after which something waits for it, `changed` says that its link or faults moved, `presence` is a
    typing event that nobody keeps.
    """
    await sql("SELECT pg_notify(:topic, :payload)", topic=TOPIC, payload=wake_payload(channel_id, **what))


def wake_payload(channel_id: UUID, **what: Any) -> str:
    """What `wake` says, for statements that notify by themselves."""
    return json.dumps({"channel": str(channel_id), **what})


def tell_phones(company_id: UUID, channel_id: UUID) -> None:
    """Phones on screen look again, when the transaction commits."""
    events.publish(EVENT, company_id=company_id, channel_id=channel_id)
