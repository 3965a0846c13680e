"""What becomes of a message that a number's holder took from the outbox (`outbox.py`)."""

from datetime import datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.lease import LeaseLost
from saasbot.domain.inbox.settle import settle_quietly
from saasbot.infra import events
from saasbot.infra.db import sql


async def _mark(
    actor: Actor,
    message_id: UUID,
    *,
    epoch: int,
    status: str,
    error: str | None = None,
    wa_id: str | None = None,
    at: datetime | None = None,
    chat_jid: str | None = None,
) -> UUID:
    """Move a message that this epoch took. Returns its conversation. Raises: LeaseLost."""
    row = (
        await sql(
            """
                UPDATE message m SET status = :status, error = :error, wa_id = coalesce(:wa_id, m.wa_id),
                       wa_timestamp = coalesce(:at, m.wa_timestamp), chat_jid = coalesce(:chat_jid, m.chat_jid)
                WHERE m.id = :id AND m.status = 'sending' AND m.sending_epoch = :epoch
                RETURNING m.conversation_id
                """,
            id=message_id,
            epoch=epoch,
            status=status,
            error=error,
            wa_id=wa_id,
            at=at,
            chat_jid=chat_jid,
        )
    ).one_or_none()
    if row is None:
        raise LeaseLost
    await sql(
        "UPDATE conversation SET last_status = :status WHERE id = :conversation AND last_message_id = :id",
        status=status,
        conversation=row.conversation_id,
        id=message_id,
    )
    events.publish("conversation", company_id=actor.company_id, conversation_id=row.conversation_id)
    return row.conversation_id


async def mark_sent(
    actor: Actor, channel_id: UUID, message_id: UUID, *, epoch: int, wa_id: str, at: datetime, chat_jid: str
) -> None:
    """The network took it, `at` its time. A receipt that came sooner than this is applied now, and so is a reaction.

    Raises: LeaseLost.
    """
    conversation_id = await _mark(
        actor, message_id, epoch=epoch, status="sent", wa_id=wa_id, at=at, chat_jid=chat_jid or None
    )
    await settle_quietly(actor, channel_id, [(conversation_id, wa_id)])
    if chat_jid:
        await sql(
            "UPDATE conversation SET chat_jid = :chat WHERE id = :id AND chat_jid <> :chat",
            chat=chat_jid,
            id=conversation_id,
        )
    waiting = (
        await sql(
            "DELETE FROM waiting_receipt WHERE channel_id = :channel AND wa_id = :wa_id RETURNING status, at",
            channel=channel_id,
            wa_id=wa_id,
        )
    ).one_or_none()
    if waiting is not None:
        await sql(
            """
                UPDATE message SET status = :status, delivered_at = coalesce(delivered_at, :at),
                       read_at = CASE WHEN :status = 'read' THEN :at ELSE read_at END
                WHERE id = :id
                """,
            status=waiting.status,
            at=waiting.at,
            id=message_id,
        )
        await sql(
            "UPDATE conversation SET last_status = :status WHERE id = :conversation AND last_message_id = :id",
            status=waiting.status,
            conversation=conversation_id,
            id=message_id,
        )


async def mark_failed(actor: Actor, message_id: UUID, *, epoch: int, error: str, number: int | None = None) -> None:
    """The network refused it for good; the team sees why. `number` is the network's own for a refusal that has no name here.

    Raises: LeaseLost.
    """
    await _mark(actor, message_id, epoch=epoch, status="failed", error=error)
    if number is not None:
        await sql(
            "UPDATE message SET payload = payload || jsonb_build_object('refused', CAST(:number AS int)) WHERE id = :id",
            id=message_id,
            number=number,
        )


async def mark_unconfirmed(actor: Actor, message_id: UUID, *, epoch: int, error: str = "no_acknowledgement") -> None:
    """It may have gone out: shown as such, never sent again by itself. Raises: LeaseLost."""
    await _mark(actor, message_id, epoch=epoch, status="unconfirmed", error=error)


async def requeue(actor: Actor, message_id: UUID, *, epoch: int) -> None:
    """Nothing left this machine: it waits for the number to open. Raises: LeaseLost."""
    await _mark(actor, message_id, epoch=epoch, status="queued")


async def settle_abandoned(actor: Actor, channel_id: UUID, *, epoch: int) -> list[UUID]:
    """What was taken before this epoch and never marked is `unconfirmed`: for a new holder, before its first send; for one that lets
    go with a send in hand; for a number that nobody will hold."""
    rows = (
        await sql(
            """
                UPDATE message SET status = 'unconfirmed', error = 'interrupted'
                WHERE channel_id = :channel AND status = 'sending' AND sending_epoch < :epoch
                RETURNING id, conversation_id
                """,
            channel=channel_id,
            epoch=epoch,
        )
    ).all()
    for row in rows:
        await sql(
            "UPDATE conversation SET last_status = 'unconfirmed' WHERE id = :conversation AND last_message_id = :id",
            conversation=row.conversation_id,
            id=row.id,
        )
        events.publish("conversation", company_id=actor.company_id, conversation_id=row.conversation_id)
    return [row.id for row in rows]
