"""`/conversations`: the inbox. Lists are newest first; phone numbers are digits without the plus."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urljoin
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from saasbot.api.callers import CurrentActor
from saasbot.api.idempotency import ClientToken
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Text
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.ownership import hand_back, take_over
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.reads import list_conversations, read_conversation
from saasbot.domain.inbox.send import send_message
from saasbot.domain.inbox.thread import read_message, read_thread
from saasbot.domain.inbox.views import ConversationView, ListPosition, MediaView, MessageView, ThreadPosition
from saasbot.infra.db import unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import ConversationStatus, Handler, MessageType

router = ApiRouter("conversations")


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
    author: str
    type: str
    text: str
    """Its beginning, with a mark for what is not text."""
    status: str


class ConversationOut(BaseModel):
    id: UUID
    channel_id: UUID
    contact: ContactOut
    status: ConversationStatus
    handler: Handler
    assignee: PersonOut | None
    bot_enabled: bool
    unread: int
    last_message: LastMessageOut | None
    last_activity_at: datetime

    @classmethod
    def of(cls, view: ConversationView) -> "ConversationOut":
        assignee = PersonOut(id=view.assignee_id, name=view.assignee_name or "") if view.assignee_id else None
        return cls(
            id=view.id,
            channel_id=view.channel_id,
            contact=ContactOut(id=view.contact_id, name=view.contact_name, phone=view.phone, lid=view.lid),
            status=ConversationStatus(view.status),
            handler=Handler(view.handler),
            assignee=assignee,
            bot_enabled=view.bot_enabled,
            unread=view.unread,
            last_message=_last(view),
            last_activity_at=view.last_activity_at,
        )


class MediaOut(BaseModel):
    id: UUID
    status: Literal["pending", "stored", "failed"]
    error: str | None
    mime: str
    size: int
    width: int | None
    height: int | None
    seconds: int | None
    file_name: str | None
    url: str | None
    """Signed, valid for at least 12 hours; null until the file is here."""
    thumbnail_url: str | None


class ReactionOut(BaseModel):
    author: Literal["customer", "phone"]
    emoji: str


class MessageOut(BaseModel):
    id: UUID
    direction: Literal["inbound", "outbound"]
    author: Literal["customer", "bot", "agent", "phone", "system"]
    author_name: str
    type: MessageType
    text: str
    payload: dict[str, Any]
    """By type: location {latitude, longitude, name, address}; contact {name, vcard}; unsupported, activity {kind}; a text
    that was chosen and not typed {kind}; `refused`: WhatsApp's number of the error `refused_by_whatsapp`."""
    media: MediaOut | None
    reactions: list[ReactionOut]
    """At most one of each side of the chat."""
    edited_at: datetime | None
    revoked_at: datetime | None
    """When it was deleted for everyone; its text is then empty."""
    earlier_text: str | None
    """What an edited message said at first, what a deleted one said at last."""
    status: str
    error: str | None
    held_until: datetime | None
    """Of a queued message: it does not leave before then, for `held_reason`."""
    held_reason: str | None
    created_at: datetime
    wa_timestamp: datetime | None

    @classmethod
    def of(cls, view: MessageView) -> "MessageOut":
        return cls.model_validate(
            {
                **{name: getattr(view, name) for name in cls.model_fields if name != "media"},
                "media": _media(view.media) if view.media else None,
            }
        )


class NewMessage(Body):
    text: Annotated[str, Field(description="At most 4096 characters.")] = ""
    media_id: Annotated[UUID | None, Field(description="A file uploaded before; the text is then its caption.")] = None


class QueuedOut(MessageOut):
    message_id: UUID
    """The same as `id`, under the name that `POST /channels/{id}/messages` gives it."""


@router.get("")
async def list_(
    actor: CurrentActor,
    page: CurrentPage,
    status: ConversationStatus | None = None,
    handler: Handler | None = None,
    assignee: Annotated[UUID | Literal["me"] | None, Query(description="A person's id, or `me`.")] = None,
    q: Annotated[
        Text, Query(max_length=200, description="Words of the name or of a message, digits of the phone.")
    ] = "",
) -> Listing[ConversationOut]:
    """Those with the newest activity first."""
    position = page.after(datetime, UUID)
    async with unit_of_work(actor):
        found = await list_conversations(
            actor,
            status=status,
            handler=handler,
            assignee_id=actor.user_id if assignee == "me" else assignee,
            query=q,
            after=ListPosition(*position) if position else None,
            limit=page.limit,
        )
    return Listing(
        data=[ConversationOut.of(view) for view in found.conversations],
        next_cursor=next_cursor(*found.next) if found.next else None,
    )


@router.get("/{conversation_id}")
async def get(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    async with unit_of_work(actor):
        return await _read(actor, conversation_id)


@router.get("/{conversation_id}/messages")
async def messages(actor: CurrentActor, conversation_id: UUID, page: CurrentPage) -> Listing[MessageOut]:
    """Newest first."""
    position = page.after(datetime, int)
    async with unit_of_work(actor):
        found = await read_thread(
            actor, conversation_id, before=ThreadPosition(*position) if position else None, limit=page.limit
        )
    return Listing(
        data=[MessageOut.of(view) for view in found.messages],
        next_cursor=next_cursor(*found.next) if found.next else None,
    )


@router.post("/{conversation_id}/messages", status_code=202)
async def send(
    actor: CurrentActor,
    conversation_id: UUID,
    body: NewMessage,
    client_token: ClientToken,
) -> QueuedOut:
    """Queue a message; it takes the chat over from the bot."""
    async with unit_of_work(actor):
        message = await send_message(
            actor, conversation_id, text=body.text, media_id=body.media_id, client_token=client_token
        )
        out = MessageOut.of(await read_message(actor, message.id))
    return QueuedOut(**out.model_dump(), message_id=message.id)


@router.post("/{conversation_id}/take-over")
async def take(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """The caller answers from now on; the bot is silent in this chat."""
    async with unit_of_work(actor):
        await take_over(actor, conversation_id)
        return await _read(actor, conversation_id)


@router.post("/{conversation_id}/hand-back")
async def give_back(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """The bot answers the next message."""
    async with unit_of_work(actor):
        await hand_back(actor, conversation_id)
        return await _read(actor, conversation_id)


@router.post("/{conversation_id}/read")
async def read(actor: CurrentActor, conversation_id: UUID) -> ConversationOut:
    """Nothing is unread, and the customer sees that it was read."""
    async with unit_of_work(actor):
        await mark_read(actor, conversation_id)
        return await _read(actor, conversation_id)


async def _read(actor: Actor, conversation_id: UUID) -> ConversationOut:
    return ConversationOut.of(await read_conversation(actor, conversation_id))


def _last(view: ConversationView) -> LastMessageOut | None:
    if view.last_message_id is None:
        return None
    return LastMessageOut(
        id=view.last_message_id,
        author=view.last_author or "",
        type=view.last_type or "",
        text=view.last_preview,
        status=view.last_status or "",
    )


def _media(view: MediaView) -> dict[str, Any]:
    same = {name: getattr(view, name) for name in MediaOut.model_fields if name not in ("url", "thumbnail_url")}
    return {**same, "url": _absolute(view.urls.url), "thumbnail_url": _absolute(view.urls.thumb_url)}


def _absolute(url: str) -> str | None:
    """Local files have an address of this server: a program elsewhere needs all of it."""
    return urljoin(settings().public_url, url) if url else None
