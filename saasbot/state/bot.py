"""The editor of one bot: its prompt and versions, its rules, and a chat to try it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired
from uuid import UUID
from zoneinfo import ZoneInfo

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.agent.think import think
from saasbot.domain.actor import Actor
from saasbot.domain.bots.edit import BotSettings, get_bot, set_bot_enabled, update_bot
from saasbot.domain.bots.prompts import compare_versions, keep_draft, list_versions, publish_version, save_version
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput, NotFound
from saasbot.infra.i18n import N_, error_text, format_full, format_when, gettext, translate
from saasbot.models import Bot, PromptVersion
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.arguments import EXACT, Prompt, Text, Whole, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.model_names import is_demo, model_name
from saasbot.state.one_person import still
from saasbot.state.patience import patient
from saasbot.state.session import current_actor, current_session

TOOLS = {
    "search_catalogue": N_("the catalogue"),
    "read_policies": N_("your policies"),
    "send_product_photo": N_("photos of products"),
    "hand_off": N_("the hand-over to a person"),
}


@dataclass(frozen=True)
class VersionRow:
    version: int
    note: str
    author: str
    when: str
    when_full: str
    published: bool


@dataclass(frozen=True)
class DiffLine:
    """A line of the comparison; numbers are empty where a side does not have it."""

    kind: str
    old_number: str
    new_number: str
    text: str


@dataclass(frozen=True)
class TrialLine:
    """A line of the trial chat. `why` is what the bot did for it, in words."""

    mine: bool
    text: str
    why: str = ""


class PromptForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    prompt: NotRequired[Prompt]
    """Always there: the editor is a component of ours, which Reflex does not know as a control."""
    prompt_note: Text


class RulesForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    bot_name: Text
    personality: Text
    triggers: Text
    model: Text


class TrialForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    trial_text: Text


class BotState(rx.State):
    found: rx.Field[bool] = rx.field(True)
    loaded: rx.Field[bool] = rx.field(False)
    name: rx.Field[str] = rx.field("")
    personality: rx.Field[str] = rx.field("")
    triggers: rx.Field[str] = rx.field("")
    model: rx.Field[str] = rx.field("")
    enabled: rx.Field[bool] = rx.field(True)
    published: rx.Field[int] = rx.field(0)
    versions: rx.Field[list[VersionRow]] = rx.field(default_factory=list)

    text: rx.Field[str] = rx.field("")
    revision: rx.Field[str] = rx.field("")
    """Changes when the editor must take `text`: another bot, a saved version, a restored one."""
    draft: rx.Field[bool] = rx.field(False)
    text_error: rx.Field[str] = rx.field("")
    saving: rx.Field[bool] = rx.field(False)

    tab: rx.Field[str] = rx.field("versions")
    selected: rx.Field[int] = rx.field(0)
    diff: rx.Field[list[DiffLine]] = rx.field(default_factory=list)
    diff_of: rx.Field[str] = rx.field("")

    rules_errors: rx.Field[dict[str, str]] = rx.field(default_factory=dict)

    trial: rx.Field[list[TrialLine]] = rx.field(default_factory=list)
    trying: rx.Field[bool] = rx.field(False)

    @rx.event
    @patient
    async def load(self):
        """The page opens on the bot of its address."""
        value = self.router.url.path.rstrip("/").rpartition("/")[2]
        actor = await live.watch(self, "bot", topics={"bot"}, load=_reader(value), show=_show, page=routes.BOT)
        self.trial, self.diff, self.diff_of, self.selected, self.revision = [], [], "", 0, ""
        await _show(self, await _reader(value)(actor, Changes(everything=True), Reading()))

    def _id(self) -> UUID:
        return parse_id(self.router.url.path.rstrip("/").rpartition("/")[2])

    @rx.event
    def choose_tab(self, tab: Word):
        self.tab = tab

    @rx.event
    async def keep(self, text: Prompt):
        """What is typed is kept beyond this tab, marked as not saved."""
        actor = await current_actor(self)
        try:
            async with unit_of_work(actor):
                bot = await keep_draft(actor, self._id(), text=text)
        except InvalidInput as error:
            self.text_error = error_text(await locale_of(self), error)
            return
        self.draft, self.text_error = bot.draft_text is not None, ""

    @rx.event
    async def save(self, form: PromptForm):
        """The text is the next version; what the bot says does not change yet."""
        actor, locale = await current_actor(self), await locale_of(self)
        try:
            async with unit_of_work(actor):
                version = await save_version(actor, self._id(), text=form.get("prompt", ""), note=form["prompt_note"])
        except InvalidInput as error:
            self.text_error = error_text(locale, error)
            return rx.set_focus("prompt-note" if error.field == "note" else "prompt-editor")
        self.text_error, self.selected = "", version.version
        self.text, self.revision = version.text, f"{version.bot_id}/{version.version}"
        await self._compare(actor, version.version)
        return [
            rx.set_value("prompt-note", ""),
            toasts.success(gettext(locale, "Saved as version {n}", n=version.version)),
        ]

    @rx.event
    async def publish(self, version: Whole = 0):
        """The bot follows this version from its next answer on; an older one is a rollback. 0: the one selected."""
        actor, locale = await current_actor(self), await locale_of(self)
        chosen = version or self.selected or (self.versions[0].version if self.versions else 0)
        async with unit_of_work(actor):
            await publish_version(actor, self._id(), chosen)
        self.selected = chosen
        return toasts.success(gettext(locale, "Version {n} is published", n=chosen))

    @rx.event
    async def select(self, version: Whole):
        """What this version changed against the published one (or, for that one, against the version before)."""
        self.selected = version
        await self._compare(await current_actor(self), version)

    async def _compare(self, actor: Actor, version: int) -> None:
        locale = await locale_of(self)
        old = self.published if version != self.published else version - 1
        if old < 1:
            self.diff, self.diff_of = [], gettext(locale, "There is nothing before version 1.")
            return
        low, high = sorted((old, version))
        async with unit_of_work(actor):
            rows = await compare_versions(actor, self._id(), old=low, new=high)
        self.diff = [DiffLine(row.kind, str(row.old_number or ""), str(row.new_number or ""), row.text) for row in rows]
        self.diff_of = gettext(locale, "From version {old} to version {new}", old=low, new=high)

    @rx.event
    async def restore(self, version: Whole):
        """The editor holds the text of that version; nothing is saved yet."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            found = [v for v in await list_versions(actor, self._id()) if v.version == version]
            if not found:
                raise NotFound
            if "bots.write" in actor.permissions:
                await keep_draft(actor, self._id(), text=found[0].text)
        self.text, self.revision = found[0].text, f"{self.revision}+{version}"

    @rx.event
    async def switch(self, enabled: bool):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await set_bot_enabled(actor, self._id(), enabled=enabled)
        self.enabled = enabled

    @rx.event
    async def save_rules(self, form: RulesForm):
        """Name, personality, trigger words and model are what the form says."""
        actor, locale = await current_actor(self), await locale_of(self)
        settings = BotSettings(
            name=form["bot_name"],
            personality=form["personality"],
            triggers=[part for line in form["triggers"].splitlines() for part in line.split(",")],
            model=form["model"] or None,
            enabled=self.enabled,
        )
        try:
            async with unit_of_work(actor):
                await update_bot(actor, self._id(), settings)
        except InvalidInput as error:
            self.rules_errors = {error.field: error_text(locale, error)}
            return rx.set_focus({"name": "bot_name"}.get(error.field, error.field))
        self.rules_errors = {}
        return toasts.success(gettext(locale, "Rules saved"))

    @rx.event(background=True)
    async def try_out(self, form: TrialForm):
        """The bot's answer to a trial message, with the text in the editor; nothing is sent to anybody."""
        message = form["trial_text"].strip()
        async with self:
            if not message or self.trying:
                return
            session, locale = await current_session(self), await locale_of(self)
            actor, bot_id = session.actor, self._id()
            self.trial = [*self.trial, TrialLine(True, message)]
            self.trying = True
        lines: list[TrialLine] = []
        try:
            async with unit_of_work(actor):
                draft = (await get_bot(actor, bot_id)).draft_text
            answer = await think(actor, user_message=message, bot_id=bot_id, prompt=draft)
            thought = answer.thought
            model = thought.record.model
            tools = ", ".join(translate(locale, TOOLS[name]) for name in thought.record.tools_used if name in TOOLS)
            parts = [
                model_name(model, locale) if is_demo(model) else "",
                gettext(locale, "Used: {tools}", tools=tools) if tools else "",
            ]
            why = " · ".join(filter(None, parts))
            lines = [TrialLine(False, thought.answer.text, why)]
        except AppError as error:
            lines = [TrialLine(False, error_text(locale, error))]
        finally:
            async with still(self, session):
                self.trying = False
                self.trial = [*self.trial, *lines]

    @rx.event
    def clear_trial(self):
        self.trial = []


