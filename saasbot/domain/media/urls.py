"""Addresses of files for views: signed, and the same for half a day so that browsers keep what they fetched."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from saasbot.infra.storage import storage
from saasbot.models import Media, MediaStatus

_VALID_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class MediaUrls:
    """Empty strings where there is nothing (yet) to fetch."""

    url: str = ""
    """To show a picture or play audio and video in place."""
    thumb_url: str = ""
    download_url: str = ""
    """The same file, saved under its own name."""


NOTHING = MediaUrls()


def media_urls(rows: Iterable[Media]) -> dict[UUID, MediaUrls]:
    """Id to addresses, valid for at least 12 hours. Only for rows that the actor was given by a use case."""
    return {media.id: _urls(media) for media in rows}


def _urls(media: Media) -> MediaUrls:
    if media.status != MediaStatus.STORED or not media.storage_key:
        return NOTHING
    store = storage()
    return MediaUrls(
        url=store.signed_url(media.storage_key, seconds=_VALID_SECONDS, inline=True),
        thumb_url=store.signed_url(media.thumb_key, seconds=_VALID_SECONDS, inline=True) if media.thumb_key else "",
        download_url=store.signed_url(media.storage_key, seconds=_VALID_SECONDS, file_name=media.file_name),
    )
