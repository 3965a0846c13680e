"""The list of bots."""

from dataclasses import dataclass

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain.actor import Actor
from saasbot.domain.bots.edit import BotSettings, create_bot, list_bots, set_bot_enabled
from saasbot.domain.bots.starting_prompt import starting_prompt
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.arguments import EXACT, Id, Text
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import current_actor, session_of


@dataclass(frozen=True)
class BotRow:
    id: str
    name: str
    personality: str
    enabled: bool
    version: int
    """The published one; 0 when none is."""
    triggers: str
    draft: bool


class BotForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    bot_name: Text


class BotsState(rx.State):
    rows: rx.Field[list[BotRow]] = rx.field(default_factory=list)
    loaded: rx.Field[bool] = rx.field(False)
    adding: rx.Field[bool] = rx.field(False)
    name_error: rx.Field[str] = rx.field("")

    @rx.event
    @patient
    async def load(self):
        actor = await live.watch(self, "bots", topics={"bot"}, load=_read, show=_show, page=routes.BOTS)
        _show(self, await _read(actor, Changes(everything=True), Reading()))

    @rx.event
    def set_adding(self, is_open: bool):
        self.adding, self.name_error = is_open, ""

    @rx.event
    async def add(self, form: BotForm):
        """A bot that answers every message with the starting prompt exists, and its editor opens."""
        actor, locale = await current_actor(self), await locale_of(self)
        session = await session_of(self)
        company = session.company_name if session else ""
        try:
            async with unit_of_work(actor):
                settings = BotSettings(name=form["bot_name"])
                bot = await create_bot(actor, settings, prompt=starting_prompt(actor.locale, company_name=company))
        except InvalidInput as error:
            self.name_error = error_text(locale, error)
            return rx.set_focus("bot-name")
        self.adding = False
        return rx.redirect(routes.bot(str(bot.id)))

    @rx.event
    async def switch(self, bot_id: Id, enabled: bool):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await set_bot_enabled(actor, parse_id(bot_id), enabled=enabled)


async def _read(actor: Actor, _changes: Changes, reading: Reading) -> list[BotRow]:
    async def read() -> list[BotRow]:
        async with unit_of_work(actor):
            return [
                BotRow(
                    id=str(bot.id),
                    name=bot.name,
                    personality=bot.personality,
                    enabled=bot.enabled,
                    version=bot.published_version or 0,
                    triggers=", ".join(bot.triggers),
                    draft=bot.draft_text is not None,
                )
                for bot in await list_bots(actor)
            ]

    return await reading.once(("bots", actor.company_id), read)


def _show(state: BotsState, rows: list[BotRow]) -> None:
    assign(state, rows=rows, loaded=True)
