"""The bubbles of a thread, ready to be shown."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from saasbot.domain.history.store import OLDER_MEDIA
from saasbot.domain.inbox.merge_chats import JOINED
from saasbot.domain.inbox.part import UNDO_WITHIN
from saasbot.domain.inbox.preview import preview_of
from saasbot.domain.inbox.views import MediaView, MessageView, QuotedView
from saasbot.domain.media.pending import NEVER_AGAIN
from saasbot.infra.i18n import gettext, translate
from saasbot.models.table import utcnow
from saasbot.state.conversation_rows import KINDS, author_text
from saasbot.state.message_texts import activity_line, doing_line, media_problem, unsupported_line, why_not_sent
from saasbot.state.model_names import is_demo, model_name
from saasbot.state.reader import Reader, phone_text
from saasbot.state.vcards import phone_of_card

_BOX = 320
"""The longest side of a picture in a bubble, in CSS pixels."""
_STICKER_BOX = 160
_UNKNOWN = (240, 180)


@dataclass(frozen=True)
class PollChoice:
    text: str
    customer: bool
    """The customer chose it."""
    phone: bool
    """It was chosen on the phone."""
    people: int = 0
    """How many of a group chose it."""


@dataclass(frozen=True)
class CardLine:
    title: str
    note: str
    """The phone; empty where the card has none."""


@dataclass(frozen=True)
class MessageRow:
    """One message. What does not apply is empty."""

    id: str
    side: str
    """in · out · line (an activity, in the middle)"""
    author: str
    type: str
    text: str
    time: str
    full: str
    status: str
    why: str
    """Why it failed, is not confirmed, or is held back, in a sentence."""
    resent: bool
    """It was sent again: that message tells how it went on."""
    first: bool
    """The first of several by one speaker."""
    who: str
    """The name above the first bubble."""
    day: str
    """The day begins with this message."""
    token: str
    speaker: str = ""
    """Who of a group wrote it, on every bubble."""
    quote_who: str = ""
    quote: str = ""
    media: str = ""
    """pending · stored · failed; empty without a file"""
    url: str = ""
    thumb: str = ""
    width: int = 0
    height: int = 0
    voice: bool = False
    """Its sound was spoken for this chat, and is no file of somebody's."""
    file_name: str = ""
    file_note: str = ""
    link: str = ""
    title: str = ""
    note: str = ""
    reaction: str = ""
    """The customer's reaction, an emoji; those of a group, and from how many people when more than one."""
    own_reaction: str = ""
    """The one given on the phone."""
    edited: bool = False
    earlier: str = ""
    """What an edited message said at first."""
    revoked: bool = False
    """Deleted for everyone: `text` is what it said."""
    undo: str = ""
    """The joining of two people that this line tells, while it can be undone."""
    can: str = ""
    """What may be done to it, words apart: reply react edit revoke once WhatsApp has it, cancel while it is queued."""
    at: int = 0
    """When it was written, in milliseconds since 1970: after a while it can no longer be edited or deleted."""
    doing: str = ""
    """What becomes of an edit, a deletion or a reaction of ours, in a sentence."""
    trouble: bool = False
    """It did not work, or nobody knows whether it did."""
    retry: bool = False
    """Its missing file can be asked for."""
    asked: bool = False
    """Its missing file has been asked for before."""
    ephemeral: bool = False
    """WhatsApp forgets it after a while."""
    poll: bool = False
    several: bool = False
    choices: list[PollChoice] = field(default_factory=list)
    others: list[CardLine] = field(default_factory=list)
    """The contacts that came with the first one, which `title` and `note` are of."""
    left_out: str = ""
    """That there were more contacts than these, in a sentence."""


def rows_of(views: Iterable[MessageView], reader: Reader, before: MessageView | None = None) -> list[MessageRow]:
    """Rows of consecutive messages, oldest first; `before` is the one above them."""
    rows = []
    for view in views:
        rows.append(_row(view, before, reader))
        before = view
    return rows


def _row(view: MessageView, before: MessageView | None, reader: Reader) -> MessageRow:
    new_day = before is None or reader.day(before.sort_at) != reader.day(view.sort_at)
    first = new_day or before is None or _speaker(before) != _speaker(view)
    row = MessageRow(
        id=str(view.id),
        side="line" if view.type == "activity" else "in" if view.direction == "inbound" else "out",
        author=view.author,
        type=view.type,
        text=view.text,
        time=reader.time(view.sort_at),
        full=reader.full(view.sort_at),
        status=view.status,
        why=why_not_sent(view, reader),
        resent=view.resent,
        first=first,
        who=_name(view, reader) if first else "",
        day=reader.day(view.sort_at) if new_day else "",
        token=_token(view, reader),
    )
    return replace(row, **_more(view, reader))


