"""`/conversations`: the inbox over REST."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, Query
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Text
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.ownership import hand_back, take_over
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.reads import list_conversations, read_conversation
from saasbot.domain.inbox.send import send_message
from saasbot.domain.inbox.thread import read_message, read_thread
from saasbot.domain.inbox.views import ConversationView, ListPosition, MessageView, ThreadPosition
from saasbot.infra.db import unit_of_work

router = ApiRouter("conversations")

Status = Literal["open", "pending", "snoozed", "resolved"]
Handler = Literal["bot", "human"]


class ContactOut(BaseModel):
    id: UUID
    name: str
    phone: str | None
    lid: str | None


class PersonOut(BaseModel):
    id: UUID
    name: str


class LastMessageOut(BaseModel):
    id: UUID
    author: str | None
    type: str | None
    text: str
    status: str | None


class ConversationOut(BaseModel):
    id: UUID
    channel_id: UUID
    contact: ContactOut
    status: str
    handler: str
    assignee: PersonOut | None
    bot_enabled: bool
    unread: int
    last_message: LastMessageOut | None
    last_activity_at: datetime

    @classmethod
    def of(cls, row: ConversationView) -> "ConversationOut":
        last = None
        if row.last_message_id is not None:
            last = LastMessageOut(
                id=row.last_message_id,
                author=row.last_author,
                type=row.last_type,
                text=row.last_preview,
                status=row.last_status,
            )
        return cls(
            id=row.id,
            channel_id=row.channel_id,
            contact=ContactOut(id=row.contact_id, name=row.contact_name, phone=row.phone, lid=row.lid),
            status=row.status,
            handler=row.handler,
            assignee=PersonOut(id=row.assignee_id, name=row.assignee_name or "") if row.assignee_id else None,
            bot_enabled=row.bot_enabled,
            unread=row.unread,
            last_message=last,
            last_activity_at=row.last_activity_at,
        )


class MediaOut(BaseModel):
    status: str
    error: str | None
    mime: str
    size: int
    width: int | None
    height: int | None
    seconds: int | None
    file_name: str | None
    url: str | None
    thumbnail_url: str | None


class MessageOut(BaseModel):
    id: UUID
    direction: str
    author: str
    author_name: str
    type: str
    text: str
    payload: dict[str, Any]
    media: MediaOut | None
    status: str
    error: str | None
    created_at: datetime
    wa_timestamp: datetime | None

    @classmethod
    def of(cls, row: MessageView) -> "MessageOut":
        media = None
        if row.media is not None:
            file = row.media
            media = MediaOut(
                status=file.status,
                error=file.error,
                mime=file.mime,
                size=file.size,
                width=file.width,
                height=file.height,
                seconds=file.seconds,
                file_name=file.file_name,
                url=file.urls.url or file.urls.download_url or None,
                thumbnail_url=file.urls.thumb_url or None,
            )
        return cls(
            id=row.id,
            direction=row.direction,
            author=row.author,
            author_name=row.author_name,
            type=row.type,
            text=row.text,
            payload=row.payload,
            media=media,
            status=row.status,
            error=row.error,
            created_at=row.created_at,
            wa_timestamp=row.wa_timestamp,
        )


class NewMessage(Body):
    text: str


@router.get("")
async def get_conversations(
    actor: CurrentActor,
    page: CurrentPage,
    status: Status | None = None,
    handler: Handler | None = None,
    assignee: UUID | None = None,
    q: Annotated[Text, Query(max_length=200, description="Name, phone or words of a message.")] = "",
) -> Listing[ConversationOut]:
    """Those with the newest activity first."""
    after = page.after(datetime, UUID)
    async with unit_of_work(actor):
        found = await list_conversations(
            actor,
            status=status,
            handler=handler,
            assignee_id=assignee,
            query=q,
            after=ListPosition(*after) if after else None,
            limit=page.limit,
        )
    cursor = next_cursor(*found.next) if found.next else None
    return Listing(data=[ConversationOut.of(row) for row in found.conversations], next_cursor=cursor)


async def _conversation(actor: Actor, conversation_id: UUID) -> ConversationOut:
    return ConversationOut.of(await read_conversation(actor, conversation_id))


@router.get("/{conversation_id}")
async def get_conversation(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """One conversation."""
    async with unit_of_work(actor):
        return await _conversation(actor, conversation_id)


@router.get("/{conversation_id}/messages")
async def get_messages(actor: CurrentActor, conversation_id: UUID, page: CurrentPage) -> Listing[MessageOut]:
    """Newest first."""
    before = page.after(datetime, int)
    async with unit_of_work(actor):
        position = ThreadPosition(*before) if before else None
        found = await read_thread(actor, conversation_id, before=position, limit=page.limit)
    cursor = next_cursor(*found.next) if found.next else None
    return Listing(data=[MessageOut.of(row) for row in found.messages], next_cursor=cursor)


@router.post("/{conversation_id}/messages", status_code=202)
async def post_message(
    actor: CurrentActor,
    conversation_id: UUID,
    body: NewMessage,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> MessageOut:
    """Queue a text in the caller's name; the chat is theirs from this instant."""
    token = f"api:{idempotency_key}" if idempotency_key else None
    async with unit_of_work(actor):
        message = await send_message(actor, conversation_id, text=body.text, client_token=token)
        return MessageOut.of(await read_message(actor, message.id))


@router.post("/{conversation_id}/take-over")
async def post_take_over(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """A person answers from now on."""
    async with unit_of_work(actor):
        await take_over(actor, conversation_id)
        return await _conversation(actor, conversation_id)


@router.post("/{conversation_id}/hand-back")
async def post_hand_back(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """The bot answers the next message."""
    async with unit_of_work(actor):
        await hand_back(actor, conversation_id)
        return await _conversation(actor, conversation_id)


@router.post("/{conversation_id}/read")
async def post_read(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """Nothing is unread, and the customer sees blue ticks."""
    async with unit_of_work(actor):
        await mark_read(actor, conversation_id)
        return await _conversation(actor, conversation_id)
