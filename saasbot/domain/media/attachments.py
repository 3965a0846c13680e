"""A file for a message: what a person chose, recorded or had made into a sticker. Never whole in memory unless it is small."""

import asyncio
import hashlib
import io
from typing import BinaryIO, ClassVar

from saasbot.domain.actor import Actor
from saasbot.domain.media.discard import discard_unused
from saasbot.domain.media.file_names import clean_file_name
from saasbot.domain.media.upload import (
    KEPT_WITHOUT_USE,
    MAX_UPLOAD_BYTES,
    UploadTooLarge,
    keep_picture,
    read_picture,
    store_image,
)
from saasbot.infra import ffmpeg, images
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.file_types import UNKNOWN, FileType, sniff, type_of
from saasbot.infra.storage import storage
from saasbot.models import Media, MediaStatus
from saasbot.models.table import new_id

MAX_ATTACHMENT_BYTES = 100 * 1024 * 1024
MAX_SOUND_BYTES = 32 * 1024 * 1024
_HEAD, _CHUNK = 64 * 1024, 1024 * 1024
_REFUSED = frozenset({"text/html", "application/xhtml+xml", "text/xml", "application/xml", "application/javascript"})


class AttachmentTooLarge(AppError):
    code: ClassVar[str] = "attachment_too_large"
    status: ClassVar[int] = 413
    message: ClassVar[str] = "Files of more than 100 MB cannot be sent. Choose a smaller one."


class VoiceUnavailable(AppError):
    code: ClassVar[str] = "voice_unavailable"
    status: ClassVar[int] = 501
    message: ClassVar[str] = "Voice notes need ffmpeg, which this server does not have. Sound can be sent as a file."


async def store_attachment(actor: Actor, source: BinaryIO, file_name: str | None = None) -> Media:
    """A picture as by `store_image`; sound, video and documents are kept as they came: sound and MP4 are played in place,
    documents are only ever downloaded. What could run in a browser is refused.

    Raises: AttachmentTooLarge, InvalidInput, StorageUnavailable, UploadTooLarge.
    """
    size, digest = await asyncio.to_thread(_measure, source)
    mime = sniff(await asyncio.to_thread(_read, source, _HEAD))
    if size == 0 or mime.startswith("image/"):
        return await store_image(actor, await asyncio.to_thread(_read, source, MAX_UPLOAD_BYTES + 1), file_name)
    if mime in _REFUSED:
        raise InvalidInput("file", "This kind of file cannot be sent. Send a PDF or a picture of it.")
    kind = type_of(mime)
    media = Media(
        id=new_id(),
        company_id=actor.company_id,
        status=MediaStatus.STORED,
        mime=kind.mime if kind is not UNKNOWN else mime,
        size=size,
        file_name=clean_file_name(file_name),
        sha256=digest,
    )
    return await _keep(actor, media, source, kind)


async def store_sticker(actor: Actor, source: BinaryIO) -> Media:
    """A picture made into a sticker. Raises: InvalidInput, StorageUnavailable, UploadTooLarge."""
    content = await asyncio.to_thread(_read, source, MAX_UPLOAD_BYTES + 1)
    if len(content) > MAX_UPLOAD_BYTES:
        raise UploadTooLarge
    return await keep_picture(actor, await read_picture(images.make_sticker(content)), None, suffix="webp")


def can_make_voice_notes() -> bool:
    """Whether `store_voice` works on this server."""
    return ffmpeg.find() is not None


async def store_voice(actor: Actor, source: BinaryIO) -> Media:
    """Recorded or chosen sound made into a voice note.

    Raises: AttachmentTooLarge, InvalidInput, StorageUnavailable, VoiceUnavailable.
    """
    content = await asyncio.to_thread(_read, source, MAX_SOUND_BYTES + 1)
    if len(content) > MAX_SOUND_BYTES:
        raise AttachmentTooLarge
    try:
        note = await ffmpeg.voice_note(content)
    except ffmpeg.FfmpegMissing:
        raise VoiceUnavailable from None
    except ffmpeg.NotSound:
        raise InvalidInput("file", "This sound cannot be played. Record it again or choose another file.") from None
    media = Media(
        id=new_id(),
        company_id=actor.company_id,
        status=MediaStatus.STORED,
        mime="audio/ogg",
        size=len(note.content),
        seconds=note.seconds,
        voice=True,
        waveform=note.waveform,
        sha256=hashlib.sha256(note.content).hexdigest(),
    )
    return await _keep(actor, media, io.BytesIO(note.content), type_of(media.mime))


async def _keep(actor: Actor, media: Media, source: BinaryIO, kind: FileType) -> Media:
    """The file first: while it is written no row is locked. Removed after a day unless something refers to it."""
    media.storage_key = f"{actor.company_id}/attachment/{media.id}.{kind.suffix}"
    await storage().put_file(media.storage_key, source, kind.mime)
    session().add(media)
    await session().flush()
    await discard_unused(actor, media.id, after=KEPT_WITHOUT_USE)
    return media


def _measure(source: BinaryIO) -> tuple[int, str]:
    """Bytes and hash. Raises: AttachmentTooLarge."""
    source.seek(0)
    size, digest = 0, hashlib.sha256()
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > MAX_ATTACHMENT_BYTES:
            raise AttachmentTooLarge
        digest.update(chunk)
    return size, digest.hexdigest()


def _read(source: BinaryIO, most: int) -> bytes:
    source.seek(0)
    return source.read(most)
