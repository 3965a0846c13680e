"""The line in a thread that messages may be missing: told, so that nobody relies on a thread that is not whole."""

from datetime import timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models.table import new_id

AROUND = timedelta(minutes=10)
"""A chat is concerned when anything happened in it this shortly before the gap, during it, or after it."""
MOST_CHATS = 500

_CHATS = """
    SELECT m.conversation_id FROM channel_gap g JOIN message m ON m.channel_id = g.channel_id
    WHERE g.id = :gap AND g.company_id = :company AND g.ended_at IS NOT NULL
      AND m.created_at BETWEEN g.began_at - :around AND g.ended_at + :around AND m.type <> 'activity'
    GROUP BY m.conversation_id ORDER BY max(m.created_at) DESC LIMIT :most
"""

# one that is being joined with another is gone after the wait, and the line is told in that by the next telling
_STILL_THERE = "SELECT id FROM conversation WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE"

# Not through the conversation: a line about the past is no news. It stands at the end of the gap, and moves when that grows.
_LINES = """
    INSERT INTO message (
        id, company_id, conversation_id, channel_id, created_at, sort_at, from_me, direction, author, author_name, type, text,
        payload, status, client_token)
    SELECT l.id, g.company_id, l.conversation_id, g.channel_id, clock_timestamp(), g.ended_at, true, 'outbound', 'system', '',
        'activity', '', jsonb_build_object('kind', 'gap', 'from', g.began_at, 'to', g.ended_at), 'sent',
        'gap:' || g.id || ':' || l.conversation_id
    FROM channel_gap g, unnest(CAST(:ids AS uuid[]), CAST(:conversations AS uuid[])) AS l(id, conversation_id)
    WHERE g.id = :gap
    ON CONFLICT (company_id, client_token) WHERE client_token IS NOT NULL DO UPDATE
    SET sort_at = excluded.sort_at, payload = excluded.payload WHERE message.payload <> excluded.payload
    RETURNING conversation_id
"""


async def tell_gap(actor: Actor, gap_id: UUID) -> int:
    """Each chat that the gap concerns has one line about it. Twice is once. Returns how many chats it is news for.

    Nothing else about a conversation changes: it is not unread, starts no turn and stays where it is in every list.
    """
    chats = (await sql(_CHATS, gap=gap_id, company=actor.company_id, around=AROUND, most=MOST_CHATS)).scalars()
    if not chats:
        return 0
    chats = (await sql(_STILL_THERE, ids=list(chats))).scalars()
    told = (await sql(_LINES, gap=gap_id, ids=[new_id() for _ in chats], conversations=list(chats))).scalars()
    for conversation_id in told:
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
    return len(told)
