"""Fetch the media that customers sent, at once: WhatsApp forgets them, and only the holder of the number can decrypt them."""

import hashlib
from uuid import UUID

from saasbot.domain import media as stored_media
from saasbot.domain.actor import Actor
from saasbot.domain.channels.journal import raw_event
from saasbot.domain.media.pending import fail_inbound, pending_media
from saasbot.infra.db import unit_of_work
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, Transport

log = get_logger(__name__)

MAX_BYTES = 100 * 1024 * 1024
_ATTEMPTS = 5


async def download_pending(actor: Actor, channel_id: UUID, transport: Transport) -> None:
    """Download what is pending for this number. What fails for now is tried again; what is gone is shown as missing."""
    async with unit_of_work(actor):
        waiting = await pending_media(actor, channel_id)
    for media in waiting:
        try:
            content = await _content(actor, media.wa_event_id, media.size, media.sha256, transport)
        except NotConnected:
            return
        except DownloadFailed as failure:
            log.warning("media.download_failed", media_id=str(media.id), code=failure.code)
            permanent = failure.permanent or media.attempts + 1 >= _ATTEMPTS
            async with unit_of_work(actor):
                await fail_inbound(actor, media.id, error=failure.code, permanent=permanent)
            continue
        async with unit_of_work(actor):
            await stored_media.store_inbound(actor, media.id, content)


async def _content(actor: Actor, event_id: int | None, size: int, sha256: str | None, transport: Transport) -> bytes:
    """The checked content. Raises: DownloadFailed, NotConnected."""
    if size > MAX_BYTES:
        raise DownloadFailed("too_large", permanent=True)
    async with unit_of_work(actor):
        raw = await raw_event(actor, event_id) if event_id is not None else None
    if raw is None:
        raise DownloadFailed("event_missing", permanent=True)
    content = await transport.download(raw)
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise DownloadFailed("hash_mismatch", permanent=True)
    return content
