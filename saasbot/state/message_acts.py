"""What a person does to a message that is there: react, edit, delete, ask for its file again."""

import reflex as rx

from saasbot.domain.inbox import change
from saasbot.domain.media.pending import fetch_again
from saasbot.infra.db import unit_of_work
from saasbot.state.ids import parse_id
from saasbot.state.policy import needs
from saasbot.state.session import current_actor


class MessageActsState(rx.State):
    """Holds nothing: the thread shows what becomes of each act."""

    @rx.event
    @needs("inbox.write")
    async def react(self, conversation_id: str, message_id: str, emoji: str):
        """The reaction, or none when it is empty."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.react(actor, parse_id(conversation_id), parse_id(message_id), emoji=emoji)

    @rx.event
    @needs("inbox.write")
    async def edit(self, conversation_id: str, message_id: str, text: str):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.edit(actor, parse_id(conversation_id), parse_id(message_id), text=text)

    @rx.event
    @needs("inbox.write")
    async def revoke(self, conversation_id: str, message_id: str):
        """For everyone."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.revoke(actor, parse_id(conversation_id), parse_id(message_id))

    @rx.event
    @needs("inbox.write")
    async def fetch(self, conversation_id: str, message_id: str):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await fetch_again(actor, parse_id(conversation_id), parse_id(message_id))
