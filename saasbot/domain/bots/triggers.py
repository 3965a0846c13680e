"""Trigger words: whether a customer's message starts the bot.

Case and accents do not count, words count as a whole: the trigger "precio" is in "¿PRECIO?" and in "précio", not in
"precioso". A trigger of several words matches them in a row. Emoji and signs such as "$" are words of their own.
"""

import unicodedata
from collections.abc import Iterable

MAX_TRIGGERS = 50
MAX_TRIGGER_LENGTH = 60


def words(text: str) -> list[str]:
    """The words of a text, folded: lower case, no accents, no punctuation; each symbol is one word."""
    found: list[str] = []
    inside = False
    for character in _fold(text):
        kind = unicodedata.category(character)
        if kind[0] in "LNM":
            if inside:
                found[-1] += character
            else:
                found.append(character)
            inside = True
        else:
            inside = False
            if kind in ("So", "Sc", "Sm"):
                found.append(character)
    return found


def contains_trigger(text: str, triggers: Iterable[str]) -> bool:
    """Whether the text holds at least one of the triggers."""
    haystack = words(text)
    return any(_within(words(trigger), haystack) for trigger in triggers)


def _within(needle: list[str], haystack: list[str]) -> bool:
    size = len(needle)
    return size > 0 and any(haystack[i : i + size] == needle for i in range(len(haystack) - size + 1))


def _fold(text: str) -> str:
    """Compatibility forms and case folded, then what modifies a character (accents, emoji variants, skin tones) dropped."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Me", "Cf", "Sk"))
