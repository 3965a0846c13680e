"""The outbox of acts: reactions, edits and deletions that people asked for, taken by the number's holder, never twice.

queued → sending(epoch) → sent, or failed, or unconfirmed, exactly as messages. The message changes when the act is `sent`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.lease import LeaseLost
from saasbot.domain.inbox.acts import keep_own
from saasbot.domain.inbox.change import is_late
from saasbot.domain.inbox.settle import settle_quietly
from saasbot.infra import events
from saasbot.infra.db import sql
from saasbot.models import ActKind

_CLAIM = """
    WITH holder AS (
        SELECT 1 FROM channel_lease
        WHERE channel_id = :channel AND epoch = :epoch AND holder IS NOT NULL FOR SHARE
    ), next AS (
        SELECT a.id FROM outgoing_act a
        WHERE a.channel_id = :channel AND a.status = 'queued' AND EXISTS (SELECT FROM holder)
          AND a.conversation_id <> ALL (CAST(:but AS uuid[]))
        ORDER BY a.seq LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE outgoing_act a SET status = 'sending', sending_epoch = :epoch
    FROM message m, conversation c
    WHERE a.id = (SELECT id FROM next) AND m.id = a.message_id AND c.id = a.conversation_id
    RETURNING a.id, a.conversation_id, a.kind, a.text, c.chat_jid, m.wa_id, m.from_me, m.author_jid, m.wa_timestamp,
        m.revoked_at
"""


@dataclass(frozen=True, slots=True)
class OutboxAct:
    id: UUID
    conversation_id: UUID
    chat_jid: str
    kind: ActKind
    text: str
    target_wa_id: str
    target_from_me: bool
    target_author_jid: str | None
    """In a group: who wrote the message."""


async def claim_act(actor: Actor, channel_id: UUID, *, epoch: int, but: Collection[UUID] = ()) -> OutboxAct | None:
    """Take the oldest act that waits; nothing when there is none (or another holder has the number). Commit before sending.
    Chats in `but` are passed over.

    An edit or a deletion that waited until phones no longer take it fails here, and so does one of a deleted message.
    """
    while True:
        row = (await sql(_CLAIM, channel=channel_id, epoch=epoch, but=list(but))).one_or_none()
        if row is None:
            return None
        events.publish("conversation", company_id=actor.company_id, conversation_id=row.conversation_id)
        problem = _void(row)
        if problem is None:
            return OutboxAct(
                id=row.id,
                conversation_id=row.conversation_id,
                chat_jid=row.chat_jid,
                kind=ActKind(row.kind),
                text=row.text,
                target_wa_id=row.wa_id,
                target_from_me=row.from_me,
                target_author_jid=row.author_jid,
            )
        await mark_act(actor, row.id, epoch=epoch, status="failed", error=problem)


def _void(row: Any) -> str | None:
    if row.revoked_at is not None:
        return "message_not_on_whatsapp"
    return f"{row.kind}_too_late" if is_late(row.kind, row.wa_timestamp) else None


async def mark_act(actor: Actor, act_id: UUID, *, epoch: int, status: str, error: str | None = None) -> None:
    """What became of an act that this epoch took: `failed`, `unconfirmed`, or `queued` again when nothing left.

    Raises: LeaseLost.
    """
    row = (
        await sql(
            """
            UPDATE outgoing_act SET status = :status, error = :error
            WHERE id = :id AND status = 'sending' AND sending_epoch = :epoch RETURNING conversation_id
            """,
            id=act_id,
            epoch=epoch,
            status=status,
            error=error,
        )
    ).one_or_none()
    if row is None:
        raise LeaseLost
    events.publish("conversation", company_id=actor.company_id, conversation_id=row.conversation_id)


async def mark_act_sent(actor: Actor, channel_id: UUID, act: OutboxAct, *, epoch: int, at: datetime) -> None:
    """WhatsApp took it, and the message is what the act made of it. `at` is the act's own moment. Raises: LeaseLost."""
    chat = (  # as it is now: people may have been joined while it was on its way
        await sql(
            """
            SELECT c.id, c.contact_id FROM outgoing_act a JOIN conversation c ON c.id = a.conversation_id
            WHERE a.id = :id FOR NO KEY UPDATE OF c
            """,
            id=act.id,
        )
    ).one_or_none()
    await mark_act(actor, act.id, epoch=epoch, status="sent")
    if chat is not None:
        await keep_own(actor, channel_id, chat.contact_id, kind=act.kind, wa_id=act.target_wa_id, text=act.text, at=at)
        await settle_quietly(actor, channel_id, [(chat.id, act.target_wa_id)])


async def settle_abandoned_acts(actor: Actor, channel_id: UUID, *, epoch: int) -> None:
    """What was taken before this epoch and never marked is `unconfirmed` (`outbox_marks.settle_abandoned`)."""
    rows = await sql(
        """
        UPDATE outgoing_act SET status = 'unconfirmed', error = 'interrupted'
        WHERE channel_id = :channel AND status = 'sending' AND sending_epoch < :epoch RETURNING conversation_id
        """,
        channel=channel_id,
        epoch=epoch,
    )
    for (conversation_id,) in rows.all():
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
