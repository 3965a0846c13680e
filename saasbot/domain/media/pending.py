"""Media that a customer sent and nobody has fetched yet."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import channel_of_chat
from saasbot.domain.channels.commands import wake_media
from saasbot.domain.inbox.access import access_conversation
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.infra.errors import AppError, NotFound
from saasbot.models import Media, MediaStatus, Message

ATTEMPTS = 6
"""So often a file is tried by itself: at once and again after 5, 10, 20, 40 and 80 seconds."""
_FIRST_WAIT_SECONDS = 5
INTERRUPTED, _INTERRUPTED_TWICE = "interrupted", "interrupted_twice"
"""Its process ended while it was fetched. Once is bad luck; the second time the file may be the reason, and a bridge that dies once
more is taken for broken."""
NEVER_AGAIN = ("too_large", "event_missing", "no_media")
"""Why a file is missing for good: asking for it again changes nothing."""


class NothingToFetch(AppError):
    code: ClassVar[str] = "nothing_to_fetch"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "This message has no file that is missing and could be fetched again."


async def pending_media(actor: Actor, channel_id: UUID, *, limit: int = 20) -> list[Media]:
    """What the holder of this number must download now, oldest first."""
    query = (
        select(Media)
        .where(
            Media.channel_id == channel_id,
            Media.company_id == actor.company_id,
            Media.status == MediaStatus.PENDING,
            or_(col(Media.retry_at).is_(None), col(Media.retry_at) <= func.now()),
        )
        .order_by(col(Media.created_at))
        .limit(limit)
    )
    return list((await session().exec(query)).all())


async def next_retry(actor: Actor, channel_id: UUID) -> float | None:
    """In how many seconds a file of this number is tried again; nothing when none waits for that."""
    row = await sql(
        """
        SELECT EXTRACT(EPOCH FROM min(retry_at) - clock_timestamp()) FROM media
        WHERE channel_id = :channel AND company_id = :company AND status = 'pending'
        """,
        channel=channel_id,
        company=actor.company_id,
    )
    seconds = row.scalar()
    return None if seconds is None else max(float(seconds), 0.0)


def may_end_processes(media: Media) -> bool:
    """Twice in a row, whoever fetched this file did not live to say how it went."""
    return media.error == _INTERRUPTED_TWICE


async def begin_fetch(actor: Actor, media_id: UUID) -> None:
    """A try counts as soon as it begins, as one that did not end: it may be the end of this process."""
    await sql(
        """
        UPDATE media SET attempts = attempts + 1, error = CASE error WHEN :once THEN :twice ELSE :once END,
               retry_at = clock_timestamp() + make_interval(secs => :wait * 2 ^ attempts)
        WHERE id = :id AND company_id = :company AND status = 'pending'
        """,
        once=INTERRUPTED,
        twice=_INTERRUPTED_TWICE,
        wait=_FIRST_WAIT_SECONDS,
        id=media_id,
        company=actor.company_id,
    )


async def take_back_fetch(actor: Actor, media_id: UUID) -> None:
    """What began was no try: there was no connection, or whoever fetched it was told to stop."""
    await sql(
        """
        UPDATE media SET attempts = attempts - 1, error = CASE error WHEN :twice THEN :once END, retry_at = NULL
        WHERE id = :id AND company_id = :company AND status = 'pending' AND error IN (:once, :twice)
        """,
        once=INTERRUPTED,
        twice=_INTERRUPTED_TWICE,
        id=media_id,
        company=actor.company_id,
    )


async def fail_inbound(actor: Actor, media_id: UUID, *, error: str, permanent: bool) -> None:
    """A download that began failed: for good, or once too often, it is shown as missing; else it is tried again, later each
    time. What is stored stays stored."""
    await sql(
        """
        UPDATE media SET error = :error,
               retry_at = clock_timestamp() + make_interval(secs => :wait * 2 ^ (attempts - 1)),
               status = CASE WHEN :permanent OR attempts >= :most THEN 'failed' ELSE status END
        WHERE id = :id AND company_id = :company AND status <> 'stored'
        """,
        error=error,
        permanent=permanent,
        wait=_FIRST_WAIT_SECONDS,
        most=ATTEMPTS,
        id=media_id,
        company=actor.company_id,
    )
    await publish_owner(actor, media_id)


async def fetch_again(actor: Actor, conversation_id: UUID, message_id: UUID) -> None:
    """A person asks for the missing file of a message: it is tried anew, as often as at first.

    Raises: Forbidden, NotFound, NumberDeleted, NothingToFetch.
    """
    actor.require("inbox.write")
    conversation = await access_conversation(actor, conversation_id)
    query = select(Message).where(
        Message.id == message_id, Message.company_id == actor.company_id, Message.conversation_id == conversation.id
    )
    message = (await session().exec(query)).one_or_none()
    if message is None:
        raise NotFound
    await channel_of_chat(actor, message.channel_id)
    found = await sql(
        """
        UPDATE media SET status = 'pending', attempts = 0, error = NULL, retry_at = NULL
        WHERE id = :id AND company_id = :company AND status = 'failed' AND wa_event_id IS NOT NULL
            AND NOT coalesce(error, '') = ANY(:never) RETURNING id
        """,
        id=message.media_id,
        company=actor.company_id,
        never=list(NEVER_AGAIN),
    )
    if found.one_or_none() is None:
        raise NothingToFetch
    await wake_media(message.channel_id)
    events.publish("conversation", company_id=actor.company_id, conversation_id=message.conversation_id)


async def publish_owner(actor: Actor, media_id: UUID) -> None:
    """Tell those who look at the conversation that shows this media."""
    rows = await sql(
        "SELECT conversation_id FROM message WHERE company_id = :company AND media_id = :id",
        company=actor.company_id,
        id=media_id,
    )
    for (conversation_id,) in rows.all():
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
