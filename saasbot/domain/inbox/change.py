"""A person reacts to a message, edits or deletes one of ours: the wish is a row, WhatsApp is told by the number's holder. What
still waits to be sent is taken back here and now.

None of them is an answer: the bot keeps a chat that it has, and only people do this, never the bot.
"""

import unicodedata
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import channel_of_chat
from saasbot.domain.channels.commands import wake_outbox
from saasbot.domain.channels.outbox_drops import drop_queued_message
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.send import clean_text
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.errors import AppError, InvalidInput, NotFound
from saasbot.models import ActKind, Author, Message, MessageStatus, MessageType, OutgoingAct
from saasbot.models.table import utcnow

EDIT_WITHIN = timedelta(minutes=15)
REVOKE_WITHIN = timedelta(days=2)
"""As long as phones take it. After that WhatsApp accepts the message and nothing happens."""
_LONGEST_EMOJI = 24
_CANCELLED = "cancelled"


class NotOnWhatsApp(AppError):
    code: ClassVar[str] = "message_not_on_whatsapp"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "WhatsApp does not have this message: it was not sent, was not confirmed or was deleted."


class NotOurs(AppError):
    code: ClassVar[str] = "message_not_ours"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "Only messages of your own number can be edited or deleted."


class NotEditable(AppError):
    code: ClassVar[str] = "message_not_editable"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "Only a text can be edited."


class EditTooLate(AppError):
    code: ClassVar[str] = "edit_too_late"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "WhatsApp lets a message be edited for 15 minutes, and they are over."


class RevokeTooLate(AppError):
    code: ClassVar[str] = "revoke_too_late"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "WhatsApp lets a message be deleted for everyone for two days, and they are over."


class AlreadyLeft(AppError):
    code: ClassVar[str] = "message_already_left"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "It does not wait any more: it has left, or is leaving right now."


async def react(actor: Actor, conversation_id: UUID, message_id: UUID, *, emoji: str) -> None:
    """Our reaction to a message becomes this emoji, or none when it is empty.

    Raises: Forbidden, InvalidInput, NotFound, NotOnWhatsApp.
    """
    emoji = _one_emoji(emoji)
    message = await _access(actor, conversation_id, message_id)
    now = next((reaction["emoji"] for reaction in message.reactions if reaction["author"] != Author.CUSTOMER), "")
    await _ask(actor, message, ActKind.REACTION, emoji, stands=now == emoji)


async def edit(actor: Actor, conversation_id: UUID, message_id: UUID, *, text: str) -> None:
    """A text of ours will say something else.

    Raises: EditTooLate, Forbidden, InvalidInput, NotEditable, NotFound, NotOnWhatsApp, NotOurs.
    """
    text = clean_text(text)
    message = await _access(actor, conversation_id, message_id)
    if not message.from_me:
        raise NotOurs
    if message.type != MessageType.TEXT or message.payload.get("kind"):
        raise NotEditable
    if is_late(ActKind.EDIT, message.wa_timestamp):
        raise EditTooLate
    await _ask(actor, message, ActKind.EDIT, text, stands=message.text == text)


async def cancel(actor: Actor, conversation_id: UUID, message_id: UUID) -> None:
    """A message that waits to be sent never is: it has failed, and can be sent again. Twice is once.

    Raises: AlreadyLeft, Forbidden, NotFound.
    """
    if await _cancelled(actor, conversation_id, message_id):
        return
    conversation = await access_conversation(actor, conversation_id)
    if (await _find(actor, conversation.id, message_id)).error != _CANCELLED:
        raise AlreadyLeft


async def _cancelled(actor: Actor, conversation_id: UUID, message_id: UUID) -> bool:
    """Whether it waited, and so was taken back."""
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id)
    waited = await drop_queued_message(actor, conversation.id, message_id, error=_CANCELLED)
    if waited:
        await wake_outbox(conversation.channel_id)  # what waited behind it may leave now
    return waited


