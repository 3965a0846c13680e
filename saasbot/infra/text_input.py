"""Text from outside, made storable: what every use case does with a name or a paragraph before it looks at it."""

import unicodedata
from typing import Any

from saasbot.infra.errors import InvalidInput

_KEPT_CONTROLS = "\n\t"


def one_line(field: str, value: str, *, longest: int, required: bool = True) -> str:
    """The text on one line, without control characters and with single spaces.

    Raises: InvalidInput.
    """
    text = " ".join(storable(value).split())
    return _fits(field, text, longest=longest, required=required)


def paragraphs(field: str, value: str, *, longest: int, required: bool = False) -> str:
    """The text with its line breaks, without other control characters and outer blank lines.

    Raises: InvalidInput.
    """
    text = storable(value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return _fits(field, text, longest=longest, required=required)


def storable_json(value: Any) -> Any:
    """A JSON value whose every text is storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value


_LONGEST_RUN = 30  # UAX #15, Stream-Safe Text Format: more than any script needs


def storable(value: str) -> str:
    """NFC, without control characters (PostgreSQL stores no NUL) and lone surrogates (they have no UTF-8).

    Of a run of combining marks the first thirty are kept: putting a long one in order takes its square, and a hundred thousand
    of them would hold the process for a minute.
    """
    kept = "".join(
        character
        for character in value
        if character in _KEPT_CONTROLS or unicodedata.category(character) not in ("Cc", "Cs")
    )
    return kept if kept.isascii() else unicodedata.normalize("NFC", _with_short_runs(kept))


def _with_short_runs(text: str) -> str:
    kept, run = [], 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= _LONGEST_RUN:
            kept.append(character)
    return "".join(kept)


def _fits(field: str, text: str, *, longest: int, required: bool) -> str:
    if required and not text:
        raise InvalidInput(field, "Fill in this field.")
    if len(text) > longest:
        raise InvalidInput(field, "This is too long: at most {longest} characters.", longest=longest)
    return text
