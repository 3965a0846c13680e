"""Find conversations by what people type: the name of the person, digits of the phone, words of a message."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.db import sql

MOST = 200
"""A search finds at most about this many conversations by each way; a narrower one finds the rest."""
_MAX_QUERY = 100
_MAX_WORDS = 6


async def find(actor: Actor, query: str) -> dict[UUID, str]:
    """The conversations that the query finds, and the message text when that is where it was found (else empty).

    Every word must be in the name or in one message, wherever, without regard to case and accents; three digits or more are
    looked for in phone numbers as well. Words of one or two letters find only names of recent conversations.

    Raises: Forbidden.
    """
    actor.require("inbox.read")
    text = query.replace("\x00", " ").strip()[:_MAX_QUERY]
    words = text.split()[:_MAX_WORDS]
    digits = "".join(char for char in text if char.isascii() and char.isdigit()) if _is_phone(text) else ""
    if not words:
        return {}
    rows = await sql(
        "SELECT conversation_id, matched FROM find_conversations("
        "ARRAY(SELECT fold(w) FROM unnest(CAST(:words AS text[])) w), :digits, :most)",
        words=words,
        digits=digits,
        most=MOST,
    )
    found: dict[UUID, str] = {}
    for conversation_id, matched in map(tuple, rows):
        found[conversation_id] = found.get(conversation_id) or matched
    return found


def _is_phone(text: str) -> bool:
    """Digits with what people put between them: "+54 9 (11) 5555-0001"."""
    return all(char.isdigit() or char in "+-()./ " for char in text)
