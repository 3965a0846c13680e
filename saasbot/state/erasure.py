"""A contact is to be forgotten: the question, with what would go, and the wish."""

import reflex as rx

from saasbot import routes
from saasbot.domain import privacy
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import gettext
from saasbot.state import toasts
from saasbot.state.arguments import Id
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor


class ErasureState(rx.State):
    asking: rx.Field[str] = rx.field("")
    """The conversation whose contact is asked about; empty while nobody asks."""
    name: rx.Field[str] = rx.field("")
    messages: rx.Field[int] = rx.field(0)
    files: rx.Field[int] = rx.field(0)

    @rx.event
    async def ask(self, conversation_id: Id):
        """The question is on screen, and says how much there is."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            found = await privacy.summarise_contact(actor, parse_id(conversation_id))
        self.name = found.name or (f"+{found.phone}" if found.phone else "")
        self.messages, self.files, self.asking = found.messages, found.files, conversation_id

    @rx.event
    async def leave(self):
        """Nothing is erased."""
        self.asking = ""

    @rx.event
    async def erase(self, conversation_id: Id):
        """A job forgets them, and nobody looks at the chat any more."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.asking = ""
        async with unit_of_work(actor):
            await privacy.ask_erasure(actor, parse_id(conversation_id))
        return [
            rx.redirect(routes.INBOX),
            toasts.success(gettext(locale, "Everything of this contact is being erased. It takes a moment.")),
        ]
