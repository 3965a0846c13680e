"""What the library's errors, which are texts, mean."""

import re

from saasbot.domain.channels.holding import NOT_UPLOADED
from saasbot.wa_runtime.refusals import refusal
from saasbot.wa_runtime.transport import DownloadFailed, NotConnected, SendDelayed, SendRefused, SendUnknown

# whatsmeow's texts. Before anything is written to the socket, there being none:
_NOT_CONNECTED = ("client is nil", "the store doesn't contain a device JID", "websocket not connected")
# and in what is done for this message before it is written:
_NOTHING_LEFT = (
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


def send_error(text: str) -> NotConnected | SendDelayed | SendRefused | SendUnknown:
    """What a failed send means. Whatever is not known for sure to have stayed here may have gone out."""
    for start, code in _REFUSED.items():
        if text.startswith(start):
            return SendRefused(code)
    if found := _SERVER_CODE.search(text):
        number = int(found[1] or found[2])
        if found[1] is None and number in _WORTH_ANOTHER_TRY:
            return SendDelayed(found[0])
        return refusal(number)
    if text.startswith(_NOT_CONNECTED):
        return NotConnected(text)
    for start in _NOTHING_LEFT:
        if text.startswith(start):
            return NotConnected(start) if "websocket" in text else SendDelayed(start)
    return SendUnknown(text)


def question_error(text: str) -> NotConnected | SendDelayed | SendRefused:
    """What a failed question means that was asked before any message: nothing can have left."""
    failure = send_error(text)
    if isinstance(failure, SendUnknown):
        return NotConnected(text) if "websocket" in text else SendDelayed("no answer")
    return failure


_NOT_TAKEN_NOW = re.compile(
    r"failed to refresh media connections|failed to execute request|upload failed with status code (?:5\d\d|429)"
)
"""The media host was not reached, or is in trouble itself: nothing is wrong with the file."""


def upload_error(text: str) -> SendDelayed | SendRefused:
    """What a failed upload means, while the connection stands. The library's text has WhatsApp's token in it: it goes no further."""
    found = _NOT_TAKEN_NOW.match(text)
    return SendDelayed(found[0], reason=NOT_UPLOADED) if found else SendRefused("upload_failed")


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
