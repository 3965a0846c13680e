"""Works off what phones hand over of their past, beside the processor and never before it: one number at a time, a slice a
transaction, with room between two slices for those who write now.

Where it stands is written with the messages themselves, so that a killed process is followed at the very next one.
"""

import asyncio
import contextlib
from collections import deque
from datetime import timedelta
from uuid import UUID

from google.protobuf.message import DecodeError

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import waiting_histories
from saasbot.domain.channels.access import access_channel
from saasbot.domain.history.chunks import (
    TOPIC,
    Chunk,
    advance_chunk,
    drop_chunks,
    end_chunk,
    next_chunk,
)
from saasbot.domain.history.progress import note_end, note_progress
from saasbot.domain.history.store import store_older
from saasbot.infra.db import DOWN, is_away, take_longer, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.events import Listener
from saasbot.infra.failpoints import reach
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.decode_history import HistoryPart

log = get_logger(__name__)

SLICE = 40
_PAUSE_SECONDS = 0.02
_SWEEP_SECONDS = 5.0
_TELL_SECONDS = 1.0

Number = tuple[UUID, UUID]
"""Company and channel."""


class _TakenOver(Exception):
    """Another process works on this part: it goes on there."""


class HistoryLane:
    """One a process; where several run, each slice is stored by the one that was first."""

    def __init__(self, listener: Listener) -> None:
        self._waiting: deque[Number] = deque()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._told: dict[UUID, float] = {}
        listener.subscribe(TOPIC, self._woken)

    async def start(self) -> None:
        """Takes up what waited while nobody worked, and then what comes."""
        self._tasks = [
            asyncio.create_task(self._work_forever(), name="history"),
            asyncio.create_task(self._sweep_forever(), name="history-sweeper"),
        ]

    async def stop(self) -> None:
        """Returns when the slice in hand is committed."""
        self._stopping = True
        self._news.set()
        for sweeper in self._tasks[1:]:
            sweeper.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _woken(self, payload: str) -> None:
        company, _, channel = payload.partition(":")
        self._add((UUID(company), UUID(channel)))

    def _add(self, number: Number) -> None:
        if number not in self._waiting:
            self._waiting.append(number)
            self._news.set()

    async def _work_forever(self) -> None:
        while not self._stopping:
            self._news.clear()
            while self._waiting and not self._stopping:
                number = self._waiting.popleft()
                try:
                    if await self._one_part(*number):
                        self._add(number)  # behind the others: no phone makes another one's owner wait for all it has
                except DOWN as error:
                    log.warning("history.database_unavailable", error=str(error))
                except Exception:
                    log.exception("history.failed", channel_id=str(number[1]))
            await self._news.wait()

    async def _one_part(self, company_id: UUID, channel_id: UUID) -> bool:
        """Work off the oldest part of a number. False when none waited."""
        actor = Actor.system(company_id)
        async with unit_of_work(actor):
            chunk = await next_chunk(actor, channel_id)
        if chunk is None:
            return False
        try:
            part = await asyncio.to_thread(HistoryPart, chunk.raw)
        except DecodeError as error:
            log.error("history.undecodable", chunk_id=chunk.id)
            async with unit_of_work(actor):
                await end_chunk(chunk.id, error=f"undecodable: {error}")
            return True
        try:
            await self._slices(actor, channel_id, chunk, part)
        except _TakenOver:
            return False
        except NotFound:  # the number was deleted meanwhile
            async with unit_of_work(actor):
                await drop_chunks(actor, channel_id)
            return False
        return True

    async def _slices(self, actor: Actor, channel_id: UUID, chunk: Chunk, part: HistoryPart) -> None:
        """From where the part stands to its end. A slice that fails is tried message by message, so that one that cannot be
        stored is passed over and the others are."""
        position, careful_until = chunk.position, 0
        while not self._stopping:
            end = min(position + (1 if position < careful_until else SLICE), len(part))
            try:
                wanted = await self._slice(actor, channel_id, chunk, part, position, end)
            except (NotFound, _TakenOver):
                raise
            except Exception as error:
                if is_away(error):
                    raise
                log.exception("history.slice_failed", channel_id=str(channel_id), position=position, end=end)
                if end - position > 1:
                    careful_until = end
                    continue
                wanted = await self._slice(actor, channel_id, chunk, part, position, end, skip=True)
            reach("after_history_slice")
            if not wanted or end == len(part):
                return
            position = end
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _slice(
        self,
        actor: Actor,
        channel_id: UUID,
        chunk: Chunk,
        part: HistoryPart,
        start: int,
        end: int,
        *,
        skip: bool = False,
    ) -> bool:
        """Store the entries `start` to `end`, or pass over them. False when the number's owner wants no history any more."""
        async with unit_of_work(actor):
            await take_longer(seconds=120)
            channel = await access_channel(actor, channel_id)
            if channel.history_days == 0:
                await drop_chunks(actor, channel_id)
                return False
            if not await advance_chunk(chunk.id, before=start, after=end):
                raise _TakenOver
            since = chunk.received_at - timedelta(days=channel.history_days)
            found = [] if skip else list(part.messages(start, end, since=since))
            stored = await store_older(actor, channel, found)
            await note_progress(
                actor,
                channel_id,
                percent=part.percent,
                messages=stored.messages,
                chats=stored.chats,
                tell=self._tell(channel_id),
            )
            if end == len(part):
                await end_chunk(chunk.id)
                await note_end(actor, channel_id)
        return True

    def _tell(self, channel_id: UUID) -> bool:
        """Whether screens shall follow now: a slice takes less time than looking at it."""
        now = asyncio.get_running_loop().time()
        if now - self._told.get(channel_id, -_TELL_SECONDS) < _TELL_SECONDS:
            return False
        self._told[channel_id] = now
        return True

    async def _sweep_forever(self) -> None:
        """Repairs lost notifications and outages; the first round takes up what a dead process left."""
        while True:
            with contextlib.suppress(*DOWN):
                for number in await waiting_histories():
                    self._add(number)
            await asyncio.sleep(_SWEEP_SECONDS)
