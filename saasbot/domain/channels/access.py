"""The only door to a number."""

from typing import ClassVar
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, NotFound
from saasbot.models import Channel


class NumberDeleted(AppError):
    code: ClassVar[str] = "number_deleted"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "The number of this chat was deleted: nothing can be sent or fetched here any more."


async def access_channel(actor: Actor, channel_id: UUID, *, lock: bool = False) -> Channel:
    """The number, locked FOR NO KEY UPDATE on demand (messages may still be inserted meanwhile).

    Raises: NotFound, for missing, deleted and foreign alike.
    """
    query = select(Channel).where(
        Channel.id == channel_id, Channel.company_id == actor.company_id, col(Channel.deleted_at).is_(None)
    )
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    channel = (await session().exec(query)).one_or_none()
    if channel is None:
        raise NotFound
    return channel


async def channel_of_chat(actor: Actor, channel_id: UUID) -> Channel:
    """The number of a chat in which something shall be sent or fetched; its chats outlive it. Raises: NumberDeleted."""
    try:
        return await access_channel(actor, channel_id)
    except NotFound:
        raise NumberDeleted from None