def _speaker(view: MessageView) -> tuple[str, object, str]:
    return (view.author, view.author_user_id or view.author_jid, view.type if view.type == "activity" else "")


def _token(view: MessageView, reader: Reader) -> str:
    """What the reader's own browser called the message before it was queued."""
    person, _, token = (view.client_token or "").partition(":")
    return token if reader.user_id is not None and person == str(reader.user_id) else ""


def _name(view: MessageView, reader: Reader) -> str:
    match view.author:
        case "bot":
            name = view.author_name or gettext(reader.locale, "Bot")
            return f"{name} · {model_name(view.model, reader.locale)}" if is_demo(view.model) else name
        case "agent":
            return "" if view.author_user_id == reader.user_id else view.author_name
        case "phone":
            return gettext(reader.locale, "From the phone")
        case "customer" if view.author_jid is not None:
            return author_text(view.author_name, reader)
        case _:
            return ""


def _more(view: MessageView, reader: Reader) -> dict[str, Any]:
    """What only some messages have."""
    found: dict[str, Any] = {**_done_to(view), "can": _can(view), "at": _milliseconds(view)}
    if view.author_jid is not None:
        found["speaker"] = author_text(view.author_name, reader)
    found["doing"], found["trouble"] = doing_line(view, reader)
    found["ephemeral"] = bool(view.payload.get("ephemeral"))
    if view.payload.get("kind") == "poll" and view.payload.get("options"):
        found |= _poll(view.payload)
    if view.quoted is not None:
        quoted = view.quoted
        found["quote_who"] = _quoted_author(quoted, reader)
        found["quote"] = _quote(quoted, reader)
    match view.type:
        case "activity":
            found["text"] = activity_line(view, reader)
            found["note"] = str(view.payload.get("summary", ""))
            found["undo"] = _undo(view)
        case "unsupported":
            kind = "unavailable" if view.payload.get("unavailable") else str(view.payload.get("kind", ""))
            found["title"] = unsupported_line(kind, reader)
        case "location":
            found |= _place(view, reader)
        case "contact":
            found |= _cards(view.payload, reader)
    if view.media is not None:
        found |= _file(view.media, reader, _STICKER_BOX if view.type == "sticker" else _BOX)
    return found


def _undo(view: MessageView) -> str:
    joined = view.payload.get("kind") == JOINED and not view.payload.get("undone")
    return str(view.payload["merge"]) if joined and utcnow() - view.created_at < UNDO_WITHIN else ""


def _can(view: MessageView) -> str:
    """What can be done to it, whatever the hour. How far one of ours is, its tick tells, which moves alone."""
    ours = view.direction == "outbound"
    if view.revoked_at is not None or view.type == "activity" or not (ours or view.on_whatsapp):
        return ""
    able = ["reply", "react"]
    if ours:
        if view.type == "text" and not view.payload.get("kind"):
            able.append("edit")
        able += ["revoke", "cancel"]
    return " ".join(able)


def _milliseconds(view: MessageView) -> int:
    # not WhatsApp's own moment: it comes with the tick, for which no row is drawn again
    return int(view.sort_at.timestamp() * 1000)


def _poll(payload: dict[str, Any]) -> dict[str, Any]:
    votes = payload.get("votes", [])
    chosen = {vote["author"]: vote["options"] for vote in votes if not vote.get("by")}
    of_group = Counter(option for vote in votes if vote.get("by") for option in vote["options"])
    return {
        "poll": True,
        "several": bool(payload.get("several")),
        "text": "",
        "title": payload["question"],
        "choices": [
            PollChoice(
                option, option in chosen.get("customer", []), option in chosen.get("phone", []), of_group[option]
            )
            for option in payload["options"]
        ],
    }


