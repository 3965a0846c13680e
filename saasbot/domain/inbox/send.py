"""A person writes: to a conversation, or to a phone number for the first time."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel, channel_of_chat
from saasbot.domain.channels.new_chats import check_may_write_first
from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.drafts import drop_draft
from saasbot.domain.inbox.identities import Address, resolve_contacts
from saasbot.domain.inbox.new_message import Special, Written, special_of, written
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import give_to_person
from saasbot.domain.inbox.read_marks import read_all
from saasbot.infra.db import session, sql
from saasbot.infra.errors import AppError, DatabaseUnavailable, InvalidInput
from saasbot.models import (
    Author,
    Conversation,
    ConversationStatus,
    Handler,
    Media,
    MediaStatus,
    Message,
    MessageStatus,
    MessageType,
)
from saasbot.models.table import utcnow

MAX_TEXT = 4096
"""WhatsApp cuts longer bodies."""
_TRIES = 5
_STICKER = "image/webp"
"""Only stickers are: every photo is made a JPEG."""
_VIDEOS = ("video/mp4", "video/3gpp")
"""What phones play; other videos go as documents."""


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
    special: Special | None = None,
    quoted_id: UUID | None = None,
    client_token: str | None = None,
) -> Message:
    """Queue a person's message: words, a file with a caption, or something `special` alone. `quoted_id` names the message that
    it answers. Sending takes the chat over from the bot. The same `client_token` twice is one message.

    Raises: Forbidden, InvalidInput, NotFound, NewChatsPaused, NumberDeleted.
    """
    actor.require("inbox.write")
    content = await _content(actor, text, media_id, special)
    conversation = await access_conversation(actor, conversation_id, lock=True)
    if client_token is not None and (sent := await _already(actor, client_token)):
        return sent
    channel = await channel_of_chat(actor, conversation.channel_id)
    await check_may_write_first(actor, channel, conversation)
    quoted_wa_id = await _quoted(actor, conversation, quoted_id)
    await give_to_person(actor, conversation)
    message = await add_outbound(
        conversation,
        author=Author.AGENT,
        type=content.type,
        text=content.text,
        payload=content.payload,
        media_id=media_id,
        author_user_id=actor.user_id,
        author_name=actor.name,
        client_token=client_token,
        quoted_wa_id=quoted_wa_id,
        poll_secret=content.poll_secret,
    )
    await read_all(conversation)
    await drop_draft(actor, conversation.id)
    return message


async def _content(actor: Actor, text: str, media_id: UUID | None, special: Special | None) -> Written:
    """Raises: InvalidInput."""
    if special is not None:
        if media_id is not None or text.strip():
            raise InvalidInput("text", "A place, a contact or a poll goes alone, without text and without file.")
        return written(special)
    if media_id is None:
        return Written(MessageType.TEXT, clean_text(text), {})
    return Written(await _type_of_file(actor, media_id), text.replace("\x00", "").strip(), {})


async def _type_of_file(actor: Actor, media_id: UUID) -> MessageType:
    media = (
        await session().exec(select(Media).where(Media.id == media_id, Media.company_id == actor.company_id))
    ).one_or_none()
    if media is None or media.status != MediaStatus.STORED:
        raise InvalidInput("media_id", "That file does not exist.")
    if media.mime == _STICKER:
        return MessageType.STICKER
    if media.mime in _VIDEOS:
        return MessageType.VIDEO
    family = media.mime.split("/")[0]
    return {"image": MessageType.IMAGE, "audio": MessageType.AUDIO}.get(family, MessageType.DOCUMENT)


async def _quoted(actor: Actor, conversation: Conversation, quoted_id: UUID | None) -> str | None:
    """How WhatsApp names the message that is answered. Raises: InvalidInput."""
    if quoted_id is None:
        return None
    query = select(Message.wa_id).where(
        Message.id == quoted_id,
        Message.company_id == actor.company_id,
        Message.conversation_id == conversation.id,
        Message.type != MessageType.ACTIVITY,
        col(Message.revoked_at).is_(None),
    )
    wa_id = (await session().exec(query)).one_or_none()
    if wa_id is None:
        raise InvalidInput("quoted_id", "That message cannot be answered: WhatsApp does not have it.")
    return wa_id


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
    """Send a failed or unconfirmed message once more, as a new message of the person who asks. Of one that was sent again before,
    the newest try counts: nothing is sent while that is under way, or when it arrived.

    Raises: Forbidden, NotFound, NothingToResend, and as `send_message`.
    """
    actor.require("inbox.write")
    newest = await sql(_NEWEST_TRY, id=message_id, company=actor.company_id)
    query = select(Message).where(Message.id == newest.scalar(), Message.company_id == actor.company_id)
    message = (await session().exec(query)).one_or_none()
    if message is None:
        raise NothingToResend
    if message.status not in (MessageStatus.FAILED, MessageStatus.UNCONFIRMED):
        if message.id == message_id:
            raise NothingToResend
        return message
    special = special_of(message.type, message.payload)
    return await send_message(
        actor,
        message.conversation_id,
        text="" if special else message.text,
        media_id=message.media_id,
        special=special,
        quoted_id=await _still_quotable(message),
        client_token=f"resend:{message.id}",
    )


_NEWEST_TRY = """
    WITH RECURSIVE try AS (
        SELECT id, 0 AS step FROM message WHERE company_id = :company AND id = :id
        UNION ALL
        SELECT m.id, try.step + 1 FROM try JOIN message m ON m.company_id = :company AND m.client_token = 'resend:' || try.id
    )
    SELECT id FROM try ORDER BY step DESC LIMIT 1
"""


async def _still_quotable(message: Message) -> UUID | None:
    query = select(Message.id).where(
        Message.company_id == message.company_id,
        Message.conversation_id == message.conversation_id,
        Message.wa_id == message.quoted_wa_id,
        col(Message.revoked_at).is_(None),
    )
    return (await session().exec(query)).first() if message.quoted_wa_id else None
