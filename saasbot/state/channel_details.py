"""The details of one number: what became of it, and the hard facts about it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import reflex as rx

from saasbot import routes
from saasbot.domain.actor import Actor
from saasbot.domain.channels.facts import ChannelFacts, read_facts
from saasbot.domain.channels.history import KEPT, Change, read_changes
from saasbot.domain.channels.views import read_channels
from saasbot.domain.history.progress import HistoryView
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.i18n import format_full, gettext
from saasbot.realtime.hub import assign, hub
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.arguments import Id, Line
from saasbot.state.channel_texts import change_moment, history_sentence, reason_sentence
from saasbot.state.durations import duration
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient

_FIRST = 20
_WATCH = "channel-details"
_BEAT, _BEAT_SECONDS = "channel-beat", 5.0
"""No event tells that a holder lives: whoever looks is told to look again, and nobody else."""


@dataclass(frozen=True)
class ChangeRow:
    status: str
    sentence: str
    when: str
    full: str
    lasted: str
    """How long it stayed so; empty for what is so now."""


@dataclass(frozen=True)
class FactRow:
    """`key` says which fact it is: the component has its label."""

    key: str
    value: str
    full: str = ""
    alarming: bool = False


class ChannelDetailsState(rx.State):
    channel_id: rx.Field[str] = rx.field("")
    """The number on the sheet; empty while it is closed."""
    name: rx.Field[str] = rx.field("")
    loaded: rx.Field[bool] = rx.field(False)
    facts: rx.Field[list[FactRow]] = rx.field(default_factory=list)
    changes: rx.Field[list[ChangeRow]] = rx.field(default_factory=list)
    more: rx.Field[bool] = rx.field(False)

    @rx.event
    @patient
    async def open_details(self, channel_id: Id, name: Line):
        """The sheet is open and stays true; what another number showed is gone before this one's is read."""
        self.channel_id, self.name, self.loaded = channel_id, name, False
        self.facts, self.changes = [], []
        await self._look(_FIRST)

    @rx.event
    async def show_more(self):
        """All that is kept."""
        await self._look(KEPT)

    @rx.event
    def close(self, is_open: bool = False):
        if not is_open:
            self.channel_id, self.loaded = "", False
            live.unwatch(self, _WATCH)

    async def _look(self, most: int) -> None:
        number = parse_id(self.channel_id)
        load = partial(_read, number, most)
        topics = ("channel", "conversation", _BEAT)
        actor = await live.watch(self, _WATCH, topics=topics, load=load, show=_show, page=routes.CHANNELS)
        await _show(self, await load(actor, Changes(everything=True), Reading()))


@dataclass(frozen=True)
class _Read:
    actor: Actor
    channel_id: UUID
    facts: ChannelFacts | None
    """Nothing: the number was deleted meanwhile."""
    changes: list[Change]
    history: HistoryView | None
    most: int


async def _read(channel_id: UUID, most: int, actor: Actor, _changes: Changes, reading: Reading) -> _Read:
    async def read() -> tuple[ChannelFacts | None, list[Change], HistoryView | None]:
        hub.tell_later(actor.company_id, _BEAT, _BEAT_SECONDS)
        try:
            async with unit_of_work(actor):
                facts = await read_facts(actor, channel_id)
                changes = await read_changes(actor, channel_id, limit=most + 1)
                views = await read_channels(actor, channel_id=channel_id)
                return facts, changes, views[0].history if views else None
        except NotFound:
            return None, [], None

    return _Read(actor, channel_id, *await reading.once((_WATCH, channel_id, most, actor.timezone), read), most)


async def _show(state: ChannelDetailsState, read: _Read) -> None:
    if state.channel_id != str(read.channel_id):
        return
    if read.facts is None:
        assign(state, channel_id="", loaded=False)
        live.unwatch(state, _WATCH)
        return
    locale, timezone = await locale_of(state), read.actor.timezone
    assign(
        state,
        loaded=True,
        facts=[*_fact_rows(read.facts, locale, timezone), *_history_rows(read.history, locale)],
        changes=_change_rows(read.changes, locale, timezone)[: read.most],
        more=len(read.changes) > read.most,
    )


def _change_rows(changes: list[Change], locale: str, timezone: str) -> list[ChangeRow]:
    """Newest first; the one before in the list is what ended it."""
    zone, now = ZoneInfo(timezone), datetime.now(UTC)
    ends = [None, *(change.at for change in changes)]
    return [
        ChangeRow(
            status=change.status,
            sentence=reason_sentence(change.reason, locale),
            when=change_moment(change.at, zone, locale, now=now),
            full=format_full(change.at, zone, locale),
            lasted=duration((end - change.at).total_seconds(), locale) if end is not None else "",
        )
        for change, end in zip(changes, ends, strict=False)
    ]


def _history_rows(history: HistoryView | None, locale: str) -> list[FactRow]:
    """Earlier chats, for a number that has or awaits some."""
    if history is None or (history.days == 0 and history.messages == 0):
        return []
    if history.running or history.messages:
        return [FactRow("history", history_sentence(history, locale))]
    return [FactRow("history", gettext(locale, "none yet"))]


def _fact_rows(facts: ChannelFacts, locale: str, timezone: str) -> list[FactRow]:
    zone, now = ZoneInfo(timezone), datetime.now(UTC)

    def moment(key: str, at: datetime | None) -> FactRow:
        if at is None:
            return FactRow(key, "–")
        return FactRow(key, change_moment(at, zone, locale, now=now), format_full(at, zone, locale))

    who = gettext(locale, "nobody")
    if facts.held:
        who = gettext(locale, "process {pid} on {host}", pid=facts.pid or "?", host=facts.host or "?")
    queue = str(facts.queued)
    if facts.oldest_queued_at is not None:
        waits = duration((now - facts.oldest_queued_at).total_seconds(), locale)
        queue = gettext(locale, "{n}, the oldest for {time}", n=facts.queued, time=waits)
    gap: list[FactRow] = []
    if facts.gap_began_at is not None:
        ends = "…" if facts.gap_ended_at is None else change_moment(facts.gap_ended_at, zone, locale, now=now)
        gap.append(FactRow("gap", f"{change_moment(facts.gap_began_at, zone, locale, now=now)} – {ends}"))
    memory = f"{facts.memory_bytes / 1024**2:.0f} MB" if facts.memory_bytes and facts.held else "–"
    return [
        moment("last_message", facts.last_message_at),
        moment("last_receipt", facts.last_receipt_at),
        *([] if facts.heard_at is None else [moment("heard", facts.heard_at)]),
        moment("seen", facts.seen_at),
        *gap,
        FactRow("queued", queue),
        FactRow("unconfirmed", str(facts.unconfirmed), alarming=facts.unconfirmed > 0),
        FactRow("restarts", str(facts.restarts_today), alarming=facts.restarts_today > 0),
        FactRow("holder", who),
        FactRow("epoch", str(facts.epoch)),
        FactRow("memory", memory),
    ]
