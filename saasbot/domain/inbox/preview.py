"""The line under a name in the list."""

from typing import Any

from saasbot.models import MessageType

PREVIEW_LENGTH = 140

REVOKED = "🚫"
"""Instead of the words of a deleted message."""
_MARKS = {
    MessageType.IMAGE: "📷",
    MessageType.VIDEO: "🎥",
    MessageType.STICKER: "💟",
    MessageType.AUDIO: "🎤",
    MessageType.DOCUMENT: "📄",
    MessageType.LOCATION: "📍",
    MessageType.CONTACT: "👤",
}
TAKEN_CALL = "☎"
_MARKS_OF_KINDS = {"poll": "📊", "missed_call": "📞", "call": TAKEN_CALL}


def preview_of(kind: MessageType | str, text: str, payload: dict[str, Any]) -> str:
    """One line that needs no language: a mark for the kind and what it says. What has nothing to say stays empty and
    the view puts the name of its kind there."""
    line = " ".join(text.split())[:PREVIEW_LENGTH]
    if not line and kind == MessageType.CONTACT:
        line = str(payload.get("name", ""))[:PREVIEW_LENGTH]
        more = len(payload.get("others", ())) + payload.get("left_out", 0)
        line = f"{line} +{more}" if line and more else line
    if not line and kind == MessageType.LOCATION:
        line = str(payload.get("name") or payload.get("address") or "")[:PREVIEW_LENGTH]
    mark = _MARKS.get(MessageType(kind)) or _MARKS_OF_KINDS.get(str(payload.get("kind", "")), "")
    return f"{mark} {line}".strip()
