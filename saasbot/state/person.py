"""The person's own settings."""

import reflex as rx
from typing_extensions import TypedDict

from saasbot.domain.accounts.profile import rename
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text, gettext
from saasbot.state import toasts
from saasbot.state.arguments import EXACT, Line, Text
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import SessionState, current_actor
from saasbot.state.shell import ShellState


class PersonForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    person_name: Text
    person_locale: Line


class PersonState(rx.State):
    locale: rx.Field[str] = rx.field("")
    name_error: rx.Field[str] = rx.field("")

    @rx.event
    @patient
    async def load(self):
        self.locale, self.name_error = (await current_actor(self)).locale, ""

    @rx.event
    async def save(self, form: PersonForm):
        """The name that colleagues and customers see, and the language of mails."""
        actor, locale = await current_actor(self), await locale_of(self)
        try:
            async with unit_of_work(actor):
                name = await rename(actor, name=form["person_name"], locale=form["person_locale"])
        except InvalidInput as error:
            self.name_error = error_text(locale, error)
            return rx.set_focus("person_name")
        self.name_error, self.locale = "", form["person_locale"]
        (await self.get_state(ShellState)).user_name = name
        (await self.get_state(SessionState)).user_name = name
        return toasts.success(gettext(locale, "Saved"))
