"""What an owner sets for one number: how fast it may write, when it is quiet, what becomes of calls, how it connects."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypedDict, Unpack
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.commands import wake_outbox
from saasbot.domain.channels.holding import release_held
from saasbot.domain.channels.new_chats import pause_ahead
from saasbot.domain.channels.pairing import begin_pairing_anew
from saasbot.domain.channels.proxy import proxy_changed, proxy_of, seal_place
from saasbot.domain.channels.proxy_address import masked, parse_proxy
from saasbot.domain.companies.access import access_company
from saasbot.domain.history.chunks import DAYS
from saasbot.infra import events
from saasbot.infra.crypto import Unsealable, seal
from saasbot.infra.errors import InvalidInput
from saasbot.infra.text_input import paragraphs
from saasbot.models import Channel

LONGEST_CALL_MESSAGE = 500
MOST = 100_000
"""Of a limit: more is none."""
UNREADABLE_PROXY = "?"
"""Shown for a proxy that no secret key opens any more."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """What may be shown."""

    proxy: str | None
    """Masked: never with its user and password."""
    history_days: int
    groups_enabled: bool
    reject_calls: bool
    call_message: str
    hourly_limit: int | None
    daily_limit: int | None
    quiet_from: time | None
    quiet_until: time | None
    """Before `quiet_from` where the quiet time goes over midnight."""
    timezone: str
    """Of the company: the quiet hours are by its clock."""
    new_chats_paused_until: datetime | None
    """Only while it lies ahead; nobody sets it, WhatsApp does."""
    new_chats_paused_reason: str | None


class SettingsChanges(TypedDict, total=False):
    """What to change; what is not named stays. None takes away a proxy, a limit or the quiet hours."""

    proxy: str | None
    history_days: int
    groups_enabled: bool
    reject_calls: bool
    call_message: str
    hourly_limit: int | None
    daily_limit: int | None
    quiet_from: str | None
    quiet_until: str | None
    """`HH:MM`, both or none."""


async def get_settings(actor: Actor, channel_id: UUID) -> ChannelSettings:
    """Raises: Forbidden, NotFound."""
    actor.require("channels.write")
    return await _shown(actor, await access_channel(actor, channel_id))


async def change_settings(actor: Actor, channel_id: UUID, **changes: Unpack[SettingsChanges]) -> ChannelSettings:
    """The named settings are changed, or, when one of them is wrong, none. Another proxy makes the number connect anew.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("channels.write")
    await access_channel(actor, channel_id)
    # first the messages, then the number: the outbox locks them in this order
    await release_held(channel_id)
    channel = await access_channel(actor, channel_id, lock=True)
    checked = _check(changes)
    for name, value in checked.items():
        setattr(channel, name, value)
    _check_quiet_hours(channel)
    if "proxy" in changes:
        await _set_proxy(channel, changes["proxy"])
    await record(actor, "channel.settings_changed", channel.id, name=channel.name, fields=sorted(changes))
    events.publish("channel", company_id=actor.company_id, channel_id=channel.id)
    await wake_outbox(channel.id)
    return await _shown(actor, channel)


def _check(changes: SettingsChanges) -> dict[str, object]:
    checked: dict[str, object] = {
        name: changes.get(name) for name in ("groups_enabled", "reject_calls") if name in changes
    }
    if "history_days" in changes:
        if changes["history_days"] not in DAYS:
            raise InvalidInput("history_days", "Choose 0, 7, 30 or 90 days.")
        checked["history_days"] = changes["history_days"]
    if "call_message" in changes:
        checked["call_message"] = paragraphs("call_message", changes["call_message"], longest=LONGEST_CALL_MESSAGE)
    for name in ("hourly_limit", "daily_limit"):
        if name in changes:
            limit = changes.get(name)
            if limit is not None and not 1 <= limit <= MOST:
                raise InvalidInput(name, "Use 1 to {most}, or nothing for no limit.", most=MOST)
            checked[name] = limit
    for name in ("quiet_from", "quiet_until"):
        if name in changes:
            checked[name] = _clock(name, changes.get(name))
    return checked


def _clock(field: str, text: str | None) -> time | None:
    if text is None:
        return None
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise InvalidInput(field, "Write a time as 21:30.")
    return time(int(found[1]), int(found[2]))


def _check_quiet_hours(channel: Channel) -> None:
    if (channel.quiet_from is None) != (channel.quiet_until is None):
        missing = "quiet_until" if channel.quiet_until is None else "quiet_from"
        raise InvalidInput(missing, "Quiet hours need a beginning and an end.")
    if channel.quiet_from is not None and channel.quiet_from == channel.quiet_until:
        raise InvalidInput("quiet_until", "Quiet hours must end at another time than they begin.")


async def _set_proxy(channel: Channel, text: str | None) -> None:
    if text:
        channel.proxy_sealed = seal(parse_proxy(text), seal_place(channel.id))
    elif channel.proxy_sealed is not None:
        channel.proxy_sealed = None
    else:
        return
    await proxy_changed(channel)
    await begin_pairing_anew(channel)


async def _shown(actor: Actor, channel: Channel) -> ChannelSettings:
    company = await access_company(actor)
    ahead = pause_ahead(channel)
    return ChannelSettings(
        proxy=_shown_proxy(channel),
        history_days=channel.history_days,
        groups_enabled=channel.groups_enabled,
        reject_calls=channel.reject_calls,
        call_message=channel.call_message,
        hourly_limit=channel.hourly_limit,
        daily_limit=channel.daily_limit,
        quiet_from=channel.quiet_from,
        quiet_until=channel.quiet_until,
        timezone=company.timezone,
        new_chats_paused_until=ahead,
        new_chats_paused_reason=channel.new_chats_paused_reason if ahead else None,
    )


def _shown_proxy(channel: Channel) -> str | None:
    try:
        url = proxy_of(channel)
    except Unsealable:
        return UNREADABLE_PROXY
    return masked(url) if url is not None else None
