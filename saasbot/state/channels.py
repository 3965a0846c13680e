"""The numbers page: cards, and the pairing on screen."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired
from uuid import UUID

import reflex as rx
from typing_extensions import TypedDict

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.bots.edit import list_bots
from saasbot.domain.channels.pairing import request_pair_code, request_qr
from saasbot.domain.channels.views import ChannelView, read_channels
from saasbot.domain.history.choose import choose_history
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text, gettext
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.arguments import EXACT, Id, Line, Text, Whole, Word
from saasbot.state.channel_rows import BotChoice, ChannelRow, PairingView, channel_row, pairing_view
from saasbot.state.ids import parse_id
from saasbot.state.inbox_reading import PAUSE_BEAT, look_again
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import current_actor

TOPICS = ("channel", "bot", PAUSE_BEAT)


class NumberForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    channel_name: Text
    kind: Word
    channel_bot: NotRequired[Id | None]
    """Only asked where there is a choice; Reflex sends nothing, or null, for a control that is not on screen."""


class PairForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    pair_phone: Text


class ChannelsState(rx.State):
    rows: rx.Field[list[ChannelRow]] = rx.field(default_factory=list)
    bots: rx.Field[list[BotChoice]] = rx.field(default_factory=list)
    loaded: rx.Field[bool] = rx.field(False)

    adding: rx.Field[bool] = rx.field(False)
    name_error: rx.Field[str] = rx.field("")

    pairing_id: rx.Field[str] = rx.field("")
    pairing_name: rx.Field[str] = rx.field("")
    pairing: rx.Field[PairingView] = rx.field(default_factory=PairingView)
    phone_error: rx.Field[str] = rx.field("")
    with_code: rx.Field[bool] = rx.field(False)

    _started_here: bool = False
    """Whether this tab asked for the pairing on screen: closing it then abandons the attempt."""
    _dismissed: list[str] = []
    """The numbers whose pairing, started elsewhere, this tab does not want to see."""

    ending_id: rx.Field[str] = rx.field("")
    ending_name: rx.Field[str] = rx.field("")
    deleting: rx.Field[bool] = rx.field(False)

    @rx.event
    @patient
    async def load(self):
        """The page opens: what is there, and from now on what changes."""
        actor = await live.watch(self, "channels", topics=TOPICS, load=_read, show=_show, page=self.router.route_id)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))

    @rx.event
    def open_add(self):
        self.adding, self.name_error = True, ""

    @rx.event
    def set_adding(self, is_open: bool):
        self.adding = is_open

    @rx.event
    async def add(self, form: NumberForm):
        """The number exists and its pairing is on screen."""
        actor, locale = await current_actor(self), await locale_of(self)
        try:
            async with unit_of_work(actor):
                channel = await channels.add_channel(
                    actor,
                    kind=form["kind"],
                    name=form["channel_name"],
                    bot_id=parse_id(bot) if (bot := form.get("channel_bot")) else None,
                )
        except InvalidInput as error:
            self.name_error = error_text(locale, error)
            return rx.set_focus("channel-name")
        self.adding = False
        await self._connect(actor, channel.id)
        return None

    @rx.event
    async def connect_number(self, channel_id: Id):
        """It connects; without a session its pairing is on screen."""
        await self._connect(await current_actor(self), parse_id(channel_id))

    async def _connect(self, actor: Actor, channel_id: UUID) -> None:
        async with unit_of_work(actor):
            channel = await channels.connect(actor, channel_id)
            linked = channel.device_jid is not None
            if not linked:
                await request_qr(actor, channel_id)
        if not linked:
            self.pairing_id, self.pairing_name = str(channel_id), channel.name
            self.pairing, self.with_code, self.phone_error = PairingView(), False, ""
            self._started_here = True

    @rx.event
    async def new_code(self):
        """A fresh attempt with a QR replaces the one on screen."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await request_qr(actor, parse_id(self.pairing_id))
        self.with_code, self.phone_error = False, ""

    @rx.event
    async def link_any_phone(self):
        """The owner wants the number on another phone than it had: a fresh attempt takes whichever scans."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await request_qr(actor, parse_id(self.pairing_id), any_phone=True)
        self.with_code, self.phone_error = False, ""

    @rx.event
    async def choose_history(self, days: Whole):
        """So much of the past comes with the link; the code on screen stays."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await choose_history(actor, parse_id(self.pairing_id), days=days)

    @rx.event
    def show_code_form(self):
        self.with_code, self.phone_error = True, ""

    @rx.event
    async def pair_by_phone(self, form: PairForm):
        """A fresh attempt shows the eight characters to type on that phone."""
        actor, locale = await current_actor(self), await locale_of(self)
        try:
            async with unit_of_work(actor):
                await request_pair_code(actor, parse_id(self.pairing_id), phone=form["pair_phone"])
        except InvalidInput as error:
            self.phone_error = error_text(locale, error)
            return rx.set_focus("pair-phone")
        self.phone_error = ""
        return None

    @rx.event
    async def close_pairing(self, is_open: bool = False):
        """Leaving the dialog abandons the attempt; a number that was linked meanwhile stays."""
        if is_open or not self.pairing_id:
            return
        actor, channel_id = await current_actor(self), parse_id(self.pairing_id)
        self.pairing_id, self.pairing = "", PairingView()
        if not self._started_here:
            self._dismissed = [*self._dismissed, str(channel_id)]
            return
        self._started_here = False
        async with unit_of_work(actor):
            channel = await channels.access_channel(actor, channel_id, lock=True)  # it may be linked in this moment
            if channel.device_jid is None:
                await channels.disconnect(actor, channel_id)

    @rx.event
    async def stop_number(self, channel_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await channels.disconnect(actor, parse_id(channel_id))

    @rx.event
    async def switch_bot(self, channel_id: Id, enabled: bool):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await channels.update_channel(actor, parse_id(channel_id), bot_enabled=enabled)

    @rx.event
    async def choose_bot(self, channel_id: Id, bot_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await channels.update_channel(actor, parse_id(channel_id), bot_id=parse_id(bot_id))

    @rx.event
    def ask_logout(self, channel_id: Id, name: Line):
        self.ending_id, self.ending_name, self.deleting = channel_id, name, False

    @rx.event
    def ask_delete(self, channel_id: Id, name: Line):
        self.ending_id, self.ending_name, self.deleting = channel_id, name, True

    @rx.event
    def cancel_ending(self):
        self.ending_id = ""

    @rx.event
    async def end(self):
        """The number is logged out, or deleted, as was asked and confirmed."""
        actor, locale = await current_actor(self), await locale_of(self)
        async with unit_of_work(actor):
            end = channels.delete_channel if self.deleting else channels.logout
            await end(actor, parse_id(self.ending_id))
        self.ending_id = ""
        if self.deleting:
            return toasts.success(gettext(locale, "Number deleted"))
        return toasts.success(gettext(locale, "Number logged out"))


@dataclass(frozen=True)
class _Read:
    views: list[ChannelView]
    bots: list[BotChoice]


async def _read(actor: Actor, _changes: Changes, reading: Reading) -> _Read:
    async def read() -> _Read:
        async with unit_of_work(actor):
            views = await read_channels(actor, count_today=True)
            for view in views:
                for until in filter(None, (view.new_chats_paused_until, view.limited_until)):
                    if until > datetime.now(UTC):
                        look_again(actor.company_id, until)
            found = [BotChoice(str(bot.id), bot.name) for bot in await list_bots(actor)]
            return _Read(views, found)

    return await reading.once(("channels", actor.company_id, actor.timezone), read)


async def _show(state: ChannelsState, read: _Read) -> None:
    """Small things that change on their own are vars of their own; equal ones are not sent."""
    locale = await locale_of(state)
    actor = await current_actor(state)
    rows = [channel_row(view, locale, actor.timezone) for view in read.views]
    assign(state, rows=rows, bots=read.bots, loaded=True)
    pairing = _pairing_to_show(state, read.views) if "channels.write" in actor.permissions else None
    shown_id = str(pairing.id) if pairing else ""
    if state.pairing_id != shown_id:  # not the one that this tab asked for, if it asked for one
        state._started_here = False
        assign(state, with_code=pairing is not None and pairing.pairing_phone is not None)
    if pairing is None:
        assign(state, pairing_id="", pairing=PairingView())
    else:
        shown = pairing_view(pairing, locale, actor.timezone)
        assign(state, pairing_id=shown_id, pairing_name=pairing.name, pairing=shown)


def _pairing_to_show(state: ChannelsState, views: list[ChannelView]) -> ChannelView | None:
    """The number that this tab is linking, or one whose code is on screen somewhere: any tab may show it to the phone."""
    for view in views:
        if str(view.id) == state.pairing_id and not view.linked:
            waiting = view.pairing_code is not None or view.status == "starting"
            return view if state._started_here or waiting else None
    waiting = (v for v in views if v.pairing_code is not None and str(v.id) not in state._dismissed)
    return next(waiting, None)
