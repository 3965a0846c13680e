"""What the simulated phone's page draws, as small rows."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from saasbot.domain.channels.views import readable_phone
from saasbot.domain.simulator.customers import Customer
from saasbot.domain.simulator.phone import Bubble, PhoneNumber
from saasbot.infra.i18n import format_time, gettext
from saasbot.infra.storage import storage

CAST = (
    Customer("5491150000001", "", "Ana"),
    Customer("5491150000002", "", "Beto"),
    Customer("5491150000003", "", "Caro"),
)
"""Customers that are there to be played before anybody has written."""

_LINK_SECONDS = 3600
_PICTURES = ("image", "sticker")


@dataclass(frozen=True)
class NumberChoice:
    id: str
    name: str
    status: str
    phone: str


@dataclass(frozen=True)
class PersonRow:
    peer: str
    name: str
    phone: str


@dataclass(frozen=True)
class PhoneOption:
    text: str
    chosen: bool
    """By the customer."""


@dataclass(frozen=True)
class BubbleRow:
    seq: int
    mine: bool
    by: str
    """`customer`, `number` or `phone`."""
    kind: str
    text: str
    picture: str
    label: str
    """What a bubble without a picture of its own says it is."""
    time: str
    tick: str
    """Only on what the phone's owner wrote."""
    reaction: str
    edited: bool
    revoked: bool
    quote: str
    """What it answers."""
    wa_id: str
    options: list[PhoneOption]
    """Of a poll."""


def own_phone(channel_id: UUID) -> str:
    """The phone number under which a simulated number is linked: always the same, and another for each."""
    return f"54911{10_000_000 + channel_id.int % 90_000_000}"


def number_choices(numbers: list[PhoneNumber]) -> list[NumberChoice]:
    return [NumberChoice(str(n.id), n.name, n.status, readable_phone(n.phone) or "") for n in numbers]


def person_rows(known: list[Customer]) -> list[PersonRow]:
    """Who has written, newest first, then those who are there to be played."""
    peers = {person.peer for person in known}
    people = [*known, *(person for person in CAST if person.peer not in peers)]
    return [PersonRow(p.peer, p.name or p.peer, readable_phone(p.phone) or p.lid) for p in people]


def bubble_rows(bubbles: list[Bubble], locale: str, timezone: str, *, as_owner: bool) -> list[BubbleRow]:
    zone = ZoneInfo(timezone)
    return [_row(bubble, locale, zone, as_owner) for bubble in bubbles]


def _row(bubble: Bubble, locale: str, zone: ZoneInfo, as_owner: bool) -> BubbleRow:
    mine = (bubble.origin == "customer") != as_owner
    picture = bubble.type in _PICTURES and bubble.media_key is not None and not bubble.revoked
    return BubbleRow(
        seq=bubble.seq,
        mine=mine,
        by=bubble.origin,
        kind=bubble.type,
        text="" if bubble.revoked or bubble.type in ("location", "contact", "document", "call") else bubble.text,
        picture=storage().signed_url(bubble.media_key or "", seconds=_LINK_SECONDS, inline=True) if picture else "",
        label=_label(bubble, locale),
        time=format_time(bubble.at, zone, locale),
        tick=bubble.tick if mine else "",
        reaction=bubble.reaction,
        edited=bubble.edited,
        revoked=bubble.revoked,
        quote="" if bubble.revoked else bubble.quote,
        wa_id=bubble.wa_id,
        options=[] if bubble.revoked else [PhoneOption(text, chosen) for text, chosen in bubble.options],
    )


def _label(bubble: Bubble, locale: str) -> str:
    match bubble.type:
        case "audio":
            return gettext(locale, "Voice note")
        case "video":
            return gettext(locale, "Video")
        case "document":
            return bubble.file_name or bubble.text or gettext(locale, "Document")
        case "contact":
            return bubble.text or gettext(locale, "Contact")
        case "call":
            return _call(bubble, locale)
        case "location":
            return bubble.text or f"{bubble.latitude:.4f}, {bubble.longitude:.4f}"
        case _:
            return ""


def _call(bubble: Bubble, locale: str) -> str:
    if bubble.rejected:
        return gettext(locale, "The shop hung up")
    return gettext(locale, "Video call, not answered") if bubble.text else gettext(locale, "Call, not answered")
