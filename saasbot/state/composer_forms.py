"""The forms of the composer: a place, a contact, a poll."""

import re

import reflex as rx
from typing_extensions import TypedDict

from saasbot.domain.inbox.new_message import Card, Place, Poll, Special
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.i18n import error_text
from saasbot.state.arguments import EXACT, Id, Text, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor

_PLACE = re.compile(r"\s*(-?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


class PlaceForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    place_coordinates: Text
    place_name: Text
    place_address: Text


class CardForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    card_name: Text
    card_phone: Text


class PollForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    poll_question: Text
    poll_options: Text
    poll_several: bool


class ComposerFormState(rx.State):
    shown: rx.Field[str] = rx.field("")
    """location · contact · poll; empty when none is open"""
    problem: rx.Field[str] = rx.field("")

    @rx.event
    def show(self, name: Word):
        self.shown, self.problem = name, ""

    @rx.event
    def switch(self, on: bool):
        """The dialog's own way out."""
        if not on:
            self.shown = ""

    @rx.event
    async def send_place(self, conversation_id: Id, form: PlaceForm):
        found = _PLACE.fullmatch(form["place_coordinates"])
        if found is None:
            problem = InvalidInput("latitude", "Write latitude and longitude, for example -34.6037, -58.3816.")
            self.problem = error_text(await locale_of(self), problem)
            return
        place = Place(float(found[1]), float(found[2]), form["place_name"], form["place_address"])
        await self._send(conversation_id, place)

    @rx.event
    async def send_card(self, conversation_id: Id, form: CardForm):
        await self._send(conversation_id, Card(form["card_name"], form["card_phone"]))

    @rx.event
    async def send_poll(self, conversation_id: Id, form: PollForm):
        """One option a line."""
        options = tuple(form["poll_options"].splitlines())
        await self._send(conversation_id, Poll(form["poll_question"], options, form["poll_several"]))

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
