"""The only door to a file's row."""

from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.models import Media


async def access_media(actor: Actor, media_id: UUID, *, lock: bool = False) -> Media:
    """The row of a file. With `lock` nothing new can refer to it until the transaction ends (FOR UPDATE).

    Raises: NotFound, for missing and foreign alike.
    """
    query = select(Media).where(Media.id == media_id, Media.company_id == actor.company_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    media = (await session().exec(query)).one_or_none()
    if media is None:
        raise NotFound
    return media
