"""Send what is queued for a number, one message at a time: claimed in one transaction, sent, marked in another.

A crash between sending and marking leaves the message `sending`; the next holder calls it unconfirmed and never sends it
again. So a message goes out at most once, and its status never claims more than is known.
"""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.act_outbox import claim_act, mark_act, mark_act_sent
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
from saasbot.infra.storage import FileMissing, StorageUnavailable
from saasbot.models.table import utcnow
from saasbot.wa_runtime.media import room_for
from saasbot.wa_runtime.outgoing import outgoing_act, outgoing_message
from saasbot.wa_runtime.pace import Pace
from saasbot.wa_runtime.transport import NotConnected, SendRefused, SendUnknown, Transport

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
        if not await _send_acts(actor, channel_id, epoch, transport, over):
            return None
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


async def _send_acts(actor: Actor, channel_id: UUID, epoch: int, transport: Transport, over: asyncio.Event) -> bool:
    """What people did to messages: before all else, because it is about what is there already. False when the connection is
    gone."""
    while not over.is_set():
        async with unit_of_work(actor):
            act = await claim_act(actor, channel_id, epoch=epoch)
        if act is None:
            return True
        reach("after_claim_of_act")
        at = utcnow()
        try:
            await transport.send(outgoing_act(act, at))
        except NotConnected:
            async with unit_of_work(actor):
                await mark_act(actor, act.id, epoch=epoch, status="queued")
            return False
        except SendRefused as refused:
            log.warning("outbox.act_refused", channel_id=str(channel_id), act_id=str(act.id), code=refused.code)
            async with unit_of_work(actor):
                await mark_act(actor, act.id, epoch=epoch, status="failed", error=refused.code)
            continue
        except SendUnknown:
            log.warning("outbox.act_unconfirmed", channel_id=str(channel_id), act_id=str(act.id))
            async with unit_of_work(actor):
                await mark_act(actor, act.id, epoch=epoch, status="unconfirmed", error="no_acknowledgement")
            continue
        reach("after_send_of_act")
        async with unit_of_work(actor):
            await mark_act_sent(actor, channel_id, act, epoch=epoch, at=at)
    return True


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
    began = time.monotonic()
    try:
        async with room_for(message.size):
            outgoing = await outgoing_message(message)
            began = time.monotonic()
            sent = await transport.send(outgoing)
    except FileMissing:
        async with unit_of_work(actor):
            await mark_failed(actor, message.id, epoch=epoch, error="media_missing")
        return True
    except (NotConnected, StorageUnavailable):
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
