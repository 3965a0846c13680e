"""The dashboard: today at a glance, live."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import reflex as rx

from saasbot import routes
from saasbot.domain import reports
from saasbot.domain.actor import Actor
from saasbot.domain.channels.views import ChannelView, read_channels
from saasbot.domain.reports import HandOff, Setup, Today
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import format_ago, format_full, format_when, gettext
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.channel_texts import status_sentence
from saasbot.state.durations import duration
from saasbot.state.hand_off_texts import hand_off_sentence
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient

TOPICS = ("conversation", "channel", "company", "product")
_MANAGE = "company.write"


@dataclass(frozen=True)
class WaitingRow:
    href: str
    name: str
    channel: str
    preview: str
    ago: str
    full: str


@dataclass(frozen=True)
class HandOffRow:
    href: str
    name: str
    reason: str
    when: str
    full: str
    taken_by: str


@dataclass(frozen=True)
class NumberRow:
    name: str
    status: str
    sentence: str


@dataclass(frozen=True)
class HourBar:
    label: str
    messages: int
    height: int
    """In per cent of the busiest hour."""


@dataclass(frozen=True)
class Figures:
    """Already in words and digits of the reader's language."""

    waiting: int = 0
    waiting_more: bool = False
    conversations: int = 0
    answered: int = 0
    by_bot: int = 0
    bot_share: str = ""
    response: str = "–"
    messages: int = 0


class DashboardState(rx.State):
    loaded: rx.Field[bool] = rx.field(False)
    figures: rx.Field[Figures] = rx.field(default_factory=Figures)
    waiting: rx.Field[list[WaitingRow]] = rx.field(default_factory=list)
    hand_offs: rx.Field[list[HandOffRow]] = rx.field(default_factory=list)
    numbers: rx.Field[list[NumberRow]] = rx.field(default_factory=list)
    hours: rx.Field[list[HourBar]] = rx.field(default_factory=list)
    missing: rx.Field[list[str]] = rx.field(default_factory=list)
    """Steps of the wizard that are still open, for those who may do them."""

    @rx.event
    @patient
    async def load(self):
        """The page opens: today so far, and from now on what changes."""
        actor = await live.watch(self, "dashboard", topics=TOPICS, load=_read, show=_show, page=self.router.route_id)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))


@dataclass(frozen=True)
class _Found:
    actor: Actor
    today: Today
    hand_offs: list[HandOff]
    numbers: list[ChannelView]
    setup: Setup


async def _read(actor: Actor, _changes: Changes, reading: Reading) -> _Found:
    async def read() -> tuple[Today, list[HandOff], list[ChannelView], Setup]:
        async with unit_of_work(actor):
            return (
                await reports.read_today(actor),
                await reports.last_hand_offs(actor),
                await read_channels(actor),
                await reports.read_setup(actor),
            )

    return _Found(actor, *await reading.once(("dashboard", actor.company_id, actor.timezone), read))


async def _show(state: DashboardState, found: _Found) -> None:
    locale, actor, today = await locale_of(state), found.actor, found.today
    assign(
        state,
        figures=_figures(today, locale),
        waiting=[_waiting(row, actor, locale) for row in today.waiting_first],
        hand_offs=[_hand_off(row, actor, locale) for row in found.hand_offs],
        numbers=[_number(view, locale, actor.timezone) for view in found.numbers],
        hours=_hours(today),
        missing=list(found.setup.missing) if _MANAGE in actor.permissions else [],
        loaded=True,
    )


def _number(view: ChannelView, locale: str, timezone: str) -> NumberRow:
    """Calm, as the frame is: it looks again when a blip has lasted too long, and so does this page."""
    calm = reports.calm_status(view.status, view.since, datetime.now(UTC))
    return NumberRow(view.name, calm, status_sentence(view, locale, timezone) if calm == view.status else "")


def _figures(today: Today, locale: str) -> Figures:
    share = round(100 * today.by_bot / today.conversations) if today.conversations else 0
    return Figures(
        waiting=today.waiting,
        waiting_more=today.waiting >= reports.COUNTED,
        conversations=today.conversations,
        answered=today.answered,
        by_bot=today.by_bot,
        bot_share=gettext(locale, "{n} % of {all} chats", n=share, all=today.conversations) if share else "",
        response=duration(today.response_seconds, locale),
        messages=sum(today.by_hour),
    )


def _waiting(row: reports.Waiting, actor: Actor, locale: str) -> WaitingRow:
    return WaitingRow(
        href=routes.conversation(str(row.conversation_id)),
        name=row.contact_name or gettext(locale, "Unknown"),
        channel=row.channel_name,
        preview=row.preview,
        ago=format_ago(row.since, locale, now=datetime.now(UTC)),
        full=format_full(row.since, ZoneInfo(actor.timezone), locale),
    )


def _hand_off(row: HandOff, actor: Actor, locale: str) -> HandOffRow:
    zone = ZoneInfo(actor.timezone)
    return HandOffRow(
        href=routes.conversation(str(row.conversation_id)),
        name=row.contact_name or gettext(locale, "Unknown"),
        reason=hand_off_sentence(row.reason, locale),
        when=format_when(row.at, zone, locale, now=datetime.now(UTC)),
        full=format_full(row.at, zone, locale),
        taken_by=row.taken_by,
    )


def _hours(today: Today) -> list[HourBar]:
    most = max(today.by_hour, default=0)
    return [
        HourBar(f"{hour}:00", messages, round(100 * messages / most) if most else 0)
        for hour, messages in enumerate(today.by_hour)
    ]
