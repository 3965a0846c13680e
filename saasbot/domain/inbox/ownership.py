"""Who answers a chat: the bot or a person. `owner_epoch` grows at each change, and the bot's answers are checked against it."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.commands import set_typing
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.groups import NoBotInGroups, is_group
from saasbot.domain.inbox.outbound import add_activity
from saasbot.infra import events
from saasbot.models import Conversation, ConversationStatus, Handler


async def take_over(actor: Actor, conversation_id: UUID) -> Conversation:
    """A person answers from now on; the bot sends nothing more in this chat, whatever it was doing. Twice is once. A group is
    everybody's, and stays so.

    Raises: Forbidden, NotFound.
    """
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    await give_to_person(actor, conversation)
    return conversation


async def give_to_person(actor: Actor, conversation: Conversation) -> None:
    """The locked conversation is the actor's. Nothing changes when it already was, nor in a group."""
    if is_group(conversation.chat_jid):
        return
    if conversation.handler == Handler.HUMAN and conversation.assignee_id == actor.user_id:
        return
    was_bot = conversation.handler == Handler.BOT
    line = await add_activity(conversation, "took_over", author_name=actor.name)
    await _change(conversation, Handler.HUMAN, ConversationStatus.OPEN, seq=line.seq or 0)
    conversation.assignee_id = actor.user_id
    if was_bot:
        await set_typing(conversation, on=False)


async def hand_back(actor: Actor, conversation_id: UUID) -> Conversation:
    """The bot answers the next message (not those that people dealt with). Twice is once.

    Raises: Forbidden, NoBotInGroups, NotFound.
    """
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    if is_group(conversation.chat_jid):
        raise NoBotInGroups
    if conversation.handler == Handler.BOT:
        return conversation
    line = await add_activity(conversation, "handed_back", author_name=actor.name)
    await _change(conversation, Handler.BOT, ConversationStatus.PENDING, seq=line.seq or 0)
    conversation.assignee_id = None
    conversation.bot_started = True  # a person asked for the bot: no trigger word is needed
    return conversation


async def hand_off(actor: Actor, conversation: Conversation, *, reason: str, summary: str = "") -> None:
    """The bot passes the locked conversation to the team: it waits for a person, with the reason in its thread."""
    if conversation.handler == Handler.HUMAN:
        return
    line = await add_activity(conversation, "handed_off", reason=reason, summary=summary)
    await _change(conversation, Handler.HUMAN, ConversationStatus.OPEN, seq=line.seq or 0)
    conversation.assignee_id = None
    await set_typing(conversation, on=False)


async def set_conversation_bot(actor: Actor, conversation_id: UUID, *, enabled: bool) -> Conversation:
    """Switch the bot off or on for this chat alone. Raises as `hand_back`."""
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    if is_group(conversation.chat_jid) and enabled:
        raise NoBotInGroups
    if conversation.bot_enabled != enabled:
        conversation.bot_enabled = enabled
        conversation.owner_epoch += 1
        await add_activity(conversation, "bot_on" if enabled else "bot_off", author_name=actor.name)
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)
    return conversation


async def _change(conversation: Conversation, handler: Handler, status: ConversationStatus, *, seq: int) -> None:
    conversation.handler = handler
    conversation.status = status
    conversation.owner_epoch += 1
    conversation.owner_changed_seq = seq
    conversation.answered_seq = conversation.last_customer_seq
    events.publish("conversation", company_id=conversation.company_id, conversation_id=conversation.id)
