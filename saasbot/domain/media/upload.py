"""A photo or another file that a person uploads."""

import hashlib
from datetime import timedelta
from typing import ClassVar

from saasbot.domain.actor import Actor
from saasbot.domain.media.discard import discard_unused
from saasbot.domain.media.file_names import clean_file_name
from saasbot.infra import images
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.file_types import UNKNOWN, sniff, type_of
from saasbot.infra.storage import storage
from saasbot.models import Media, MediaStatus
from saasbot.models.table import new_id

MAX_UPLOAD_BYTES = 10 * 1024 * 1024
_KEPT_WITHOUT_USE = timedelta(hours=24)
_REFUSED = frozenset({"text/html", "application/xhtml+xml", "text/xml", "application/xml", "application/javascript"})


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
    try:
        picture = await images.encode_anew(content)
    except images.UnknownPicture:
        raise InvalidInput("file", "Choose a photo in JPEG, PNG, WebP, GIF or AVIF format.") from None
    except images.HugePicture:
        raise InvalidInput("file", "This photo has too many pixels. Choose a smaller version.") from None
    except images.BadPicture:
        raise InvalidInput("file", "This photo is damaged. Save it again and choose the new file.") from None
    media = Media(
        id=new_id(),
        company_id=actor.company_id,
        status=MediaStatus.STORED,
        mime=picture.mime,
        size=len(picture.main),
        width=picture.width,
        height=picture.height,
        file_name=clean_file_name(file_name, suffix="jpg"),
        sha256=hashlib.sha256(picture.main).hexdigest(),
    )
    # the files come first: while they are written no connection of the database is held
    media.storage_key, media.thumb_key = await put_picture(f"{actor.company_id}/image/{media.id}", picture)
    session().add(media)
    await session().flush()  # rows that refer to it can be written now
    await discard_unused(actor, media.id, after=_KEPT_WITHOUT_USE)
    return media


async def store_attachment(actor: Actor, content: bytes, file_name: str | None = None) -> Media:
    """A file for a message. A picture as by `store_image`; sound and documents are kept as they came: sound is played in
    place, documents are only ever downloaded. What could run in a browser is refused.

    Raises: InvalidInput, StorageUnavailable, UploadTooLarge.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise UploadTooLarge
    mime = sniff(content)
    if not content or mime.startswith("image/"):
        return await store_image(actor, content, file_name)
    if mime in _REFUSED:
        raise InvalidInput("file", "This kind of file cannot be sent. Send a PDF or a picture of it.")
    kind = type_of(mime)
    media = Media(
        id=new_id(),
        company_id=actor.company_id,
        status=MediaStatus.STORED,
        mime=kind.mime if kind is not UNKNOWN else mime,
        size=len(content),
        file_name=clean_file_name(file_name),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    media.storage_key = f"{actor.company_id}/attachment/{media.id}.{kind.suffix}"
    await storage().put(media.storage_key, content, kind.mime)
    session().add(media)
    await session().flush()
    await discard_unused(actor, media.id, after=_KEPT_WITHOUT_USE)
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
