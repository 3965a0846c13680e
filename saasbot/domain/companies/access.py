"""The only door to the company's row."""

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.models import Company


async def access_company(actor: Actor, *, lock: bool = False) -> Company:
    """The actor's company; on demand locked FOR NO KEY UPDATE.

    Raises: NotFound.
    """
    query = select(Company).where(col(Company.id) == actor.company_id)
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    company = (await session().exec(query)).one_or_none()
    if company is None:
        raise NotFound
    return company
