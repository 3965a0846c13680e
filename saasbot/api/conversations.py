"""`/conversations`: the inbox. Lists are newest first; phone numbers are digits without the plus."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import EMPTY_IS_NONE, CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Text
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.ownership import hand_back, take_over
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.reads import list_conversations, read_conversation
from saasbot.domain.inbox.views import ConversationView, ListPosition
from saasbot.infra.db import unit_of_work
from saasbot.models import ConversationStatus, Handler

router = ApiRouter("conversations")


class ContactOut(BaseModel):
    id: UUID
    name: str
    phone: str | None
    lid: str | None
    group: str | None
    """The id of a group. The contact is then the group itself, and its conversation has `handler` human and no bot."""


class PersonOut(BaseModel):
    id: UUID
    name: str


class LastMessageOut(BaseModel):
    id: UUID
    author: str
    author_name: str
    """Who of the team, which bot, or who of a group wrote it."""
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
            contact=ContactOut(
                id=view.contact_id, name=view.contact_name, phone=view.phone, lid=view.lid, group=view.group
            ),
            status=ConversationStatus(view.status),
            handler=Handler(view.handler),
            assignee=assignee,
            bot_enabled=view.bot_enabled,
            unread=view.unread,
            last_message=_last(view),
            last_activity_at=view.last_activity_at,
        )


@router.get("")
async def list_(
    actor: CurrentActor,
    page: CurrentPage,
    status: Annotated[ConversationStatus | None, EMPTY_IS_NONE] = None,
    handler: Annotated[Handler | None, EMPTY_IS_NONE] = None,
    assignee: Annotated[
        UUID | Literal["me"] | None, EMPTY_IS_NONE, Query(description="A person's id, or `me`.")
    ] = None,
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
        author_name=view.last_author_name or "",
        type=view.last_type or "",
        text=view.last_preview,
        status=view.last_status or "",
    )
