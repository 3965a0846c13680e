"""Fetch the media that customers sent, at once: WhatsApp forgets them, and only the holder of the number can decrypt them.

Where they are checked by length and hash is `domain.media.inbound`, through which every content goes.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from saasbot.domain import media as stored_media
from saasbot.domain.actor import Actor
from saasbot.domain.channels.governor import SHORTEST_PAUSE
from saasbot.domain.channels.journal import raw_event
from saasbot.domain.media.inbound import MAX_INBOUND_BYTES, TOO_LARGE
from saasbot.domain.media.pending import (
    INTERRUPTED,
    begin_fetch,
    fail_inbound,
    may_end_processes,
    next_retry,
    pending_media,
    take_back_fetch,
)
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import StorageUnavailable
from saasbot.models import Media
from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, Transport

log = get_logger(__name__)

_LARGE = 8 * 1024 * 1024
_DOWN_SECONDS = 2.0
"""Between two tries to tell a database that is away how a download went."""
_KEPT_SECONDS = 2 * SHORTEST_PAUSE.total_seconds()
"""A message that found no room comes again within that time."""


class NoRoom(Exception):
    """Another large file is in memory."""


class _Room:
    """Of a process, for one large file. The library holds it four or five times over, so there is one at a time, whatever the
    number of WhatsApp numbers. A download waits for it, as long as it takes; a send never does, but comes before the next
    download."""

    def __init__(self) -> None:
        self._loop, self._turn = asyncio.get_running_loop(), asyncio.Lock()
        self._free, self._kept_until = asyncio.Event(), 0.0
        self._free.set()

    async def wait(self) -> None:
        async with self._turn:
            await self._free.wait()
            while (kept := self._kept_until - self._loop.time()) > 0 or not self._free.is_set():
                await asyncio.sleep(max(0.0, kept))
                await self._free.wait()
            self._free.clear()

    def take(self) -> None:
        """Raises: NoRoom."""
        if not self._free.is_set():
            self._kept_until = self._loop.time() + _KEPT_SECONDS
            raise NoRoom
        self._free.clear()

    def leave(self) -> None:
        self._free.set()


_rooms: dict[asyncio.AbstractEventLoop, _Room] = {}


@asynccontextmanager
async def room_for(size: int, *, wait: bool = True) -> AsyncIterator[None]:
    """While a file of so many bytes is in memory. Raises: NoRoom, unless it shall `wait`."""
    if size < _LARGE:
        yield
        return
    room = _rooms.setdefault(asyncio.get_running_loop(), _Room())
    if wait:
        await room.wait()
    else:
        room.take()
    try:
        yield
    finally:
        room.leave()


async def download_pending(actor: Actor, channel_id: UUID, transport: Transport) -> float | None:
    """Download what is due for this number. What fails for now is tried again; what is gone is shown as missing. In how many
    seconds to look again, when something waits for that."""
    while True:
        async with unit_of_work(actor):
            waiting = await pending_media(actor, channel_id)
            if not waiting:
                return await next_retry(actor, channel_id)
        if not await _download(actor, waiting, transport):
            return None


async def _download(actor: Actor, waiting: list[Media], transport: Transport) -> bool:
    """False when the connection is gone."""
    for media in waiting:
        failed = partial(fail_inbound, actor, media.id)
        try:
            async with room_for(media.size):
                await _fetch(actor, media, transport)
        except NotConnected:
            await _tell(actor, partial(take_back_fetch, actor, media.id))
            return False
        except NotFound:
            log.info("media.gone", media_id=str(media.id))  # with whoever sent it
        except DownloadFailed as failure:
            log.warning("media.download_failed", media_id=str(media.id), code=failure.code)
            await _tell(actor, partial(failed, error=failure.code, permanent=failure.permanent))
        except DOWN as error:
            log.warning("media.not_stored", media_id=str(media.id), error=str(error))
            await _tell(actor, partial(failed, error="storage_unavailable", permanent=False))
    return True


async def _tell(actor: Actor, how_it_went: Callable[[], Awaitable[None]]) -> None:
    """As soon as the database can be told: what nobody tells looks as if this process had ended."""
    while True:
        try:
            async with unit_of_work(actor):
                await how_it_went()
        except DOWN as error:
            log.warning("media.database_unavailable", error=str(error))
            await asyncio.sleep(_DOWN_SECONDS)
        else:
            return


async def _fetch(actor: Actor, media: Media, transport: Transport) -> None:
    """Raises: DownloadFailed, NotConnected, NotFound."""
    raw = await _begun(actor, media)
    try:
        await _store(actor, media.id, await transport.download(raw))
    except asyncio.CancelledError:  # the number stops
        with contextlib.suppress(*DOWN):
            async with unit_of_work(actor):
                await take_back_fetch(actor, media.id)
        raise


async def _store(actor: Actor, media_id: UUID, content: bytes) -> None:
    """Raises: DownloadFailed, NotFound."""
    try:
        async with unit_of_work(actor):
            await stored_media.store_inbound(actor, media_id, content)
    except StorageUnavailable as error:
        raise DownloadFailed("storage_unavailable", permanent=False) from error


async def _begun(actor: Actor, media: Media) -> bytes:
    """The event that brought it; from now on a try counts. Raises: DownloadFailed."""
    if media.size > MAX_INBOUND_BYTES:
        raise DownloadFailed(TOO_LARGE, permanent=True)
    if may_end_processes(media):
        raise DownloadFailed(INTERRUPTED, permanent=True)
    async with unit_of_work(actor):
        await begin_fetch(actor, media.id)
        raw = await raw_event(actor, media.wa_event_id) if media.wa_event_id is not None else None
    if raw is None:
        raise DownloadFailed("event_missing", permanent=True)
    return raw
