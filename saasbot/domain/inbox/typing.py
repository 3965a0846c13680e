"""The customer's phone shows that a person of the team is typing."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import set_typing
from saasbot.domain.inbox.access import access_conversation
from saasbot.models import Handler


async def show_typing(actor: Actor, conversation_id: UUID, *, on: bool) -> None:
    """Only while people answer the chat: what is typed under the bot may never be sent.

    Raises: Forbidden, NotFound.
    """
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id)
    if conversation.handler == Handler.HUMAN:
        await set_typing(conversation, on=on)
