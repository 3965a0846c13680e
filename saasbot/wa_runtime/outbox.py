"""Send what is queued for a number, one message at a time: claimed in one transaction, sent, marked in another.

A crash between sending and marking leaves the message `sending`; the next holder calls it unconfirmed and never sends it
again. So a message goes out at most once, and its status never claims more than is known.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.new_chats import note_refusal
from saasbot.domain.channels.outbox import (
    OutboxMessage,
    claim_outbox,
    mark_failed,
    mark_sent,
    mark_unconfirmed,
    requeue,
    waiting_chats,
)
from saasbot.domain.inbox.recipients import learn_chat, learn_recipient
from saasbot.infra.db import unit_of_work
from saasbot.infra.failpoints import reach
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import storage
from saasbot.wa_runtime.pace import Pace
from saasbot.wa_runtime.transport import (
    NotConnected,
    Outgoing,
    OutgoingMedia,
    SendRefused,
    SendUnknown,
    Transport,
)

log = get_logger(__name__)


async def send_queued(
    actor: Actor,
    channel_id: UUID,
    epoch: int,
    transport: Transport,
    pace: Pace,
    over: asyncio.Event,
    on_ack: Callable[[float], None],
) -> float | None:
    """Send until nothing may leave now, the connection is lost, or the number stops. In how many seconds the next message may
    leave, when one waits for its pace. `on_ack` is told, for each message that the network took, how many seconds that needed.

    Raises: LeaseLost, when another process holds the number now.
    """
    while not over.is_set():
        async with unit_of_work(actor):
            ready = pace.ready
            message = await claim_outbox(actor, channel_id, epoch=epoch, ready=ready, budgeted=pace.of_a_person)
            waiting = await waiting_chats(actor, channel_id) if message is None and ready is not None else []
        if message is None:
            return pace.look(waiting)
        reach("after_claim")
        if not await _send(actor, channel_id, epoch, transport, message, on_ack):
            return None
    return None


async def _send(
    actor: Actor,
    channel_id: UUID,
    epoch: int,
    transport: Transport,
    message: OutboxMessage,
    on_ack: Callable[[float], None],
) -> bool:
    """Send one claimed message and mark what became of it. False when the connection is gone."""
    if message.unasked:
        return await _ask(actor, channel_id, epoch, transport, message)
    try:
        outgoing = await _outgoing(message)
    except FileNotFoundError:
        async with unit_of_work(actor):
            await mark_failed(actor, message.id, epoch=epoch, error="media_missing")
        return True
    began = time.monotonic()
    try:
        sent = await transport.send(outgoing)
    except NotConnected:
        async with unit_of_work(actor):
            await requeue(actor, message.id, epoch=epoch)
        return False
    except SendRefused as refused:
        log.warning("outbox.refused", channel_id=str(channel_id), message_id=str(message.id), code=refused.code)
        async with unit_of_work(actor):
            await mark_failed(actor, message.id, epoch=epoch, error=refused.code, number=refused.number)
            await note_refusal(actor, channel_id, message.conversation_id, code=refused.code, until=refused.until)
        return True
    except SendUnknown:
        log.warning("outbox.unconfirmed", channel_id=str(channel_id), message_id=str(message.id))
        async with unit_of_work(actor):
            await mark_unconfirmed(actor, message.id, epoch=epoch)
        return True
    on_ack(time.monotonic() - began)
    reach("after_send")
    async with unit_of_work(actor):
        if sent.chat_jid != message.chat_jid:
            await learn_chat(actor, message.chat_jid, sent.chat_jid)
        await mark_sent(
            actor, channel_id, message.id, epoch=epoch, wa_id=sent.wa_id, at=sent.at, chat_jid=sent.chat_jid
        )
    return True


async def _ask(actor: Actor, channel_id: UUID, epoch: int, transport: Transport, message: OutboxMessage) -> bool:
    """Before the first message to a phone number: how WhatsApp knows it. The message goes back into the outbox, where it may now
    be in the chat of somebody who is known already, and in a person's hands. False when the connection is gone."""
    try:
        answered = await transport.lookup(message.chat_jid.partition("@")[0])
    except NotConnected:
        async with unit_of_work(actor):
            await requeue(actor, message.id, epoch=epoch)
        return False
    except SendRefused as refused:
        log.warning("outbox.refused", channel_id=str(channel_id), message_id=str(message.id), code=refused.code)
        async with unit_of_work(actor):
            await mark_failed(actor, message.id, epoch=epoch, error=refused.code)
        return True
    async with unit_of_work(actor):
        await learn_recipient(actor, message.id, asked=message.chat_jid, answered=answered)
        await requeue(actor, message.id, epoch=epoch)
    return True


async def _outgoing(message: OutboxMessage) -> Outgoing:
    """Raises: FileNotFoundError, when the stored file is gone."""
    media = None
    if message.storage_key is not None:
        media = OutgoingMedia(
            content=await storage().get(message.storage_key),
            mime=message.mime or "application/octet-stream",
            file_name=message.file_name,
            width=message.width,
            height=message.height,
            seconds=message.seconds,
            voice=bool(message.voice),
        )
    return Outgoing(
        message_id=message.id,
        chat_jid=message.chat_jid,
        type=message.type,
        text=message.text,
        media=media,
        latitude=message.payload.get("latitude"),
        longitude=message.payload.get("longitude"),
    )
