"""The journal as the library's callback sees it: one durable INSERT, or one fsynced line in a spool file.

neonize acknowledges a message to WhatsApp before Python runs, so what the callback does not make durable is lost for good.
"""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import psycopg

from saasbot.domain.actor import Actor
from saasbot.domain.channels.journal import APPEND_ONE, TOPIC, event_values, record_events
from saasbot.domain.history import chunks
from saasbot.infra.db import unit_of_work
from saasbot.infra.failpoints import reach
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.protobufs import HISTORY
from saasbot.wa_runtime.spool import Events, Spool

log = get_logger(__name__)

_CONNECT_SECONDS = 3
_SILENT_MS = 10_000
"""A database that went silent holds the library's thread no longer than this: then the spool takes the event."""


async def append_events(actor: Actor, channel_id: UUID, *, epoch: int, events: list[tuple[int, bytes]]) -> None:
    """In the transaction around: what is said now into the journal, what is over beside it."""
    history = [raw for code, raw in events if code == HISTORY]
    if history:
        await chunks.record_chunks(actor, channel_id, code=HISTORY, raws=history)
    if now := [(code, raw) for code, raw in events if code != HISTORY]:
        await record_events(actor, channel_id, epoch=epoch, events=now)


class NumberJournal:
    """Appends the events of one number, held under `epoch`. Safe from any thread."""

    def __init__(self, *, company_id: UUID, channel_id: UUID, epoch: int, dsn: str, spool_dir: Path) -> None:
        self._company_id, self._channel_id, self._epoch, self._dsn = company_id, channel_id, epoch, dsn
        self._spool = Spool(spool_dir, channel_id)
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None

    def append(self, code: int, raw: bytes) -> None:
        """Returns when the event is durable, in the database or in the spool.

        Raises: OSError, when neither can be written: then nobody can keep it, and the log says so.
        """
        with self._lock:
            self._replay_held()
            try:
                if self._spool.exists():
                    raise psycopg.OperationalError("what was spooled before waits")
                self._insert([(code, raw)])
            except psycopg.Error as error:
                log.warning("journal.spooled", channel_id=str(self._channel_id), error=str(error))
                self._spool.append(code, raw)
        reach("after_journal")

    async def append_many(self, events: list[tuple[int, bytes]]) -> None:
        actor = Actor.system(self._company_id)
        async with unit_of_work(actor):
            await append_events(actor, self._channel_id, epoch=self._epoch, events=events)
        reach("after_journal")

    async def replay_spool(self) -> int:
        """Move what was spooled into the database, in order. Returns how many events there were."""
        return await asyncio.to_thread(self._replay)

    def close(self) -> None:
        with self._lock:
            self._drop_connection()

    def _replay(self) -> int:
        with self._lock:
            return self._replay_held()

    def _replay_held(self) -> int:
        """With the lock. The spool is gone afterwards, or the database (or the disk) is still away."""
        try:
            return self._spool.empty(self._insert)
        except (psycopg.Error, OSError) as error:
            log.warning("journal.replay_waits", channel_id=str(self._channel_id), error=str(error))
            return 0

    def _insert(self, events: Events) -> None:
        try:
            connection = self._open()
            with connection.transaction(), connection.pipeline():
                connection.execute("SELECT set_config('app.company', %s, true)", (str(self._company_id),))
                for code, raw in events:
                    self._append(connection, code, raw)
                for topic in {chunks.TOPIC if code == HISTORY else TOPIC for code, _ in events}:
                    connection.execute("SELECT pg_notify(%s, %s)", (topic, f"{self._company_id}:{self._channel_id}"))
        except psycopg.OperationalError:
            self._drop_connection()
            raise

    def _append(self, connection: psycopg.Connection, code: int, raw: bytes) -> None:
        if code == HISTORY:
            connection.execute(chunks.APPEND_CHUNK, chunks.chunk_values(self._company_id, self._channel_id, code, raw))
            return
        connection.execute(APPEND_ONE, event_values(self._company_id, self._channel_id, self._epoch, code, raw))

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._dsn,
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                tcp_user_timeout=_SILENT_MS,
                application_name="saasbot-journal",
            )
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
