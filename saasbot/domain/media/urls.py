"""Addresses of files for views: signed, and the same for half an hour so that browsers keep what they fetched."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from saasbot.infra.storage import InvalidKey, storage
from saasbot.models import Media, MediaStatus

VALID_SECONDS = 60 * 60
"""Pages read their rows again twice a minute, and show new addresses before the old ones end."""


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
    """Id to addresses, valid for at least half an hour. Only for rows that the actor was given by a use case."""
    return {media.id: _urls(media) for media in rows}


def _urls(media: Media) -> MediaUrls:
    if media.status != MediaStatus.STORED or not media.storage_key:
        return NOTHING
    for key in filter(None, (media.storage_key, media.thumb_key)):
        if not key.startswith(f"{media.company_id}/"):
            raise InvalidKey("a row's file lies in the folder of its company")
    store = storage()
    return MediaUrls(
        url=store.signed_url(media.storage_key, seconds=VALID_SECONDS, inline=True),
        thumb_url=store.signed_url(media.thumb_key, seconds=VALID_SECONDS, inline=True) if media.thumb_key else "",
        download_url=store.signed_url(media.storage_key, seconds=VALID_SECONDS, file_name=media.file_name),
    )
