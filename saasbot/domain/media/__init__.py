"""Files of messages and products: stored, shown through signed addresses, removed when nothing refers to them."""

from saasbot.domain.media.access import access_media
from saasbot.domain.media.discard import discard_unused, remove_unused
from saasbot.domain.media.inbound import store_inbound
from saasbot.domain.media.pending import fail_inbound, pending_media
from saasbot.domain.media.upload import MAX_UPLOAD_BYTES, UploadTooLarge, store_image
from saasbot.domain.media.urls import MediaUrls, media_urls

__all__ = [
    "MAX_UPLOAD_BYTES",
    "MediaUrls",
    "UploadTooLarge",
    "access_media",
    "discard_unused",
    "fail_inbound",
    "media_urls",
    "pending_media",
    "remove_unused",
    "store_image",
    "store_inbound",
]
