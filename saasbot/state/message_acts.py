"""What a person does to a message that is there: react, edit, delete, ask for its file again."""

import reflex as rx

from saasbot.domain.inbox import change
from saasbot.domain.media.pending import fetch_again
from saasbot.infra.db import unit_of_work
from saasbot.state.arguments import Id, Text, Word
from saasbot.state.ids import parse_id
from saasbot.state.session import current_actor


class MessageActsState(rx.State):
    """Holds nothing: the thread shows what becomes of each act."""

    @rx.event
    async def react(self, conversation_id: Id, message_id: Id, emoji: Word):
        """The reaction, or none when it is empty."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.react(actor, parse_id(conversation_id), parse_id(message_id), emoji=emoji)

    @rx.event
    async def edit(self, conversation_id: Id, message_id: Id, text: Text):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.edit(actor, parse_id(conversation_id), parse_id(message_id), text=text)

    @rx.event
    async def revoke(self, conversation_id: Id, message_id: Id):
        """For everyone."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.revoke(actor, parse_id(conversation_id), parse_id(message_id))

    @rx.event
    async def cancel(self, conversation_id: Id, message_id: Id):
        """It waits to be sent, and shall not be."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await change.cancel(actor, parse_id(conversation_id), parse_id(message_id))

    @rx.event
    async def fetch(self, conversation_id: Id, message_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await fetch_again(actor, parse_id(conversation_id), parse_id(message_id))
