"""The event bus: what changed, told to every process on commit. It carries ids, never content.

Publishing is part of the transaction (`pg_notify` is delivered only on commit); listening is one connection a process.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from saasbot.infra import db
from saasbot.infra.logging import get_logger

log = get_logger(__name__)

CHANNEL = "saasbot_events"
_PAYLOAD_LIMIT = 7_500  # PostgreSQL refuses notifications of 8,000 bytes


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` says what happened (`conversation`, `message`, `channel`, …), `ids` to what."""

    kind: str
    company_id: UUID
    ids: dict[str, str] = field(default_factory=dict)


def publish(kind: str, *, company_id: UUID, **ids: UUID | str) -> None:
    """Tell every process, when and only when the current transaction commits. The same event twice is told once."""
    event = {"k": kind, "c": str(company_id), **{name: str(value) for name, value in ids.items()}}
    _pending(db.current(), "events")[json.dumps(event, sort_keys=True)] = event


def notify(channel: str, payload: dict[str, Any]) -> None:
    """Send a notification of another kind (JSON of less than 8,000 bytes), when the current transaction commits."""
    written = json.dumps(payload)
    _pending(db.current(), "notifications")[f"{channel} {written}"] = {"channel": channel, "payload": written}


def _pending(uow: db.UnitOfWork, name: str) -> dict[str, dict[str, Any]]:
    if "events" not in uow.notes:
        uow.notes |= {"events": {}, "notifications": {}}
        uow.before_commit.append(_send)
    return uow.notes[name]


async def _send(uow: db.UnitOfWork) -> None:
    """Everything in one statement: a transaction pays one round trip for all it tells."""
    sent = [(item["channel"], item["payload"]) for item in uow.notes["notifications"].values()]
    sent += [(CHANNEL, batch) for batch in _batches(list(uow.notes["events"].values()))]
    await db.sql(
        "SELECT pg_notify(channel, payload) "
        "FROM unnest(cast(:channels AS text[]), cast(:payloads AS text[])) AS sent (channel, payload)",
        channels=[channel for channel, _ in sent],
        payloads=[payload for _, payload in sent],
    )


def _batches(events: list[dict[str, Any]]) -> Iterator[str]:
    while events:
        batch, size = [], 2
        while events and size + (length := len(json.dumps(events[0])) + 2) <= _PAYLOAD_LIMIT:
            batch.append(events.pop(0))
            size += length
        yield json.dumps(batch)


class Listener:
    """One LISTEN connection of this process that hands every notification to its subscribers, in order.

    When the connection is lost it reconnects and calls `on_gap`, because notifications of the meantime are gone.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._subscribers: dict[str, list[Callable[[str], Awaitable[None] | None]]] = {}
        self._on_gap: list[Callable[[], Awaitable[None] | None]] = []
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    def subscribe(self, channel: str, callback: Callable[[str], Awaitable[None] | None]) -> None:
        """Call `callback(payload)` for each notification on `channel`. Subscribe before `start`."""
        self._subscribers.setdefault(channel, []).append(callback)

    def on_event(self, callback: Callable[[Event], Awaitable[None] | None]) -> None:
        """Call `callback` for each published `Event`."""

        async def decode(payload: str) -> None:
            for item in json.loads(payload):
                kind, company = item.pop("k"), UUID(item.pop("c"))
                result = callback(Event(kind, company, item))
                if result is not None:
                    await result

        self.subscribe(CHANNEL, decode)

    def on_gap(self, callback: Callable[[], Awaitable[None] | None]) -> None:
        """Call `callback` after a reconnection: notifications may have been missed."""
        self._on_gap.append(callback)

    async def start(self) -> None:
        """Returns when the first LISTEN is in force."""
        self._task = asyncio.create_task(self._run(), name="event-listener")
        await self._ready.wait()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        delay, first = 0.1, True
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                    for channel in self._subscribers:
                        await connection.execute(f'LISTEN "{channel}"'.encode())
                    self._ready.set()
                    delay = 0.1
                    if not first:
                        await self._tell_gap()
                    first = False
                    async for notification in connection.notifies():
                        await self._dispatch(notification.channel, notification.payload)
            except psycopg.OperationalError as error:
                log.warning("events.listener_lost", error=str(error), retry_in_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _dispatch(self, channel: str, payload: str) -> None:
        for callback in self._subscribers.get(channel, ()):
            try:
                result = callback(payload)
                if result is not None:
                    await result
            except Exception:
                log.exception("events.subscriber_failed", channel=channel)

    async def _tell_gap(self) -> None:
        for callback in self._on_gap:
            result = callback()
            if result is not None:
                await result
