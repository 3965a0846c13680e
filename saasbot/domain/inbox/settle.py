"""Messages take what was done to them (`acts.py` keeps it), whichever came first."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.preview import REVOKED, preview_of
from saasbot.domain.inbox.turns import ask_for_turns
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models import Channel, Conversation, Handler

_APPLY = """
    WITH act AS (
        SELECT k.conversation_id, a.wa_id, a.kind, a.from_me, a.actor, a.text, a.at
        FROM unnest(CAST(:conversations AS uuid[]), CAST(:ids AS text[])) AS k(conversation_id, wa_id)
        JOIN conversation c ON c.company_id = :company AND c.id = k.conversation_id
        -- OFFSET 0: one look at the key for each message, whatever the planner believes of the table
        JOIN LATERAL (
            SELECT wa_id, kind, from_me, actor, text, at FROM message_act
            WHERE channel_id = :channel AND contact_id = c.contact_id AND wa_id = k.wa_id OFFSET 0
        ) a ON true
    ), wanted AS (
        SELECT m.id, m.text AS text_before, m.revoked_at AS revoked_before,
            max(act.text) FILTER (WHERE act.kind = 'edit' AND act.from_me = m.from_me AND act.actor = coalesce(m.author_jid, '')) AS new_text,
            max(act.at) FILTER (WHERE act.kind = 'edit' AND act.from_me = m.from_me AND act.actor = coalesce(m.author_jid, '')) AS edited_at,
            max(act.at) FILTER (WHERE act.kind = 'revoke' AND act.from_me = m.from_me AND act.actor = coalesce(m.author_jid, '')) AS revoked_at,
            coalesce(jsonb_agg(DISTINCT jsonb_strip_nulls(jsonb_build_object(
                'author', CASE WHEN act.from_me THEN 'phone' ELSE 'customer' END, 'emoji', act.text,
                'by', nullif(act.actor, '')
            ))) FILTER (WHERE act.kind = 'reaction' AND act.text <> ''), '[]') AS reactions
        FROM act JOIN message m ON m.channel_id = :channel AND m.conversation_id = act.conversation_id
            AND m.wa_id = act.wa_id AND m.type <> 'activity'
        GROUP BY m.id
    )
    UPDATE message m SET
        reactions = w.reactions,
        edited_at = CASE WHEN m.revoked_at IS NULL THEN coalesce(w.edited_at, m.edited_at) ELSE m.edited_at END,
        revoked_at = coalesce(m.revoked_at, w.revoked_at),
        earlier_text = CASE
            WHEN m.revoked_at IS NOT NULL THEN m.earlier_text
            WHEN w.revoked_at IS NOT NULL THEN coalesce(w.new_text, m.text)
            WHEN w.edited_at IS NOT NULL THEN coalesce(m.earlier_text, m.text)
            ELSE m.earlier_text END,
        text = CASE
            WHEN m.revoked_at IS NOT NULL OR w.revoked_at IS NOT NULL THEN ''
            ELSE coalesce(w.new_text, m.text) END
    FROM wanted w
    -- a message that stands as its acts say is not written again, and nobody is told
    WHERE m.id = w.id AND (m.reactions <> w.reactions OR (m.revoked_at IS NULL AND (
        w.revoked_at IS NOT NULL OR (w.edited_at IS NOT NULL AND w.edited_at IS DISTINCT FROM m.edited_at))))
    RETURNING m.id, m.seq, m.conversation_id, m.from_me, m.type, m.text, m.payload, m.revoked_at IS NOT NULL AS revoked,
        m.text <> w.text_before OR (m.revoked_at IS NOT NULL AND w.revoked_before IS NULL) AS reworded
"""

_STILL_ASKED = """
    SELECT DISTINCT m.conversation_id FROM message m JOIN conversation c ON c.id = m.conversation_id
    WHERE c.company_id = :company AND c.id = ANY(:conversations) AND m.seq > c.answered_seq
      AND m.author = 'customer' AND m.type <> 'activity' AND m.revoked_at IS NULL
"""


async def settle_acts(
    actor: Actor, channel: Channel, conversations: dict[UUID, Conversation], messages: Sequence[tuple[UUID, str]]
) -> None:
    """These messages (conversation, WhatsApp id) take what was done to them, whichever came first. The conversations are
    locked."""
    changed = await _apply(actor, channel.id, messages)
    for row in changed:
        conversation = conversations[row.conversation_id]
        if row.reworded and conversation.last_message_id == row.id:
            conversation.last_preview = _preview(row)
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation.id)
    await _answer_anew(actor, channel, [(conversations[row.conversation_id], row) for row in changed])


async def settle_quietly(actor: Actor, channel_id: UUID, messages: Sequence[tuple[UUID, str]]) -> None:
    """As `settle_acts`, of what the bot does not answer: a message of ours that has just learned its WhatsApp id, a phone's
    past."""
    if changed := await _apply(actor, channel_id, messages):
        await sql(
            """
            UPDATE conversation c SET last_preview = n.preview
            FROM unnest(CAST(:conversations AS uuid[]), CAST(:messages AS uuid[]), CAST(:previews AS text[]))
                AS n(conversation_id, message_id, preview)
            WHERE c.company_id = :company AND c.id = n.conversation_id AND c.last_message_id = n.message_id
            """,
            company=actor.company_id,
            conversations=[row.conversation_id for row in changed],
            messages=[row.id for row in changed],
            previews=[_preview(row) for row in changed],
        )


def _preview(row: Any) -> str:
    return REVOKED if row.revoked else preview_of(row.type, row.text, row.payload)


async def _apply(actor: Actor, channel_id: UUID, messages: Sequence[tuple[UUID, str]]) -> Sequence[Any]:
    """Returns the messages that changed."""
    if not messages:
        return []
    rows = await sql(
        _APPLY,
        conversations=[conversation_id for conversation_id, _ in messages],
        ids=[wa_id for _, wa_id in messages],
        channel=channel_id,
        company=actor.company_id,
    )
    return rows.all()


async def _answer_anew(actor: Actor, channel: Channel, changed: list[tuple[Conversation, Any]]) -> None:
    """A customer said something else, or nothing, before the bot answered: an answer that is being thought of is void."""
    said_anew = {
        c.id: c
        for c, row in changed
        if row.reworded and not row.from_me and c.handler == Handler.BOT and row.seq > c.answered_seq
    }
    if not said_anew:
        return
    for conversation in said_anew.values():
        # the new words count as the customer's newest, so that a turn that read the old ones is overtaken
        newest = await sql("SELECT nextval(pg_get_serial_sequence('message', 'seq'))")
        conversation.last_customer_seq = newest.scalar_one()
    if any(row.revoked for _, row in changed):
        rows = await sql(_STILL_ASKED, company=actor.company_id, conversations=list(said_anew))
        asked = {row.conversation_id for row in rows}
        for conversation in said_anew.values():
            if conversation.id not in asked:
                conversation.answered_seq = conversation.last_customer_seq
    await ask_for_turns(actor, channel, list(said_anew.values()))
