"""Files that nothing refers to any more are removed, later and by a job."""

from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.media.access import access_media
from saasbot.infra import jobs
from saasbot.infra.db import session, take_longer
from saasbot.infra.errors import NotFound
from saasbot.infra.storage import storage
from saasbot.models import Company, Media, Message, Product
from saasbot.models.table import utcnow

TASK = "media.remove_unused"


async def discard_unused(actor: Actor, media_id: UUID, *, after: timedelta) -> None:
    """Have the file looked at after a while, and removed if nothing refers to it then."""
    await jobs.defer(TASK, schedule_at=utcnow() + after, company_id=str(actor.company_id), media_id=str(media_id))


async def remove_unused(actor: Actor, media_id: UUID) -> bool:
    """Remove the file and its row unless something refers to it. Twice is once. Returns whether it is gone.

    Raises: StorageUnavailable (nothing has changed: try again).
    """
    try:
        media = await access_media(actor, media_id, lock=True)
    except NotFound:
        return True
    if await _in_use(media):
        return False
    await take_longer(seconds=300)  # a storage that is slow to answer
    # the files first: the row, locked, is what a second try finds them by
    for key in filter(None, (media.storage_key, media.thumb_key)):
        await storage().delete(key)
    await session().delete(media)
    return True


async def _in_use(media: Media) -> bool:
    """Deleted products count as well: they can come back with their picture until they are purged."""
    questions = (
        select(col(Product.id)).where(Product.company_id == media.company_id, Product.image_id == media.id),
        select(col(Message.id)).where(Message.company_id == media.company_id, Message.media_id == media.id),
        select(col(Company.id)).where(
            Company.id == media.company_id, col(Company.logo_key).in_([media.storage_key, media.thumb_key])
        ),
    )
    for question in questions:
        if (await session().exec(question.limit(1))).first() is not None:
            return True
    return False
