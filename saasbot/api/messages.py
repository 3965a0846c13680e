"""`/conversations/{id}/messages`: what was said, and what people add to it. Acts are asked for here and done by the number:
`acts` of a message tells how far they are."""

from datetime import datetime
from uuid import UUID

from saasbot.api.callers import CurrentActor
from saasbot.api.idempotency import ClientToken
from saasbot.api.message_schemas import MessageOut, NewMessage, NewText, QueuedOut, Reaction
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.domain.actor import Actor
from saasbot.domain.inbox import change
from saasbot.domain.inbox.send import send_message
from saasbot.domain.inbox.thread import read_message, read_thread
from saasbot.domain.inbox.views import ThreadPosition
from saasbot.domain.media.pending import fetch_again
from saasbot.infra.db import unit_of_work

router = ApiRouter("conversations")


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
            actor,
            conversation_id,
            text=body.text,
            media_id=body.media_id,
            special=body.special(),
            quoted_id=body.quoted_id,
            client_token=client_token,
        )
        out = MessageOut.of(await read_message(actor, message.id))
    return QueuedOut(**out.model_dump(), message_id=message.id)


@router.put("/{conversation_id}/messages/{message_id}/reaction", status_code=202)
async def react(actor: CurrentActor, conversation_id: UUID, message_id: UUID, body: Reaction) -> MessageOut:
    """React to a message, change the reaction, or take it back. It does not take the chat over."""
    async with unit_of_work(actor):
        await change.react(actor, conversation_id, message_id, emoji=body.emoji)
        return await _read(actor, message_id)


@router.put("/{conversation_id}/messages/{message_id}/text", status_code=202)
async def edit(actor: CurrentActor, conversation_id: UUID, message_id: UUID, body: NewText) -> MessageOut:
    """Edit a text of ours, within 15 minutes."""
    async with unit_of_work(actor):
        await change.edit(actor, conversation_id, message_id, text=body.text)
        return await _read(actor, message_id)


@router.delete("/{conversation_id}/messages/{message_id}", status_code=202)
async def revoke(actor: CurrentActor, conversation_id: UUID, message_id: UUID) -> MessageOut:
    """Delete a message of ours for everyone, within two days. One that is still `queued` is never sent: it becomes `failed` with
    `error` `cancelled`."""
    async with unit_of_work(actor):
        await change.revoke(actor, conversation_id, message_id)
        return await _read(actor, message_id)


@router.post("/{conversation_id}/messages/{message_id}/fetch-media", status_code=202)
async def fetch_media(actor: CurrentActor, conversation_id: UUID, message_id: UUID) -> MessageOut:
    """Try once more to get the missing file of a customer's message from WhatsApp."""
    async with unit_of_work(actor):
        await fetch_again(actor, conversation_id, message_id)
        return await _read(actor, message_id)


async def _read(actor: Actor, message_id: UUID) -> MessageOut:
    return MessageOut.of(await read_message(actor, message_id))
