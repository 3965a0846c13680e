"""Votes in polls of ours: at most one of each side of a chat (in a group: of each of its people), kept on the poll's message."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra import events
from saasbot.infra.db import sql


@dataclass(frozen=True, slots=True)
class PollOfOurs:
    message_id: UUID
    conversation_id: UUID
    options: tuple[str, ...]
    secret: bytes


async def polls_of_ours(actor: Actor, channel_id: UUID, wa_ids: Collection[str]) -> dict[str, PollOfOurs]:
    """By WhatsApp id. Those of the phone itself are not among them: only WhatsApp knows their secrets."""
    rows = await sql(
        """
        SELECT wa_id, id, conversation_id, payload->'options' AS options, poll_secret FROM message
        WHERE company_id = :company AND channel_id = :channel AND wa_id = ANY(:ids) AND from_me
            AND poll_secret IS NOT NULL
        """,
        company=actor.company_id,
        channel=channel_id,
        ids=list(wa_ids),
    )
    return {
        row.wa_id: PollOfOurs(row.id, row.conversation_id, tuple(row.options), row.poll_secret) for row in rows.all()
    }


_RECORD = """
    UPDATE message SET payload = payload || jsonb_build_object('votes', (
        SELECT coalesce(jsonb_agg(v) FILTER (WHERE v->>'author' <> :author OR coalesce(v->>'by', '') <> :by), '[]')
        FROM jsonb_array_elements(coalesce(payload->'votes', '[]')) v
    ) || CAST(:vote AS jsonb))
    WHERE company_id = :company AND id = :message AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(coalesce(payload->'votes', '[]')) v
        WHERE v->>'author' = :author AND coalesce(v->>'by', '') = :by AND CAST(v->>'at' AS timestamptz) >= :at)
    RETURNING id
"""


async def record_vote(
    actor: Actor, poll: PollOfOurs, *, from_me: bool, chosen: Sequence[str], at: datetime, by: str | None = None
) -> None:
    """This side of the chat now chooses these options (none: took its vote back); in a group whoever is addressed so, `by`. An
    older vote, or the same one again, changes nothing."""
    author = "phone" if from_me else "customer"
    vote = {"author": author, "options": list(chosen), "at": at.isoformat()} | ({"by": by} if by else {})
    changed = await sql(
        _RECORD,
        company=actor.company_id,
        message=poll.message_id,
        author=author,
        by=by or "",
        vote=json.dumps([vote]),
        at=at,
    )
    if changed.one_or_none() is not None:
        events.publish("conversation", company_id=actor.company_id, conversation_id=poll.conversation_id)
