"""What a person can write besides words and files: a place, a contact, a poll. Checked here, and put as the inbox keeps it."""

import os
import re
from dataclasses import dataclass
from typing import Any

from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.infra.errors import InvalidInput
from saasbot.models import MessageType

MIN_OPTIONS, MAX_OPTIONS = 2, 12
"""Of a poll, as WhatsApp has it."""
_MAX_NAME, _MAX_QUESTION, _MAX_OPTION = 100, 255, 100
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Place:
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A contact to share. `phone` with its country code, however it is written."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Poll:
    question: str
    options: tuple[str, ...]
    several: bool = False
    """Whether more than one option may be chosen."""


Special = Place | Card | Poll


@dataclass(frozen=True, slots=True)
class Written:
    """The columns of the message that it becomes."""

    type: MessageType
    text: str
    payload: dict[str, Any]
    poll_secret: bytes | None = None


def written(special: Special) -> Written:
    """Raises: InvalidInput."""
    if isinstance(special, Place):
        return Written(MessageType.LOCATION, "", _place(special))
    if isinstance(special, Card):
        return Written(MessageType.CONTACT, "", _card(special))
    payload = _poll(special)
    lines = [payload["question"], *(f"○ {option}" for option in payload["options"])]
    return Written(MessageType.TEXT, "\n".join(lines), payload, os.urandom(_SECRET_BYTES))


def special_of(type: MessageType, payload: dict[str, Any]) -> Special | None:
    """What a stored message of ours was written as, to write it again."""
    if type == MessageType.LOCATION:
        return Place(payload["latitude"], payload["longitude"], payload.get("name", ""), payload.get("address", ""))
    if type == MessageType.CONTACT:
        return Card(str(payload["name"]), _phone_of_card(str(payload["vcard"])))
    if payload.get("kind") == "poll" and payload.get("options"):
        return Poll(payload["question"], tuple(payload["options"]), bool(payload.get("several")))
    return None


def _phone_of_card(vcard: str) -> str:
    """Digits of a card that was made here."""
    return vcard.partition("waid=")[2].partition(":")[0]


def _place(place: Place) -> dict[str, Any]:
    if not -90 <= place.latitude <= 90:
        raise InvalidInput("latitude", "Use -90 to 90 degrees.")
    if not -180 <= place.longitude <= 180:
        raise InvalidInput("longitude", "Use -180 to 180 degrees.")
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "name": _line(place.name, "name", _MAX_NAME),
        "address": _line(place.address, "address", _MAX_QUESTION),
    }


def _card(card: Card) -> dict[str, Any]:
    name = _line(card.name, "name", _MAX_NAME)
    if not name:
        raise InvalidInput("name", "Write the name of the contact.")
    digits = digits_of_phone(card.phone)
    safe = re.sub(r"([\\;,])", r"\\\1", name)
    lines = (
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"N:;{safe};;;",
        f"FN:{safe}",
        f"TEL;type=CELL;type=VOICE;waid={digits}:+{digits}",
        "END:VCARD",
    )
    return {"name": name, "vcard": "\n".join(lines)}


def _poll(poll: Poll) -> dict[str, Any]:
    question = _line(poll.question, "question", _MAX_QUESTION)
    if not question:
        raise InvalidInput("question", "Write the question.")
    options = [option for option in (_line(text, "options", _MAX_OPTION) for text in poll.options) if option]
    if not MIN_OPTIONS <= len(options) <= MAX_OPTIONS:
        raise InvalidInput("options", "A poll has {least} to {most} options.", least=MIN_OPTIONS, most=MAX_OPTIONS)
    if len(set(options)) != len(options):
        raise InvalidInput("options", "Two options of the poll are the same.")
    return {"kind": "poll", "question": question, "options": options, "several": poll.several}


def _line(text: str, field: str, most: int) -> str:
    """One line without control characters. Raises: InvalidInput, when it is too long."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if len(line) > most:
        raise InvalidInput(field, "Use at most {limit} characters.", limit=most)
    return line
