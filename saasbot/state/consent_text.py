"""The data page: the text that customers agree to."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain.actor import Actor
from saasbot.domain.consent.texts import BUILT_IN, TextView, read_text, write_text
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text, gettext
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.activity_texts import day_and_hour
from saasbot.state.arguments import EXACT, Text
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor

TOPICS = ("company",)


class ConsentTextForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    consent_text: Text


class ConsentTextState(rx.State):
    loaded: rx.Field[bool] = rx.field(False)
    text: rx.Field[str] = rx.field("")
    version: rx.Field[int] = rx.field(0)
    facts: rx.Field[str] = rx.field("")
    """Which version counts, since when, and who wrote it."""
    error: rx.Field[str] = rx.field("")

    @rx.event
    async def load(self):
        """The page opens, and from now on shows the version that counts."""
        self.error = ""
        actor = await live.watch(self, "consent-text", topics=TOPICS, load=_read, show=_show, page=routes.DATA)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))

    @rx.event
    async def save(self, form: ConsentTextForm):
        """A new version counts from now on, or the form says why not."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.error = ""
        before = self.version
        try:
            async with unit_of_work(actor):
                text = await write_text(actor, form["consent_text"])
        except InvalidInput as error:
            self.error = error_text(locale, error)
            return rx.set_focus("consent_text")
        await _show(self, _Read(actor, text))
        if text.version == before:
            return toasts.success(gettext(locale, "The text is the same: no new version"))
        return toasts.success(gettext(locale, "Version {n} counts from now on", n=text.version))


@dataclass(frozen=True)
class _Read:
    actor: Actor
    text: TextView | None
    """Nothing for whom it is not any more."""


async def _read(actor: Actor, _changes: Changes, _reading: Reading) -> _Read:
    if "company.write" not in actor.permissions:
        return _Read(actor, None)
    async with unit_of_work(actor):
        return _Read(actor, await read_text(actor))


async def _show(state: ConsentTextState, read: _Read) -> None:
    if read.text is None:
        assign(state, loaded=False, text="", version=0, facts="")
        return
    facts = _facts(read.text, ZoneInfo(read.actor.timezone), await locale_of(state))
    assign(state, loaded=True, text=read.text.text, version=read.text.version, facts=facts)


def _facts(text: TextView, zone: ZoneInfo, locale: str) -> str:
    if text.version == BUILT_IN or text.since is None:
        return gettext(locale, "The built-in text counts. What you save becomes version 1.")
    parts = [
        gettext(locale, "Version {n} counts", n=text.version),
        day_and_hour(text.since, zone, locale),
        text.written_by,
    ]
    return " · ".join(part for part in parts if part)