async def revoke(actor: Actor, conversation_id: UUID, message_id: UUID) -> None:
    """A message of ours will be deleted for everyone; one that waits to be sent never is sent. One that is deleted stays so.

    Raises: Forbidden, NotFound, NotOnWhatsApp, NotOurs, RevokeTooLate.
    """
    if await _cancelled(actor, conversation_id, message_id):
        return
    message = await _access(actor, conversation_id, message_id, deleted=True)
    if not message.from_me:
        raise NotOurs
    if message.revoked_at is not None:
        return
    if is_late(ActKind.REVOKE, message.wa_timestamp):
        raise RevokeTooLate
    await _ask(actor, message, ActKind.REVOKE, "", stands=False)


def is_late(kind: ActKind | str, sent_at: datetime | None) -> bool:
    """Whether phones no longer take this act on a message that WhatsApp got at that moment."""
    within = {ActKind.EDIT: EDIT_WITHIN, ActKind.REVOKE: REVOKE_WITHIN}.get(ActKind(kind))
    return within is not None and sent_at is not None and utcnow() - sent_at > within


async def _access(actor: Actor, conversation_id: UUID, message_id: UUID, *, deleted: bool = False) -> Message:
    """The message, whose conversation is locked: of two wishes at once one comes first. Raises also: NumberDeleted."""
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id, lock=True)
    message = await _find(actor, conversation.id, message_id)
    if message.wa_id is None or (message.revoked_at is not None and not deleted):
        raise NotOnWhatsApp
    await channel_of_chat(actor, conversation.channel_id)
    return message


async def _find(actor: Actor, conversation_id: UUID, message_id: UUID) -> Message:
    query = select(Message).where(
        Message.id == message_id,
        Message.company_id == actor.company_id,
        Message.conversation_id == conversation_id,
        Message.type != MessageType.ACTIVITY,
    )
    message = (await session().exec(query.execution_options(populate_existing=True))).one_or_none()
    if message is None:
        raise NotFound
    return message


async def _ask(actor: Actor, message: Message, kind: ActKind, text: str, *, stands: bool) -> None:
    """Queue the act. What is on its way already, or done already, is not asked twice; a wish that did not leave yet gives way."""
    query = (
        select(OutgoingAct)
        .where(
            OutgoingAct.company_id == actor.company_id,
            OutgoingAct.message_id == message.id,
            OutgoingAct.kind == kind,
        )
        .order_by(col(OutgoingAct.seq).desc())
        .limit(1)
    )
    newest = (await session().exec(query)).one_or_none()
    under_way = newest is not None and newest.status in (MessageStatus.QUEUED, MessageStatus.SENDING)
    if newest is not None and under_way and newest.text == text:
        return
    if not under_way and stands and (newest is None or newest.status == MessageStatus.SENT):
        return
    await sql(
        "DELETE FROM outgoing_act WHERE company_id = :company AND message_id = :message AND kind = :kind"
        " AND status = 'queued'",
        company=actor.company_id,
        message=message.id,
        kind=kind.value,
    )
    session().add(
        OutgoingAct(
            company_id=actor.company_id,
            channel_id=message.channel_id,
            conversation_id=message.conversation_id,
            message_id=message.id,
            kind=kind,
            text=text,
            author_user_id=actor.user_id,
            status=MessageStatus.QUEUED,
        )
    )
    await session().flush()
    await wake_outbox(message.channel_id)
    events.publish("conversation", company_id=actor.company_id, conversation_id=message.conversation_id)


def _one_emoji(text: str) -> str:
    """The emoji itself, or nothing. Raises: InvalidInput."""
    text = text.strip()
    if len(text) > _LONGEST_EMOJI or any(not _of_an_emoji(char) for char in text) or _is_ascii(text):
        raise InvalidInput("emoji", "React with one emoji.")
    return text


def _of_an_emoji(char: str) -> bool:
    """A symbol, or what joins and colours them; digits, * and # begin keycaps."""
    category = unicodedata.category(char)
    return category in ("So", "Sk", "Sm", "Me", "Mn", "Cf", "Cn") or char in "0123456789*#‼⁉"


def _is_ascii(text: str) -> bool:
    return bool(text) and text.isascii()
