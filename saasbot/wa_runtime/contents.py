"""What the content of a message says, kind by kind: words, files, places and cards of WhatsApp's end-to-end protobuf."""

import json
import re
from typing import Any

from saasbot.domain.inbox.incoming import IncomingMedia, storable_text
from saasbot.models import MessageType
from saasbot.wa_runtime.protobufs import e2e

MEDIA = {
    "imageMessage": MessageType.IMAGE,
    "videoMessage": MessageType.VIDEO,
    "ptvMessage": MessageType.VIDEO,  # the round ones
    "stickerMessage": MessageType.STICKER,
    "audioMessage": MessageType.AUDIO,
    "documentMessage": MessageType.DOCUMENT,
}
_MEASURED = ("imageMessage", "videoMessage", "ptvMessage", "stickerMessage")
_TIMED = ("videoMessage", "ptvMessage", "audioMessage")
_POLL = re.compile(r"pollCreationMessage(V\d+)?")
_MISSED = ("MISSED", "SILENCED_BY_DND", "SILENCED_UNKNOWN_CALLER")
_MOST_CARDS = 20
_LONGEST_NAME, _LONGEST_CARD = 200, 20_000
"""Characters, of all cards of a message. Whoever writes decides what is in them, and the thread reads all of it each time."""


def unwrapped(body: Any) -> Any:
    """The message inside one of WhatsApp's envelopes for kinds to come, where the library left it in one."""
    for field, content in body.ListFields():
        if field.message_type is not None and field.message_type.name == "FutureProofMessage":
            return unwrapped(content.message)
    return body


def wrappers(body: Any) -> set[str]:
    """The envelopes that `unwrapped` opens, one within another: what is to be seen once may lie in one that is forgotten."""
    for field, content in body.ListFields():
        if field.message_type is not None and field.message_type.name == "FutureProofMessage":
            return {field.name, *wrappers(content.message)}
    return set()


def kind_of(name: str) -> str:
    """The name of a kind, from its field: `poll_creation_v3`. One of the library's own names has a letter too many."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", re.sub(r"Mes+age", "", name)).lower()


def words_of(name: str, content: Any) -> tuple[str, str] | None:
    """Kind and text of what a person said without typing it: a poll, or what they chose of a list or of buttons."""
    if _POLL.fullmatch(name):
        return "poll", _question(content)
    if name == "buttonsResponseMessage":
        return "buttons_response", content.selectedDisplayText or content.selectedButtonID
    if name == "templateButtonReplyMessage":
        return "template_button_reply", content.selectedDisplayText or content.selectedID
    if name == "listResponseMessage":
        return "list_response", content.title or content.description or content.singleSelectReply.selectedRowID
    if name == "interactiveResponseMessage":
        return "interactive_response", content.body.text or _chosen(content.nativeFlowResponseMessage.paramsJSON)
    return None


def _question(poll: Any) -> str:
    return "\n".join([poll.name, *(f"○ {option.optionName}" for option in poll.options)]).strip()


def _chosen(parameters: str) -> str:
    """The label or the id of a quick reply, which a button's program may have left without words."""
    try:
        values = json.loads(parameters)
    except (ValueError, RecursionError):
        return ""
    found = (values.get(name) for name in ("display_text", "title", "id")) if isinstance(values, dict) else ()
    return next((value for value in found if isinstance(value, str) and value), "")


def new_words(edited: Any) -> str | None:
    """What an edited message now says; nothing when it is of a kind that has no words."""
    name = next((field.name for field, _ in edited.ListFields() if field.name != "messageContextInfo"), "")
    if name == "conversation":
        return edited.conversation
    if name == "documentWithCaptionMessage":
        return edited.documentWithCaptionMessage.message.documentMessage.caption
    names = edited.DESCRIPTOR.fields_by_name[name].message_type.fields_by_name if name else {}
    wanted = next((field for field in ("text", "caption") if field in names), None)
    return getattr(getattr(edited, name), wanted) if wanted else None


def readable(content: Any) -> str:
    """What a message of a kind that is not shown says in words, where it says anything."""
    if isinstance(content, str):
        return content
    names = content.DESCRIPTOR.fields_by_name
    for name in ("text", "caption", "contentText", "name", "title", "description"):
        if name in names and isinstance(value := getattr(content, name), str) and value:
            return value
    return ""


def announced(name: str, content: Any) -> IncomingMedia:
    return IncomingMedia(
        mime=storable_text(content.mimetype).split(";")[0].strip().lower() or "application/octet-stream",
        size=content.fileLength,
        sha256=content.fileSHA256.hex() or None,
        width=(content.width or None) if name in _MEASURED else None,
        height=(content.height or None) if name in _MEASURED else None,
        seconds=(content.seconds or None) if name in _TIMED else None,
        voice=name == "audioMessage" and content.PTT,
        file_name=(content.fileName or content.title or None) if name == "documentMessage" else None,
    )


def announced_size(body: Any) -> int:
    """Bytes of the file that a message has, as whoever sent it says; the least, should it say several; 0 without one."""
    return min(
        (content.fileLength for field, content in unwrapped(body).ListFields() if field.name in MEDIA), default=0
    )


def place(content: Any) -> dict[str, Any]:
    return {
        "latitude": content.degreesLatitude,
        "longitude": content.degreesLongitude,
        "name": content.name,
        "address": content.address,
    }


def live_place(content: Any) -> dict[str, Any]:
    """Where it began: the moves after that are not followed."""
    return {
        "latitude": content.degreesLatitude,
        "longitude": content.degreesLongitude,
        "name": "",
        "address": "",
        "live": True,
    }


def card(content: Any) -> dict[str, Any]:
    return _card(content, _LONGEST_CARD)


def _card(content: Any, longest: int) -> dict[str, Any]:
    return {"name": content.displayName[:_LONGEST_NAME], "vcard": content.vcard[:longest]}


def cards(content: Any) -> dict[str, Any]:
    """The first one as `card` gives it, so that who knows of one alone reads that; then the others, and how many were too many."""
    first, *others = content.contacts[:_MOST_CARDS]
    longest = _LONGEST_CARD // (1 + len(others))
    found = _card(first, longest)
    if others:
        found["others"] = [_card(other, longest) for other in others]
        found["left_out"] = max(0, len(content.contacts) - _MOST_CARDS)
    return found


def missed(call: Any) -> bool:
    """Whether an entry of the call log is of a call that nobody took."""
    return e2e.CallLogMessage.CallOutcome.Name(call.callOutcome) in _MISSED
