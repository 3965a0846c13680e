"""The processor: what waits in the journal becomes conversations, in order per number.

Woken by the journal's notification, it takes up to a batch of a number's events in one transaction: one event when things are
calm (latency), many in a burst (throughput). A batch that fails is tried event by event, so that one bad event is set
aside with its error, a line in its chat, and the others go on. Only a database that is away makes them all wait.
"""

import asyncio
import contextlib
import time
from uuid import UUID

from google.protobuf.message import DecodeError
from sqlalchemy.exc import IntegrityError

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import waiting_journals
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.journal import BATCH, TOPIC, JournalEvent, mark_processed, take_events
from saasbot.domain.inbox.acts import address_of_act, apply_acts
from saasbot.domain.inbox.identities import resolve_contacts
from saasbot.domain.inbox.incoming import (
    IncomingAct,
    IncomingMessage,
    IncomingReceipt,
    IncomingVote,
    without_content,
)
from saasbot.domain.inbox.nothing import without_nothings
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.domain.inbox.receive import address_of, receive
from saasbot.infra.db import DOWN, StatementEnded, is_away, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.events import Listener
from saasbot.infra.failpoints import reach
from saasbot.infra.logging import get_logger
from saasbot.infra.metrics import count_received
from saasbot.models import MessageType
from saasbot.wa_runtime.decode import decode
from saasbot.wa_runtime.history import HistoryLane
from saasbot.wa_runtime.poll_votes import take_votes

log = get_logger(__name__)

_AT_ONCE = 8
_TRIES = 3
_SWEEP_SECONDS = 5.0
_RETRY_SECONDS = 0.2
_SLOW_SECONDS = 300.0
"""An event whose statements are ended for so long is itself the reason: no lock is held, and hardly a server busy, as long."""


