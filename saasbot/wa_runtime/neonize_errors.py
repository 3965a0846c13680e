"""What the library's errors, which are texts, mean."""

import re

from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, SendRefused, SendUnknown

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
}
_SERVER_CODE = re.compile(r"server returned error (\d+)")
_KNOWN_CODES = {"463": "reachout_timelocked"}


def send_error(text: str) -> NotConnected | SendRefused | SendUnknown:
    """What a failed send means. Whatever is not known for sure to have stayed here may have gone out."""
    for start in _NOTHING_LEFT:
        if text.startswith(start):
            return NotConnected(start)
    for start, code in _REFUSED.items():
        if text.startswith(start):
            return SendRefused(code)
    if found := _SERVER_CODE.search(text):
        return SendRefused(_KNOWN_CODES.get(found[1], f"refused_{found[1]}"))
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
