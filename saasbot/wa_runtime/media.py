"""Fetch the media that customers sent, at once: WhatsApp forgets them, and only the holder of the number can decrypt them.

Where they are checked by length and hash is `domain.media.inbound`, through which every content goes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from saasbot.domain import media as stored_media
from saasbot.domain.actor import Actor
from saasbot.domain.channels.journal import raw_event
from saasbot.domain.media.inbound import MAX_INBOUND_BYTES, TOO_LARGE
from saasbot.domain.media.pending import fail_inbound, next_retry, pending_media
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import StorageUnavailable
from saasbot.models import Media
from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, Transport

log = get_logger(__name__)

_LARGE = 8 * 1024 * 1024
_rooms: dict[asyncio.AbstractEventLoop, asyncio.Lock] = {}


@asynccontextmanager
async def room_for(size: int) -> AsyncIterator[None]:
    """While a file of so many bytes is in memory. The library holds it four or five times over, so of the large ones there is
    one at a time in a process, whatever the number of its WhatsApp numbers."""
    if size < _LARGE:
        yield
        return
    loop = asyncio.get_running_loop()
    async with _rooms.setdefault(loop, asyncio.Lock()):
        yield


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
        try:
            async with room_for(media.size):
                content = await _content(actor, media.wa_event_id, media.size, transport)
                await _store(actor, media.id, content)
        except NotConnected:
            return False
        except NotFound:
            log.info("media.gone", media_id=str(media.id))  # with whoever sent it
        except DownloadFailed as failure:
            log.warning("media.download_failed", media_id=str(media.id), code=failure.code)
            async with unit_of_work(actor):
                await fail_inbound(actor, media.id, error=failure.code, permanent=failure.permanent)
    return True


async def _store(actor: Actor, media_id: UUID, content: bytes) -> None:
    """Raises: DownloadFailed, NotFound."""
    try:
        async with unit_of_work(actor):
            await stored_media.store_inbound(actor, media_id, content)
    except StorageUnavailable as error:
        raise DownloadFailed("storage_unavailable", permanent=False) from error


async def _content(actor: Actor, event_id: int | None, size: int, transport: Transport) -> bytes:
    """Raises: DownloadFailed, NotConnected."""
    if size > MAX_INBOUND_BYTES:
        raise DownloadFailed(TOO_LARGE, permanent=True)
    async with unit_of_work(actor):
        raw = await raw_event(actor, event_id) if event_id is not None else None
    if raw is None:
        raise DownloadFailed("event_missing", permanent=True)
    return await transport.download(raw)