class Processor:
    """Runs in one or many processes: an advisory lock per number keeps its order."""

    def __init__(self, listener: Listener) -> None:
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._working: dict[UUID, asyncio.Task[None]] = {}
        self._again: set[UUID] = set()
        self._slow: dict[int, float] = {}
        """Events that took too long, and since when."""
        self._sweeper: asyncio.Task[None] | None = None
        self._history = HistoryLane(listener)
        listener.subscribe(TOPIC, self._woken)
        listener.on_gap(self._sweep)

    async def start(self) -> None:
        """Takes up what waited while nobody processed, and then what comes."""
        self._sweeper = asyncio.create_task(self._sweep_forever(), name="journal-sweeper")
        await self._history.start()

    async def is_running(self) -> bool:
        """It takes up what waits."""
        return self._sweeper is not None and not self._sweeper.done()

    async def stop(self) -> None:
        """Returns when the batches in hand are committed."""
        await self._history.stop()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        self._again.clear()
        await asyncio.gather(*self._working.values(), return_exceptions=True)

    def _woken(self, payload: str) -> None:
        company, _, channel = payload.partition(":")
        self._work(UUID(company), UUID(channel))

    def _work(self, company_id: UUID, channel_id: UUID) -> None:
        if channel_id in self._working:
            self._again.add(channel_id)
            return
        task = asyncio.create_task(self._drain(company_id, channel_id), name=f"journal-{channel_id}")
        self._working[channel_id] = task

    async def _drain(self, company_id: UUID, channel_id: UUID) -> None:
        """Process until nothing waits for this number."""
        actor = Actor.system(company_id)
        try:
            while True:
                self._again.discard(channel_id)
                async with self._slots:
                    more = await self._batch(actor, channel_id)
                if not more and channel_id not in self._again:
                    return
        except DOWN as error:
            log.warning("journal.database_unavailable", channel_id=str(channel_id), error=str(error))
        finally:
            del self._working[channel_id]

    async def _batch(self, actor: Actor, channel_id: UUID) -> bool:
        """One batch. True when more may wait."""
        try:
            async with unit_of_work(actor):
                taken = await take_events(actor, channel_id)
                if taken:
                    await self._store(actor, channel_id, taken)
                    reach("before_commit")
        except Exception as error:
            if is_away(error):
                raise
            log.exception("journal.batch_failed", channel_id=str(channel_id))
            await self._one_by_one(actor, channel_id)
            return True
        reach("after_commit")
        if taken is None:
            await asyncio.sleep(_RETRY_SECONDS)  # another process works on this number: look again when it is done
            return True
        return len(taken) == BATCH

    async def _store(self, actor: Actor, channel_id: UUID, taken: list[JournalEvent]) -> None:
        messages: list[IncomingMessage] = []
        acts: list[IncomingAct] = []
        votes: list[IncomingVote] = []
        receipts: list[IncomingReceipt] = []
        for item in taken:
            try:
                value = decode(item.id, item.code, item.raw)
            except DecodeError as error:
                log.error("journal.undecodable", event_id=item.id, code=item.code)
                await mark_processed(actor, [item.id], error=f"undecodable: {error}")
                continue
            if isinstance(value, IncomingMessage):
                messages.append(value)
            elif isinstance(value, IncomingAct):
                acts.append(value)
            elif isinstance(value, IncomingVote):
                votes.append(value)
            elif isinstance(value, IncomingReceipt):
                receipts.append(value)
        with contextlib.suppress(NotFound):  # the number was deleted meanwhile
            channel = await access_channel(actor, channel_id)
            messages = await without_nothings(channel, messages)
            if not channel.groups_enabled:
                messages = [message for message in messages if message.group is None]
                acts = [act for act in acts if act.group is None]
                votes = [vote for vote in votes if vote.line.group is None]
                receipts = [receipt for receipt in receipts if receipt.group is None]
            messages += await take_votes(actor, channel, votes)
            if messages and acts:
                # people may be joined: before the first of them locks a chat
                people = [address_of(message) for message in messages]
                await resolve_contacts(actor, [*people, *(address_of_act(act) for act in acts)])
            await receive(actor, channel, messages)
            await apply_acts(actor, channel, acts)
            await apply_receipts(actor, channel_id, receipts)
            if received := sum(not message.from_me for message in messages):
                count_received(channel_id, channel.kind, received)
        await mark_processed(actor, [item.id for item in taken])

    async def _one_by_one(self, actor: Actor, channel_id: UUID) -> None:
        """A batch, each event in a transaction of its own. One that takes too long lets the others pass and comes again with
        the next batch."""
        last = 0
        for _ in range(BATCH):
            done = await self._next(actor, channel_id, after=last)
            if done is None:
                return
            last = done

    async def _next(self, actor: Actor, channel_id: UUID, *, after: int) -> int | None:
        """Store the event that follows, or set it aside. Its id; nothing when none waits, or another process has the number."""
        for tries_left in range(_TRIES, -1, -1):
            item = None
            try:
                async with unit_of_work(actor):
                    taken = await take_events(actor, channel_id, after=after, limit=1)
                    if not taken:
                        return None
                    [item] = taken
                    await self._store(actor, channel_id, taken)
            except Exception as error:
                if item is None or is_away(error):
                    raise
                if isinstance(error, IntegrityError) and tries_left:
                    continue  # its contact was joined with another one at this very instant
                if isinstance(error, StatementEnded) and self._may_come_again(item.id):
                    log.warning("journal.event_slow", event_id=item.id)
                    return item.id
                log.exception("journal.event_failed", event_id=item.id)
                await self._set_aside(actor, channel_id, item, error)
            self._slow.pop(item.id, None)
            return item.id
        raise AssertionError("unreachable")

    async def _set_aside(self, actor: Actor, channel_id: UUID, item: JournalEvent, error: Exception) -> None:
        """It is kept for a person to look at. A message leaves a line in its own chat, where that can be told and stored."""
        for telling in (True, False):
            try:
                async with unit_of_work(actor):
                    await mark_processed(actor, [item.id], error=repr(error)[:500])
                    if telling:
                        await self._leave_line(actor, channel_id, item)
            except Exception as problem:
                if is_away(problem) or not telling:
                    raise
                log.warning("journal.line_failed", event_id=item.id, error=type(problem).__name__)
            else:
                return

    async def _leave_line(self, actor: Actor, channel_id: UUID, item: JournalEvent) -> None:
        value = decode(item.id, item.code, item.raw)
        if isinstance(value, IncomingMessage) and value.type != MessageType.ACTIVITY:
            channel = await access_channel(actor, channel_id)
            if value.group is None or channel.groups_enabled:
                await receive(actor, channel, [without_content(value)])

    def _may_come_again(self, event_id: int) -> bool:
        now = time.monotonic()
        return now - self._slow.setdefault(event_id, now) < _SLOW_SECONDS

    async def _sweep_forever(self) -> None:
        """Repairs lost notifications and outages; the first round takes up what a dead process left."""
        while True:
            await self._sweep()
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _sweep(self) -> None:
        try:
            for company_id, channel_id in await waiting_journals():
                self._work(company_id, channel_id)
        except DOWN as error:
            log.warning("journal.sweep_failed", error=str(error))
