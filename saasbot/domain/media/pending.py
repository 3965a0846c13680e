"""Media that a customer sent and nobody has fetched yet."""

from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.infra import events
from saasbot.infra.db import session, sql
from saasbot.models import Media, MediaStatus


async def pending_media(actor: Actor, channel_id: UUID, *, limit: int = 20) -> list[Media]:
    """What the holder of this number must download, oldest first."""
    query = (
        select(Media)
        .where(
            Media.channel_id == channel_id, Media.company_id == actor.company_id, Media.status == MediaStatus.PENDING
        )
        .order_by(col(Media.created_at))
        .limit(limit)
    )
    return list((await session().exec(query)).all())


async def fail_inbound(actor: Actor, media_id: UUID, *, error: str, permanent: bool) -> None:
    """A download failed: for good it is shown as missing, else it is tried again. What is stored stays stored."""
    await sql(
        """
        UPDATE media SET attempts = attempts + 1, error = :error,
               status = CASE WHEN :permanent THEN 'failed' ELSE status END
        WHERE id = :id AND company_id = :company AND status <> 'stored'
        """,
        error=error,
        permanent=permanent,
        id=media_id,
        company=actor.company_id,
    )
    await publish_owner(actor, media_id)


async def publish_owner(actor: Actor, media_id: UUID) -> None:
    """Tell those who look at the conversation that shows this media."""
    rows = await sql(
        "SELECT conversation_id FROM message WHERE company_id = :company AND media_id = :id",
        company=actor.company_id,
        id=media_id,
    )
    for (conversation_id,) in rows.all():
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)
