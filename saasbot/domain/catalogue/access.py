"""The only door to a product."""

from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.models import Product


async def access_product(actor: Actor, product_id: UUID, *, lock: bool = False, or_deleted: bool = False) -> Product:
    """The product, on demand locked (FOR NO KEY UPDATE); a deleted one only with `or_deleted`.

    Raises: NotFound, for missing and foreign alike.
    """
    query = select(Product).where(Product.id == product_id, Product.company_id == actor.company_id)
    if not or_deleted:
        query = query.where(col(Product.deleted_at).is_(None))
    if lock:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    product = (await session().exec(query)).one_or_none()
    if product is None:
        raise NotFound
    return product
