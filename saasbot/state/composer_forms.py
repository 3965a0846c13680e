"""The forms of the composer: a place, a contact, a poll."""

import re

import reflex as rx

from saasbot.domain.inbox.new_message import Card, Place, Poll, Special
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.i18n import error_text
from saasbot.state.forms import Form, text_of
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.policy import needs
from saasbot.state.session import current_actor

_PLACE = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


class ComposerFormState(rx.State):
    shown: rx.Field[str] = rx.field("")
    """location · contact · poll; empty when none is open"""
    problem: rx.Field[str] = rx.field("")

    @rx.event
    @needs("inbox.write")
    def show(self, name: str):
        self.shown, self.problem = name, ""

    @rx.event
    @needs("inbox.write")
    def switch(self, on: bool):
        """The dialog's own way out."""
        if not on:
            self.shown = ""

    @rx.event
    @needs("inbox.write")
    async def send_place(self, conversation_id: str, form: Form):
        found = _PLACE.fullmatch(text_of(form, "place-coordinates"))
        if found is None:
            problem = InvalidInput("latitude", "Write latitude and longitude, for example -34.6037, -58.3816.")
            self.problem = error_text(await locale_of(self), problem)
            return
        place = Place(float(found[1]), float(found[2]), text_of(form, "place-name"), text_of(form, "place-address"))
        await self._send(conversation_id, place)

    @rx.event
    @needs("inbox.write")
    async def send_card(self, conversation_id: str, form: Form):
        await self._send(conversation_id, Card(text_of(form, "card-name"), text_of(form, "card-phone")))

    @rx.event
    @needs("inbox.write")
    async def send_poll(self, conversation_id: str, form: Form):
        """One option a line."""
        options = tuple(text_of(form, "poll-options").splitlines())
        await self._send(conversation_id, Poll(text_of(form, "poll-question"), options, bool(form.get("poll-several"))))

    async def _send(self, conversation_id: str, special: Special) -> None:
        """Queue it and close; what is wrong with it is said in the dialog."""
        if not self.shown:
            return  # sent already: the same click once more
        actor = await current_actor(self)
        try:
            async with unit_of_work(actor):
                await send_message(actor, parse_id(conversation_id), special=special)
        except AppError as error:
            self.problem = error_text(await locale_of(self), error)
            return
        self.shown, self.problem = "", ""
