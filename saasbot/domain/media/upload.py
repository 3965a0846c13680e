"""A photo that a person uploads."""

import hashlib
from collections.abc import Awaitable
from datetime import timedelta
from typing import ClassVar

from saasbot.domain.actor import Actor
from saasbot.domain.media.discard import discard_unused
from saasbot.domain.media.file_names import clean_file_name
from saasbot.infra import images
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.file_types import type_of
from saasbot.infra.storage import storage
from saasbot.models import Media, MediaStatus
from saasbot.models.table import new_id

MAX_UPLOAD_BYTES = 10 * 1024 * 1024
KEPT_WITHOUT_USE = timedelta(hours=24)


class UploadTooLarge(AppError):
    code: ClassVar[str] = "upload_too_large"
    status: ClassVar[int] = 413
    message: ClassVar[str] = "The file is larger than 10 MB. Choose a smaller one."


async def store_image(actor: Actor, content: bytes, file_name: str | None = None) -> Media:
    """The picture encoded anew (JPEG and a thumbnail), stored, ready to be attached to something within a day.

    What it is attached to decides who may do so; a picture that nothing refers to is removed after 24 hours.

    Raises: InvalidInput, StorageUnavailable, UploadTooLarge.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise UploadTooLarge
    if not content:
        raise InvalidInput("file", "The file is empty.")
    return await keep_picture(actor, await read_picture(images.encode_anew(content)), file_name, suffix="jpg")


async def read_picture(encoding: Awaitable[images.Picture]) -> images.Picture:
    """What a person chose, encoded. Raises: InvalidInput."""
    try:
        return await encoding
    except images.UnknownPicture:
        raise InvalidInput("file", "Choose a photo in JPEG, PNG, WebP, GIF or AVIF format.") from None
    except images.HugePicture:
        raise InvalidInput("file", "This photo has too many pixels. Choose a smaller version.") from None
    except images.BadPicture:
        raise InvalidInput("file", "This photo is damaged. Save it again and choose the new file.") from None


async def keep_picture(actor: Actor, picture: images.Picture, file_name: str | None, *, suffix: str) -> Media:
    """Its files and its row, removed after a day unless something refers to it. Raises: StorageUnavailable."""
    media = Media(
        id=new_id(),
        company_id=actor.company_id,
        status=MediaStatus.STORED,
        mime=picture.mime,
        size=len(picture.main),
        width=picture.width,
        height=picture.height,
        file_name=clean_file_name(file_name, suffix=suffix),
        sha256=hashlib.sha256(picture.main).hexdigest(),
    )
    # the files come first: while they are written no connection of the database is held
    media.storage_key, media.thumb_key = await put_picture(f"{actor.company_id}/image/{media.id}", picture)
    session().add(media)
    await session().flush()  # rows that refer to it can be written now
    await discard_unused(actor, media.id, after=KEPT_WITHOUT_USE)
    return media


async def put_picture(stem: str, picture: images.Picture) -> tuple[str, str]:
    """Store both sizes under a stem that is theirs alone; returns their keys.

    Raises: StorageUnavailable.
    """
    key = f"{stem}.{type_of(picture.mime).suffix}"
    await storage().put(key, picture.main, picture.mime)
    return key, await put_thumb(stem, picture)


async def put_thumb(stem: str, picture: images.Picture) -> str:
    """Raises: StorageUnavailable."""
    key = f"{stem}-thumb.webp"
    await storage().put(key, picture.thumb, picture.thumb_mime)
    return key
