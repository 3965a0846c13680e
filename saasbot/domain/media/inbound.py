"""Files that came with a customer's message: downloaded by the runtime, kept here."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.media.access import access_media
from saasbot.domain.media.file_names import clean_file_name
from saasbot.domain.media.pending import fail_inbound, publish_owner
from saasbot.domain.media.upload import put_picture, put_thumb
from saasbot.infra import images
from saasbot.infra.db import session, take_longer
from saasbot.infra.file_types import UNKNOWN, FileType, sniff, type_of
from saasbot.infra.storage import storage
from saasbot.models import Media, MediaStatus

MAX_INBOUND_BYTES = 100 * 1024 * 1024
TOO_LARGE = "too_large"
_STICKER = "image/webp"
"""WhatsApp makes every photo a JPEG and every sticker a WebP."""
HASH_MISMATCH, LENGTH_MISMATCH = "hash_mismatch", "length_mismatch"


@dataclass(frozen=True, slots=True)
class _Stored:
    """What lies in the storage now."""

    key: str
    kind: FileType
    size: int
    sha256: str
    thumb_key: str | None = None
    width: int | None = None
    height: int | None = None


async def store_inbound(actor: Actor, media_id: UUID, content: bytes) -> Media:
    """The file is stored and the chats that show it are told. Twice is once.

    A picture is encoded anew and gets a thumbnail; a sticker keeps its transparency. A document is kept as it came and only
    ever downloaded (a picture among them has a thumbnail too); so is all else but audio and video, which the inbox plays. More than 100 MB, or bytes that are
    not those which WhatsApp announced, leave the row `failed` with `too_large`, `length_mismatch` or `hash_mismatch` in `error`.

    Raises: NotFound, StorageUnavailable (the row stays as it was: try again).
    """
    media = await access_media(actor, media_id)
    if media.status == MediaStatus.STORED:
        return media
    if len(content) > MAX_INBOUND_BYTES:
        return await _refuse(actor, media, TOO_LARGE)
    if media.size and len(content) != media.size:
        return await _refuse(actor, media, LENGTH_MISMATCH)
    if media.sha256 and media.sha256.lower() != hashlib.sha256(content).hexdigest():
        return await _refuse(actor, media, HASH_MISMATCH)
    await take_longer(seconds=300)  # a storage that is slow to take 100 MB
    stored = await _store(media, content)
    media = await access_media(actor, media_id, lock=True)  # only now: storing takes its time
    if media.status == MediaStatus.STORED:
        return media
    media.status, media.error = MediaStatus.STORED, None
    media.storage_key, media.thumb_key = stored.key, stored.thumb_key
    media.size, media.sha256 = stored.size, stored.sha256
    media.width, media.height = stored.width or media.width, stored.height or media.height
    if stored.kind is not UNKNOWN:
        media.mime = stored.kind.mime
    media.file_name = clean_file_name(media.file_name)
    await publish_owner(actor, media_id)
    return media


async def _refuse(actor: Actor, media: Media, reason: str) -> Media:
    await fail_inbound(actor, media.id, error=reason, permanent=True)
    await session().refresh(media)
    return media


async def _store(media: Media, content: bytes) -> _Stored:
    stem = f"{media.company_id}/inbound/{media.id}"
    kind = type_of(sniff(content))
    picture = await _picture(content, kind.mime) if kind.mime.startswith("image/") else None
    is_document = bool(media.file_name)
    if picture and not is_document:
        key, thumb_key = await put_picture(stem, picture)
        digest = hashlib.sha256(picture.main).hexdigest()
        encoded = type_of(picture.mime)
        return _Stored(key, encoded, len(picture.main), digest, thumb_key, picture.width, picture.height)
    if is_document or kind.mime.startswith("image/"):
        kind = UNKNOWN  # never shown in place: these bytes are the sender's own
    thumb_key = await put_thumb(stem, picture) if picture else None
    key = f"{stem}.{kind.suffix}"
    await storage().put(key, content, kind.mime)
    return _Stored(key, kind, len(content), hashlib.sha256(content).hexdigest(), thumb_key)


async def _picture(content: bytes, mime: str) -> images.Picture | None:
    try:
        if mime == _STICKER:
            return await images.encode_sticker(content, longest=images.READABLE_SIDE)
        return await images.encode_anew(content, longest=images.READABLE_SIDE)
    except images.BadPicture:
        return None  # what cannot be decoded is still the customer's file
