"""The last chats that the bot passed to the team, and why."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.db import sql


@dataclass(frozen=True, slots=True)
class HandOff:
    conversation_id: UUID
    contact_name: str
    """The phone number with its plus when nobody said a name; empty when there is neither."""
    channel_name: str
    reason: str
    """A stable code (`customer_asked`, `no_data`, `key_missing`, …)."""
    summary: str
    at: datetime
    taken_by: str
    """Who has the chat now; empty while nobody took it or the bot has it again."""


_QUERY = """
    SELECT m.conversation_id, contact.name AS contact_name, channel.name AS channel_name, m.payload->>'reason' AS reason,
           m.payload->>'summary' AS summary, m.created_at AS at, account.name AS taken_by,
           (SELECT min(value) FROM contact_identity i WHERE i.contact_id = contact.id AND i.kind = 'phone') AS phone
    FROM message m
    JOIN conversation c ON c.id = m.conversation_id
    JOIN contact ON contact.id = c.contact_id
    JOIN channel ON channel.id = c.channel_id
    LEFT JOIN user_account account ON account.id = c.assignee_id
    WHERE m.company_id = :company AND m.type = 'activity' AND m.payload->>'kind' = 'handed_off'
    ORDER BY m.created_at DESC
    LIMIT :limit
"""


async def last_hand_offs(actor: Actor, *, limit: int = 6) -> list[HandOff]:
    """Newest first.

    Raises: Forbidden.
    """
    actor.require("inbox.read")
    rows = await sql(_QUERY, company=actor.company_id, limit=limit)
    return [
        HandOff(
            conversation_id=row.conversation_id,
            contact_name=row.contact_name or (f"+{row.phone}" if row.phone else ""),
            channel_name=row.channel_name,
            reason=row.reason or "",
            summary=row.summary or "",
            at=row.at,
            taken_by=row.taken_by or "",
        )
        for row in rows.all()
    ]