def _done_to(view: MessageView) -> dict[str, Any]:
    """What people did to it since it was written."""
    found: dict[str, Any] = {}
    theirs = [reaction["emoji"] for reaction in view.reactions if reaction["author"] == "customer"]
    if theirs:
        # each emoji once, and how many people of a group they are from
        found["reaction"] = "".join(dict.fromkeys(theirs)) + (f" {len(theirs)}" if len(theirs) > 1 else "")
    for reaction in view.reactions:
        if reaction["author"] != "customer":
            found["own_reaction"] = reaction["emoji"]
    if view.revoked_at is not None:
        found |= {"revoked": True, "text": view.earlier_text or "", "poll": False}
    elif view.edited_at is not None:
        found |= {"edited": True, "earlier": view.earlier_text or ""}
    return found


def _quoted_author(quoted: QuotedView, reader: Reader) -> str:
    who = _who_is_quoted(quoted, reader)
    return f"{who} · {gettext(reader.locale, 'Status')}" if quoted.is_status else who


def _who_is_quoted(quoted: QuotedView, reader: Reader) -> str:
    if quoted.author != "customer":
        return quoted.author_name or gettext(reader.locale, "You")
    return author_text(quoted.author_name, reader) if quoted.author_name else gettext(reader.locale, "Customer")


def _quote(quoted: QuotedView, reader: Reader) -> str:
    if quoted.revoked:
        return gettext(reader.locale, "Deleted message")
    return preview_of(quoted.type, quoted.text, {}) or translate(
        reader.locale, KINDS.get(quoted.type, KINDS["unsupported"])
    )


def _cards(payload: dict[str, Any], reader: Reader) -> dict[str, Any]:
    first, *others = (_card_line(card, reader) for card in (payload, *payload.get("others", ())))
    count = payload.get("left_out", 0)
    left_out = gettext(reader.locale, "Not shown here: {count}. See them on the phone.", count=count) if count else ""
    return {"title": first.title, "note": first.note, "others": others, "left_out": left_out}


def _card_line(card: dict[str, Any], reader: Reader) -> CardLine:
    name = str(card.get("name", "")) or gettext(reader.locale, "Contact")
    return CardLine(name, phone_text(phone_of_card(str(card.get("vcard", "")))))


def _place(view: MessageView, reader: Reader) -> dict[str, Any]:
    payload = view.payload
    if payload.get("live"):
        # it may have moved on since, which is not followed here
        name = gettext(reader.locale, "Live location, as of {time}", time=reader.time(view.sort_at))
    else:
        name = str(payload.get("name") or "") or gettext(reader.locale, "Location")
    latitude, longitude = float(payload.get("latitude") or 0), float(payload.get("longitude") or 0)
    return {
        "title": name,
        "note": str(payload.get("address") or "") or f"{latitude:.5f}, {longitude:.5f}",
        "link": f"https://www.google.com/maps/search/?api=1&query={latitude:.6f}%2C{longitude:.6f}",
    }


def _file(media: MediaView, reader: Reader, box: int) -> dict[str, Any]:
    width, height = _shown(media, box)
    duration = f"{media.seconds // 60}:{media.seconds % 60:02}" if media.seconds else ""
    facts = (_kind(media), _size(media.size, reader)) if not duration else (duration,)
    return {
        "media": media.status,
        "url": media.urls.url if media.status == "stored" else "",
        "thumb": media.urls.thumb_url or media.urls.url,
        "link": media.urls.download_url,
        "width": width,
        "height": height,
        "voice": media.voice,
        "file_name": media.file_name or gettext(reader.locale, "File"),
        "file_note": " · ".join(fact for fact in facts if fact),
        "note": media_problem(media.error, reader) if media.status == "failed" else "",
        "retry": media.status == "failed" and media.error not in NEVER_AGAIN,
        "asked": media.error != OLDER_MEDIA,
    }


def _shown(media: MediaView, box: int) -> tuple[int, int]:
    """The picture's size on the screen, known before it arrives: nothing jumps when it does."""
    if not media.width or not media.height:
        return _UNKNOWN if box >= max(_UNKNOWN) else (box, box)
    scale = min(1.0, box / max(media.width, media.height))
    return max(48, round(media.width * scale)), max(48, round(media.height * scale))


def _kind(media: MediaView) -> str:
    name, dot, suffix = (media.file_name or "").rpartition(".")
    return suffix.upper() if name and dot and suffix.isalnum() and len(suffix) <= 5 else ""


def _size(size: int, reader: Reader) -> str:
    if size <= 0:
        return ""
    if size < 1_000_000:
        return f"{max(1, round(size / 1_000))} kB"
    text = f"{size / 1_000_000:.1f} MB"
    return text.replace(".", ",") if reader.locale == "es" else text
