"""Send what is queued for a number, one message at a time: claimed in one transaction, sent, marked in another.

A crash between sending and marking leaves the message `sending`; the next holder calls it unconfirmed and never sends it
again. So a message goes out at most once, and its status never claims more than is known.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from saasbot.domain.actor import Actor
from saasbot.domain.channels.act_outbox import OutboxAct, claim_act, mark_act, mark_act_sent
from saasbot.domain.channels.governor import SHORTEST_PAUSE
from saasbot.domain.channels.holding import FILE_UNREACHABLE, NO_ANSWER, NO_ROOM, postpone
from saasbot.domain.channels.new_chats import PAUSES, note_refusal
from saasbot.domain.channels.outbox import OutboxMessage, WaitingChat, claim_outbox, is_overtaken, waiting_chats
from saasbot.domain.channels.outbox_marks import mark_failed, mark_sent, mark_unconfirmed, requeue
from saasbot.domain.inbox.recipients import learn_chat, learn_recipient
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.failpoints import reach
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import FileMissing, StorageUnavailable
from saasbot.models.table import utcnow
from saasbot.wa_runtime.media import NoRoom, room_for
from saasbot.wa_runtime.outgoing import outgoing_act, outgoing_message
from saasbot.wa_runtime.pace import Pace
from saasbot.wa_runtime.transport import (
    NotConnected,
    Outgoing,
    SendBusy,
    SendDelayed,
    SendRefused,
    SendUnknown,
    Sent,
    Transport,
)

log = get_logger(__name__)

_Result = TypeVar("_Result")

_RETRY_SECONDS = 0.5
_TRIES = 4
_RECONNECTS_SECONDS = 5.0
"""A number that opens again wakes its outbox; some failures come and go without that."""
_RETRY_DELAYED_SECONDS = SHORTEST_PAUSE.total_seconds()


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
    leave, when one waits for its pace, for the connection, or for what it could not leave without. `on_ack` is told, for each
    message that the network took, how many seconds that needed.

    Raises: LeaseLost, when another process holds the number now.
    """
    delayed: set[UUID] = set()
    """Chats in which an act could not be done now: it is tried again at the next look."""
    again: float | None = None
    while not over.is_set():
        async with unit_of_work(actor):
            message, waiting = None, list[WaitingChat]()
            # what people did to messages, before all else: it is about what is there already
            act = await claim_act(actor, channel_id, epoch=epoch, but=delayed)
            if act is None:
                ready = pace.ready
                message = await claim_outbox(actor, channel_id, epoch=epoch, ready=ready, budgeted=pace.of_a_person)
                waiting = await waiting_chats(actor, channel_id) if message is None and ready is not None else []
        if act is not None:
            outcome = await _do(actor, channel_id, epoch, transport, act)
            if outcome.delayed:
                delayed.add(act.conversation_id)  # acts have no time of their own to wait for
        elif message is not None:
            outcome = await _send(actor, channel_id, epoch, transport, message, over, on_ack)
        else:
            return min((seconds for seconds in (pace.look(waiting), again) if seconds is not None), default=None)
        again = _RETRY_DELAYED_SECONDS if outcome.delayed else again
        await _write(actor, outcome)
        if not outcome.connected:
            return _RECONNECTS_SECONDS
    return None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a message or an act: `mark` writes it, in a transaction of its own."""

    mark: Callable[[], Awaitable[None]]
    connected: bool = True
    delayed: bool = False
    """The connection stands, and yet it could not leave."""


class _Overtaken(Exception):
    """While its file was on its way a person took the chat, or the bot was switched off: nothing of it has left."""


class _Over(Exception):
    """The number stops, and nothing of the message in hand has left."""


async def _unless(over: asyncio.Event, work: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of work by which nothing leaves: a stop need not wait for it, nor doubt. Raises: _Over."""
    doing, stopping = asyncio.create_task(work), asyncio.create_task(over.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise _Over
        return doing.result()
    finally:
        doing.cancel()
        stopping.cancel()


async def _write(actor: Actor, outcome: _Outcome) -> None:
    """Until it is written, however long the database is away: nobody else knows it. Raises: LeaseLost."""
    tries = 0
    while True:
        try:
            async with unit_of_work(actor):
                await outcome.mark()
        except IntegrityError:  # whom it is for was joined with somebody at this very instant
            tries += 1
            if tries == _TRIES:
                raise
        except DOWN as error:
            log.warning("outbox.outcome_not_written", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def _do(actor: Actor, channel_id: UUID, epoch: int, transport: Transport, act: OutboxAct) -> _Outcome:
    """Do what a person did to a message."""
    reach("after_claim_of_act")
    mark, at = partial(mark_act, actor, act.id, epoch=epoch), utcnow()
    try:
        await transport.send(outgoing_act(act, at))
    except NotConnected:
        return _Outcome(partial(mark, status="queued"), connected=False)
    except SendDelayed as delayed:
        log.warning("outbox.act_delayed", channel_id=str(channel_id), act_id=str(act.id), error=str(delayed))
        return _Outcome(partial(mark, status="queued"), delayed=True)
    except SendRefused as refused:
        log.warning("outbox.act_refused", channel_id=str(channel_id), act_id=str(act.id), code=refused.code)
        return _Outcome(partial(mark, status="failed", error=refused.code))
    except SendUnknown:
        log.warning("outbox.act_unconfirmed", channel_id=str(channel_id), act_id=str(act.id))
        return _Outcome(partial(mark, status="unconfirmed", error="no_acknowledgement"))
    reach("after_send_of_act")
    return _Outcome(partial(mark_act_sent, actor, channel_id, act, epoch=epoch, at=at))


async def _send(
    actor: Actor,
    channel_id: UUID,
    epoch: int,
    transport: Transport,
    message: OutboxMessage,
    over: asyncio.Event,
    on_ack: Callable[[float], None],
) -> _Outcome:
    """Send one claimed message."""
    reach("after_claim")
    if message.unasked:
        return await _ask(actor, channel_id, epoch, transport, message, over)
    wait = partial(postpone, actor, channel_id, message.id, epoch=epoch)
    try:
        async with room_for(message.size, wait=False):
            outgoing, prepared = await _unless(over, _prepared(message, transport))
            sent, seconds = await _sent(actor, message, transport, outgoing, prepared, over)
    except FileMissing:
        return _Outcome(partial(mark_failed, actor, message.id, epoch=epoch, error="media_missing"))
    except NoRoom:
        return _Outcome(partial(wait, reason=NO_ROOM), delayed=True)
    except StorageUnavailable:
        log.warning("outbox.file_unreachable", channel_id=str(channel_id), message_id=str(message.id))
        return _Outcome(partial(wait, reason=FILE_UNREACHABLE), delayed=True)
    except (_Overtaken, SendBusy):
        return _Outcome(partial(requeue, actor, message.id, epoch=epoch))
    except SendDelayed as delayed:
        log.warning("outbox.delayed", channel_id=str(channel_id), message_id=str(message.id), error=str(delayed))
        return _Outcome(partial(wait, reason=delayed.reason), delayed=True)
    except (NotConnected, _Over):
        return _Outcome(partial(requeue, actor, message.id, epoch=epoch), connected=False)
    except SendRefused as refusal:
        refused = refusal  # Python forgets the name after the block, and it is needed later
        log.warning("outbox.refused", channel_id=str(channel_id), message_id=str(message.id), code=refused.code)

        async def mark_refused() -> None:
            await mark_failed(actor, message.id, epoch=epoch, error=refused.code, number=refused.number)
            await note_refusal(actor, channel_id, message.id, code=refused.code, until=refused.until)

        return _Outcome(mark_refused)
    except SendUnknown:
        log.warning("outbox.unconfirmed", channel_id=str(channel_id), message_id=str(message.id))
        return _Outcome(partial(mark_unconfirmed, actor, message.id, epoch=epoch))
    on_ack(seconds)
    reach("after_send")

    async def mark() -> None:
        if sent.chat_jid != message.chat_jid:
            await learn_chat(actor, message.chat_jid, sent.chat_jid)
        await mark_sent(
            actor, channel_id, message.id, epoch=epoch, wa_id=sent.wa_id, at=sent.at, chat_jid=sent.chat_jid
        )

    return _Outcome(mark)


async def _prepared(message: OutboxMessage, transport: Transport) -> tuple[Outgoing, Any]:
    outgoing = await outgoing_message(message)
    return outgoing, await transport.prepare(outgoing)


async def _sent(
    actor: Actor, message: OutboxMessage, transport: Transport, outgoing: Outgoing, prepared: Any, over: asyncio.Event
) -> tuple[Sent, float]:
    """What the network says, and how many seconds it took to say it. A file that is there waits for a busy library here, and is not
    brought twice; each time it is asked anew whether it may leave.

    Raises: _Overtaken, SendBusy, and what `Transport.send` raises.
    """
    while True:
        if message.size:
            await _check_overtaken(actor, message)
        began = time.monotonic()
        try:
            sent = await transport.send(outgoing, prepared)
        except SendBusy:
            if not message.size or over.is_set():
                raise
        else:
            return sent, time.monotonic() - began


async def _check_overtaken(actor: Actor, message: OutboxMessage) -> None:
    """An upload lasts. While the database is away nobody can say, and nothing leaves. Raises: _Overtaken, NotConnected."""
    try:
        async with unit_of_work(actor):
            overtaken = await is_overtaken(actor, message.id)
    except DOWN as error:
        raise NotConnected(str(error)) from error
    if overtaken:
        raise _Overtaken


async def _ask(
    actor: Actor, channel_id: UUID, epoch: int, transport: Transport, message: OutboxMessage, over: asyncio.Event
) -> _Outcome:
    """Before the first message to a phone number: how WhatsApp knows it. The message goes back into the outbox, where it may now
    be in the chat of somebody who is known already, and in a person's hands."""
    wait = partial(postpone, actor, channel_id, message.id, epoch=epoch, reason=NO_ANSWER, unasked=True)
    try:
        answered = await _unless(over, transport.lookup(message.chat_jid.partition("@")[0]))
    except (NotConnected, _Over):
        return _Outcome(partial(requeue, actor, message.id, epoch=epoch), connected=False)
    except SendDelayed as delayed:
        log.warning("outbox.delayed", channel_id=str(channel_id), message_id=str(message.id), error=str(delayed))
        return _Outcome(wait, delayed=True)
    except SendRefused as refusal:
        refused = refusal  # Python forgets the name after the block, and it is needed later
        log.warning("outbox.refused", channel_id=str(channel_id), message_id=str(message.id), code=refused.code)

        async def mark_refused() -> None:
            if refused.code in PAUSES:  # of questions, not of this phone number: it waits with all new chats
                await wait()
                await note_refusal(actor, channel_id, message.id, code=refused.code, until=refused.until)
            else:
                await mark_failed(actor, message.id, epoch=epoch, error=refused.code, number=refused.number)

        return _Outcome(mark_refused)

    async def mark() -> None:
        await learn_recipient(actor, message.id, asked=message.chat_jid, answered=answered)
        await requeue(actor, message.id, epoch=epoch)

    return _Outcome(mark)
