"""What a customer said of being written to is noted, or taken back: the questions before it, and the notes themselves."""

import reflex as rx

from saasbot.domain.consent.customers import ConsentTextChanged, note_consent
from saasbot.domain.consent.texts import TextView, read_text
from saasbot.domain.inbox.access import access_conversation
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import error_text, gettext
from saasbot.state import toasts
from saasbot.state.arguments import Id
from saasbot.state.context_rows import text_name
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor


class ConsentState(rx.State):
    asking: rx.Field[str] = rx.field("")
    """The conversation whose contact is said to agree; empty while nobody says so."""
    withdrawing: rx.Field[str] = rx.field("")
    """The one whose contact is said to take it back."""
    text: rx.Field[str] = rx.field("")
    """What is agreed to."""
    text_name: rx.Field[str] = rx.field("")

    _shown: int = 0
    """The version on screen: what is noted is that one, or nothing."""

    @rx.event
    async def ask(self, conversation_id: Id):
        """The text is on screen, so that whoever notes it knows what was agreed to."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await access_conversation(actor, parse_id(conversation_id))
            text = await read_text(actor)
        await self._show(text)
        self.asking = conversation_id

    @rx.event
    async def note(self, conversation_id: Id):
        """They have agreed to the text on screen. Where another one counts by now, that is shown instead."""
        actor, locale = await current_actor(self), await locale_of(self)
        try:
            async with unit_of_work(actor):
                await note_consent(actor, parse_id(conversation_id), granted=True, shown=self._shown)
        except ConsentTextChanged as error:
            async with unit_of_work(actor):
                text = await read_text(actor)
            await self._show(text)
            return toasts.error(error_text(locale, error))
        self.asking = ""
        return toasts.success(gettext(locale, "Their consent is noted"))

    @rx.event
    def ask_withdraw(self, conversation_id: Id):
        """The question whether they took it back is on screen."""
        self.withdrawing = conversation_id

    @rx.event
    async def withdraw(self, conversation_id: Id):
        """They have taken it back."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.withdrawing = ""
        async with unit_of_work(actor):
            await note_consent(actor, parse_id(conversation_id), granted=False)
        return toasts.success(gettext(locale, "It is noted that they took their consent back"))

    @rx.event
    def leave(self, is_open: bool = False):
        """Nothing is noted."""
        if not is_open:
            self.asking = self.withdrawing = ""

    async def _show(self, text: TextView) -> None:
        self.text, self.text_name, self._shown = text.text, text_name(text.version, await locale_of(self)), text.version
