"""The messages of a conversation, page by page from the newest back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.views import MediaView, MessageView, QuotedView, ThreadPage, ThreadPosition
from saasbot.domain.media.urls import media_urls
from saasbot.infra.db import session, sql
from saasbot.infra.errors import NotFound
from saasbot.models import Media

PAGE = 50

# The first columns are those of `MessageView`, in its order; then the file and the quoted message.
_SELECT = """
    SELECT m.id, m.seq, m.conversation_id, m.sort_at, m.created_at, m.wa_timestamp, m.direction, m.author,
        m.author_user_id, m.author_name, m.author_jid, m.type, m.text, m.payload, m.status, m.error, m.client_token, m.turn_id,
        m.edited_at, m.revoked_at, m.earlier_text, m.reactions, m.held_until, m.held_reason, a.acts, m.wa_id IS NOT NULL,
        m.status IN ('failed', 'unconfirmed') AND EXISTS (
            SELECT FROM message r WHERE r.company_id = m.company_id AND r.client_token = 'resend:' || m.id),
        m.error IS NOT DISTINCT FROM 'reachout_timelocked' AND EXISTS (
            SELECT FROM message i WHERE i.conversation_id = m.conversation_id AND i.direction = 'inbound' AND i.seq < m.seq),
        coalesce((SELECT model FROM agent_turn t WHERE t.company_id = m.company_id AND t.id = m.turn_id), ''),
        m.media_id, q.author, q.author_name, q.type, left(q.text, 200), q.revoked_at IS NOT NULL
    FROM ({page}) m
    LEFT JOIN LATERAL (
        SELECT author, author_name, type, text, revoked_at FROM message q
        WHERE m.quoted_wa_id IS NOT NULL AND q.channel_id = m.channel_id AND q.conversation_id = m.conversation_id
            AND q.wa_id = m.quoted_wa_id LIMIT 1
    ) q ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_agg(to_jsonb(newest) ORDER BY newest.kind), '[]') AS acts FROM (
            SELECT DISTINCT ON (kind) kind, text, status, error FROM outgoing_act
            WHERE message_id = m.id ORDER BY kind, seq DESC
        ) newest WHERE newest.status <> 'sent'
    ) a
    ORDER BY m.sort_at DESC, m.seq DESC
"""
_OWN, _PAYLOAD = 29, 13
"""How many columns a message has of its own, and which of them is its payload."""

_PAGE_OF = """
    SELECT * FROM message WHERE company_id = :company AND conversation_id = :conversation {before}
    ORDER BY sort_at DESC, seq DESC LIMIT :limit
"""
_BEFORE = "AND (sort_at, seq) < (:before_at, :before_seq)"


async def read_thread(
    actor: Actor, conversation_id: UUID, *, before: ThreadPosition | None = None, limit: int = PAGE
) -> ThreadPage:
    """A page of messages, newest first; with `before`, those that are older than it.

    Raises: Forbidden, NotFound.
    """
    conversation = await access_conversation(actor, conversation_id)
    values: dict[str, Any] = {"conversation": conversation.id, "limit": limit + 1}
    if before is not None:
        values |= {"before_at": before.sort_at, "before_seq": before.seq}
    messages = await _read(actor, _PAGE_OF.format(before=_BEFORE if before else ""), **values)
    shown = messages[:limit]
    return ThreadPage(shown, shown[-1].position if len(messages) > limit else None)


async def read_message(actor: Actor, message_id: UUID) -> MessageView:
    """Raises: Forbidden, NotFound."""
    actor.require("inbox.read")
    found = await _read(actor, "SELECT * FROM message WHERE company_id = :company AND id = :id", id=message_id)
    if not found:
        raise NotFound
    return found[0]


async def _read(actor: Actor, page: str, **values: Any) -> list[MessageView]:
    rows = [tuple(row) for row in await sql(_SELECT.format(page=page), company=actor.company_id, **values)]
    files = await _files(actor, [row[_OWN] for row in rows if row[_OWN] is not None])
    return [_message(row, files) for row in rows]


def _message(row: tuple[Any, ...], files: dict[UUID, MediaView]) -> MessageView:
    stored, told = row[_OWN + 1 :], row[_PAYLOAD].pop("quoted", None)
    quoted = QuotedView(*stored) if stored[0] is not None else QuotedView(author_name="", **told) if told else None
    return MessageView(*row[:_OWN], media=files.get(row[_OWN]), quoted=quoted)


async def _files(actor: Actor, ids: Sequence[UUID]) -> dict[UUID, MediaView]:
    if not ids:
        return {}
    query = select(Media).where(Media.company_id == actor.company_id, col(Media.id).in_(ids))
    rows = (await session().exec(query)).all()
    urls = media_urls(rows)
    return {
        media.id: MediaView(
            id=media.id,
            status=media.status,
            error=media.error,
            mime=media.mime,
            size=media.size,
            width=media.width,
            height=media.height,
            seconds=media.seconds,
            voice=media.voice,
            file_name=media.file_name,
            urls=urls[media.id],
        )
        for media in rows
    }
