"""A person writes: to a conversation, or to a phone number for the first time."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.new_chats import check_may_write_first
from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.drafts import drop_draft
from saasbot.domain.inbox.identities import Address, resolve_contacts
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import give_to_person
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, DatabaseUnavailable, InvalidInput
from saasbot.models import Author, Conversation, ConversationStatus, Handler, Media, Message, MessageStatus, MessageType
from saasbot.models.table import utcnow

MAX_TEXT = 4096
"""WhatsApp cuts longer bodies."""
_TRIES = 5


class NothingToResend(AppError):
    code: ClassVar[str] = "nothing_to_resend"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "Only a message that failed or was not confirmed can be sent again."


def clean_text(text: str) -> str:
    """The text of a message as it will be sent. Raises: InvalidInput."""
    text = text.replace("\x00", "").strip()
    if not text:
        raise InvalidInput("text", "Write a message first.")
    if len(text) > MAX_TEXT:
        raise InvalidInput("text", "WhatsApp takes at most {limit} characters.", limit=MAX_TEXT)
    return text


async def send_message(
    actor: Actor,
    conversation_id: UUID,
    *,
    text: str = "",
    media_id: UUID | None = None,
    client_token: str | None = None,
) -> Message:
    """Queue a person's message; sending takes the chat over from the bot. The same `client_token` twice is one message.

    Raises: Forbidden, InvalidInput, NotFound, NewChatsPaused.
    """
    actor.require("inbox.write")
    kind, media = await _media(actor, media_id)
    text = clean_text(text) if media is None else text.strip()
    conversation = await access_conversation(actor, conversation_id, lock=True)
    if client_token is not None and (sent := await _already(actor, client_token)):
        return sent
    await check_may_write_first(actor, conversation)
    await give_to_person(actor, conversation)
    message = await add_outbound(
        conversation,
        author=Author.AGENT,
        type=kind,
        text=text,
        media_id=media_id,
        author_user_id=actor.user_id,
        author_name=actor.name,
        client_token=client_token,
    )
    conversation.unread = 0
    await drop_draft(actor, conversation.id)
    return message


async def _media(actor: Actor, media_id: UUID | None) -> tuple[MessageType, Media | None]:
    if media_id is None:
        return MessageType.TEXT, None
    media = (
        await session().exec(select(Media).where(Media.id == media_id, Media.company_id == actor.company_id))
    ).one_or_none()
    if media is None:
        raise InvalidInput("media_id", "That file does not exist.")
    family = media.mime.split("/")[0]
    return {"image": MessageType.IMAGE, "audio": MessageType.AUDIO}.get(family, MessageType.DOCUMENT), media


async def _already(actor: Actor, client_token: str) -> Message | None:
    query = select(Message).where(Message.company_id == actor.company_id, Message.client_token == client_token)
    return (await session().exec(query)).one_or_none()


async def send_to_phone(
    actor: Actor, channel_id: UUID, *, to: str, text: str, client_token: str | None = None
) -> Message:
    """Write to a phone number, in the conversation it has on this number or a new one. Raises as `send_message`."""
    actor.require("inbox.write")
    channel = await access_channel(actor, channel_id)
    address = Address(phone=digits_of_phone(to), lid=None)
    clean_text(text)
    conversation_id = await _chat_with(actor, channel.id, address)
    return await send_message(actor, conversation_id, text=text, client_token=client_token)


async def _chat_with(actor: Actor, channel_id: UUID, address: Address) -> UUID:
    """The conversation of the person on this number; a new one is the actor's. The customer may write at this very moment, and
    the contact may be joined with another one."""
    for _ in range(_TRIES):
        contact_id = (await resolve_contacts(actor, [address]))[address]
        try:
            return await _chat_of(actor, channel_id, contact_id, chat_jid=f"{address.phone}@s.whatsapp.net")
        except IntegrityError:
            continue
    raise DatabaseUnavailable


async def _chat_of(actor: Actor, channel_id: UUID, contact_id: UUID, *, chat_jid: str) -> UUID:
    """Raises: IntegrityError, when somebody else was faster: look again."""
    query = select(Conversation.id).where(
        Conversation.company_id == actor.company_id,
        Conversation.channel_id == channel_id,
        Conversation.contact_id == contact_id,
    )
    if (found := (await session().exec(query)).one_or_none()) is not None:
        return found
    conversation = Conversation(
        company_id=actor.company_id,
        channel_id=channel_id,
        contact_id=contact_id,
        chat_jid=chat_jid,
        handler=Handler.HUMAN,
        status=ConversationStatus.OPEN,
        assignee_id=actor.user_id,
        last_activity_at=utcnow(),
    )
    async with session().begin_nested():
        session().add(conversation)
    return conversation.id


async def resend(actor: Actor, message_id: UUID) -> Message:
    """Send a failed or unconfirmed message once more, as a new message of the person who asks.

    Raises: Forbidden, NotFound, NothingToResend.
    """
    actor.require("inbox.write")
    query = select(Message).where(Message.id == message_id, Message.company_id == actor.company_id)
    message = (await session().exec(query)).one_or_none()
    if message is None or message.status not in (MessageStatus.FAILED, MessageStatus.UNCONFIRMED):
        raise NothingToResend
    return await send_message(
        actor,
        message.conversation_id,
        text=message.text,
        media_id=message.media_id,
        client_token=f"resend:{message.id}",
    )
