"""What goes out: protobufs built here (the library's own builders fetch URLs, read files and call ffprobe), and what its
errors, which are texts, mean."""

import re
import time
from typing import Any

from saasbot.models import MessageType
from saasbot.wa_runtime.protobufs import e2e
from saasbot.wa_runtime.refusals import refusal
from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, Outgoing, OutgoingMedia, SendRefused, SendUnknown

IMAGE, VIDEO, AUDIO, DOCUMENT = range(4)
"""The library's kinds of upload."""

_VOICE_MIME = "audio/ogg; codecs=opus"


def upload_kind(outgoing: Outgoing) -> int:
    """As what its media is uploaded."""
    if outgoing.type == MessageType.IMAGE:
        return IMAGE
    if outgoing.type == MessageType.AUDIO:
        return AUDIO
    media = outgoing.media
    return VIDEO if media is not None and media.mime.startswith("video/") else DOCUMENT


def plain_message(outgoing: Outgoing) -> e2e.Message:
    """A message without media. Raises: SendRefused."""
    if outgoing.type == MessageType.TEXT:
        return e2e.Message(conversation=outgoing.text)
    if outgoing.type == MessageType.LOCATION and outgoing.latitude is not None and outgoing.longitude is not None:
        place = e2e.LocationMessage(
            degreesLatitude=outgoing.latitude, degreesLongitude=outgoing.longitude, name=outgoing.text or None
        )
        return e2e.Message(locationMessage=place)
    raise SendRefused("unsupported_type")


def media_message(outgoing: Outgoing, media: OutgoingMedia, uploaded: Any) -> e2e.Message:
    """A message around an upload."""
    file: dict[str, Any] = {
        "URL": uploaded.url,
        "directPath": uploaded.DirectPath,
        "mediaKey": uploaded.MediaKey,
        "fileEncSHA256": uploaded.FileEncSHA256,
        "fileSHA256": uploaded.FileSHA256,
        "fileLength": uploaded.FileLength,
        "mediaKeyTimestamp": int(time.time()),
    }
    caption, size = outgoing.text or None, dict[str, Any](width=media.width, height=media.height)
    match upload_kind(outgoing):
        case 0:
            return e2e.Message(imageMessage=e2e.ImageMessage(**file, **size, mimetype=media.mime, caption=caption))
        case 1:
            video = e2e.VideoMessage(**file, **size, mimetype=media.mime, caption=caption, seconds=media.seconds)
            return e2e.Message(videoMessage=video)
        case 2:
            mime = _VOICE_MIME if media.voice else media.mime
            audio = e2e.AudioMessage(**file, mimetype=mime, seconds=media.seconds, PTT=media.voice)
            return e2e.Message(audioMessage=audio)
        case _:
            name = media.file_name or "file"
            document = e2e.DocumentMessage(**file, mimetype=media.mime, fileName=name, title=name, caption=caption)
            return e2e.Message(documentMessage=document)


# whatsmeow's texts. Before anything is written to the socket:
_NOTHING_LEFT = (
    "client is nil",
    "the store doesn't contain a device JID",
    "websocket not connected",
    "failed to prefetch sessions",
    "failed to get device list",
    "failed to encrypt",
    "failed to marshal",
)
_REFUSED = {
    "no LID found for": "not_on_whatsapp",
    "message recipient must be a user JID": "invalid_recipient",
    "can't send message to unknown server": "invalid_recipient",
    "sending to non-status broadcast lists": "unsupported_type",
    "failed to get group members: you're not participating": "not_in_group",
    "failed to get group members: that group does not exist": "recipient_gone",
}
# The first is the answer to the message itself; the second that to a question before it, so nothing was sent either.
_SERVER_CODE = re.compile(r"server returned error (\d+)|info query returned status (\d+)")
_WORTH_ANOTHER_TRY = range(500, 600)
"""Of a question before the message: the server is in trouble, not the message."""


def send_error(text: str) -> NotConnected | SendRefused | SendUnknown:
    """What a failed send means. Whatever is not known for sure to have stayed here may have gone out."""
    for start, code in _REFUSED.items():
        if text.startswith(start):
            return SendRefused(code)
    if found := _SERVER_CODE.search(text):
        number = int(found[1] or found[2])
        if found[1] is None and number in _WORTH_ANOTHER_TRY:
            return NotConnected(text)
        return refusal(number)
    for start in _NOTHING_LEFT:
        if text.startswith(start):
            return NotConnected(start)
    return SendUnknown(text)


_GONE = re.compile(r"status code (403|404|410)")
_SPOILED = ("invalid media hmac", "hash of media", "file length", "invalid media enc", "nothing downloadable found")


def download_error(text: str) -> DownloadFailed | NotConnected:
    """What a failed download means."""
    if text.startswith(("client is nil", "websocket not connected")):
        return NotConnected(text)
    if _GONE.search(text):
        return DownloadFailed("media_expired", permanent=True)
    if any(mark in text for mark in _SPOILED):
        return DownloadFailed("media_damaged", permanent=True)
    return DownloadFailed("media_unreachable", permanent=False)
