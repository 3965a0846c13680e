"""What the owner does with numbers. Wishes are rows (`desired`); the runtime makes them true and reports back."""

from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.commands import SAY_STATE, send_command
from saasbot.domain.channels.incidents import forget_incident
from saasbot.domain.channels.lease import is_held
from saasbot.domain.channels.outbox_drops import drop_queued_of_channel
from saasbot.domain.channels.outdated import CLIENT_OUTDATED
from saasbot.domain.channels.pairing import drop_pairing
from saasbot.domain.channels.state import set_state, waits_for_block_to_end
from saasbot.domain.channels.unlinking import LOGGED_OUT_BY_USER, forget_session_later
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, InvalidInput, NotFound
from saasbot.infra.settings import settings
from saasbot.models import Bot, Channel, ChannelKind, ChannelStatus, Desired
from saasbot.models.table import utcnow

MAX_NAME = 80


class SimulatorOff(AppError):
    code: ClassVar[str] = "simulator_off"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "The simulator is off on this server."


def _clean_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("name", "Give the number a name.")
    if len(name) > MAX_NAME:
        raise InvalidInput("name", "Use at most {limit} characters.", limit=MAX_NAME)
    return name


async def _check_bot(actor: Actor, bot_id: UUID | None) -> None:
    if bot_id is None:
        return
    found = await session().exec(select(Bot.id).where(Bot.id == bot_id, Bot.company_id == actor.company_id))
    if found.one_or_none() is None:
        raise NotFound


async def list_channels(actor: Actor) -> list[Channel]:
    """Every number of the company, oldest first."""
    actor.require("channels.read")
    query = (
        select(Channel)
        .where(Channel.company_id == actor.company_id, col(Channel.deleted_at).is_(None))
        .order_by(col(Channel.created_at), col(Channel.id))
    )
    return list((await session().exec(query)).all())


async def add_channel(actor: Actor, *, kind: str, name: str, bot_id: UUID | None = None) -> Channel:
    """A new number, closed. Without `bot_id` the company's first bot answers on it.

    Raises: Forbidden, InvalidInput, NotFound, SimulatorOff.
    """
    actor.require("channels.write")
    if kind not in set(ChannelKind):
        raise InvalidInput("kind", "Choose whatsapp or simulator.")
    if kind == ChannelKind.SIMULATOR and not settings().simulator:
        raise SimulatorOff
    await _check_bot(actor, bot_id)
    if bot_id is None:
        first = select(Bot.id).where(Bot.company_id == actor.company_id).order_by(col(Bot.created_at)).limit(1)
        bot_id = (await session().exec(first)).one_or_none()
    channel = Channel(company_id=actor.company_id, kind=ChannelKind(kind), name=_clean_name(name), bot_id=bot_id)
    session().add(channel)
    await record(actor, "channel.added", channel.id, name=channel.name, kind=channel.kind)
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
    return channel


async def update_channel(
    actor: Actor,
    channel_id: UUID,
    *,
    name: str | None = None,
    bot_id: UUID | None = None,
    bot_enabled: bool | None = None,
) -> Channel:
    """Rename it, give it another bot, or switch its bot on and off; what is None stays."""
    actor.require("channels.write")
    channel = await access_channel(actor, channel_id, lock=True)
    await _check_bot(actor, bot_id)
    if name is not None:
        channel.name = _clean_name(name)
    if bot_id is not None:
        channel.bot_id = bot_id
    if bot_enabled is not None:
        channel.bot_enabled = bot_enabled
    await record(actor, "channel.changed", channel.id, name=channel.name)
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
    return channel


async def connect(actor: Actor, channel_id: UUID) -> Channel:
    """The number shall run: it connects with its session, or shows a QR when it has none. Twice is once: one that somebody works
    for stays as that one says it is, and one that waits for a block of WhatsApp to end goes on waiting.
    """
    actor.require("channels.write")
    channel = await access_channel(actor, channel_id, lock=True)
    held = channel.device_jid is not None and (waits_for_block_to_end(channel) or await is_held(actor, channel_id))
    if not held or channel.desired != Desired.RUNNING:
        channel.desired = Desired.RUNNING
        await forget_incident(actor, channel)
        if channel.status not in (ChannelStatus.OPEN, ChannelStatus.PENDING_QR, ChannelStatus.RECONNECTING):
            set_state(channel, ChannelStatus.STARTING)
        if channel.device_jid is not None:
            # who holds it, or will again, may never hear that it was stopped, and says what is new only
            await send_command(channel, SAY_STATE)
    await record(actor, "channel.connected", channel.id, name=channel.name)
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
    return channel


async def disconnect(actor: Actor, channel_id: UUID) -> Channel:
    """The number shall stop, and stay stopped over restarts; its session stays linked. Also cancels a pairing or a retry."""
    actor.require("channels.write")
    channel = await access_channel(actor, channel_id, lock=True)
    channel.desired = Desired.STOPPED
    await drop_pairing(channel)
    await forget_incident(actor, channel)
    set_state(channel, ChannelStatus.CLOSED, "stopped_by_user")
    await record(actor, "channel.disconnected", channel.id, name=channel.name)
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
    return channel


async def resume_outdated(actor: Actor, channel_id: UUID) -> None:
    """A number whose client was too old runs again: a newer one is installed. Nothing where its owner has stopped or connected it
    meanwhile. Raises: NotFound."""
    channel = await access_channel(actor, channel_id, lock=True)
    if (channel.status, channel.reason) == (ChannelStatus.FAILED, CLIENT_OUTDATED):
        channel.desired = Desired.RUNNING
        set_state(channel, ChannelStatus.STARTING)


async def logout(actor: Actor, channel_id: UUID) -> Channel:
    """The number has no session any more. It keeps its id, chats and settings, and can be paired again.

    Its holder sees the wish and tells WhatsApp: the phone no longer lists the device. Of a number that is not connected the phone
    goes on listing it, and its owner reads so (`unlinking.py`).
    """
    actor.require("channels.write")
    channel = await access_channel(actor, channel_id, lock=True)
    channel.desired = Desired.STOPPED
    await drop_pairing(channel)
    await forget_incident(actor, channel)
    if channel.device_jid is not None:
        await send_command(channel, "logout")
        await forget_session_later(channel)
    channel.device_jid = None
    set_state(channel, ChannelStatus.LOGGED_OUT, LOGGED_OUT_BY_USER)
    await record(actor, "channel.unlinked", channel.id, name=channel.name)
    return channel


async def delete_channel(actor: Actor, channel_id: UUID) -> None:
    """The number is gone from every list and its session as with `logout`; its chats stay readable, and what waited in them has
    failed."""
    actor.require("channels.write")
    await access_channel(actor, channel_id)
    await drop_queued_of_channel(actor, channel_id, error="number_deleted")
    channel = await logout(actor, channel_id)
    channel.deleted_at = utcnow()
    await record(actor, "channel.deleted", channel.id, name=channel.name)
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