@dataclass(frozen=True)
class _Read:
    bot: Bot | None
    versions: list[PromptVersion]


def _reader(value: str):
    async def read(actor: Actor, _changes: Changes, _reading: Reading) -> _Read:
        try:
            bot_id = parse_id(value)
            async with unit_of_work(actor):
                return _Read(await get_bot(actor, bot_id), await list_versions(actor, bot_id))
        except NotFound:
            return _Read(None, [])

    return read


async def _show(state: BotState, read: _Read) -> None:
    bot = read.bot
    if bot is None:
        assign(state, found=False, loaded=True)
        return
    locale, actor = await locale_of(state), await current_actor(state)
    assign(
        state,
        found=True,
        loaded=True,
        name=bot.name,
        personality=bot.personality,
        triggers="\n".join(bot.triggers),
        model=bot.model or "",
        enabled=bot.enabled,
        published=bot.published_version or 0,
        versions=[_row(version, bot, locale, ZoneInfo(actor.timezone)) for version in read.versions],
        draft=bot.draft_text is not None,
    )
    newest = read.versions[0] if read.versions else None
    if not state.revision:
        state.text = bot.draft_text if bot.draft_text is not None else newest.text if newest else ""
        state.revision = f"{bot.id}/{newest.version if newest else 0}"


def _row(version: PromptVersion, bot: Bot, locale: str, zone: ZoneInfo) -> VersionRow:
    return VersionRow(
        version=version.version,
        note=version.note,
        author=version.author_name,
        when=format_when(version.created_at, zone, locale, now=datetime.now(UTC)),
        when_full=format_full(version.created_at, zone, locale),
        published=version.version == bot.published_version,
    )
