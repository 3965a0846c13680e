"""The only door to a bot."""

from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.models import Bot


async def access_bot(actor: Actor, bot_id: UUID, *, lock: bool = False) -> Bot:
    """The bot; on demand locked FOR NO KEY UPDATE, which also makes the savers of its prompts wait for one another.

    Raises: NotFound, for missing and foreign alike.
    """
    query = select(Bot).where(Bot.id == bot_id, Bot.company_id == actor.company_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    bot = (await session().exec(query)).one_or_none()
    if bot is None:
        raise NotFound
    return bot
