"""One product, and the pages of the list."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.catalogue.access import access_product
from saasbot.domain.catalogue.search import ranked
from saasbot.infra.db import session
from saasbot.models import Media, Product


class Position(NamedTuple):
    """Where a page of the list ended: the keyset of its last row."""

    rank: int
    """How well it answers the search, in thousandths; 0 without one."""
    product_id: UUID


@dataclass(frozen=True, slots=True)
class ProductPage:
    products: list[Product]
    pictures: dict[UUID, Media] = field(default_factory=dict)
    """By media id: what `image_id` of the products refers to."""
    next: Position | None = None
    """Ask with it for the page after; nothing at the end."""


async def get_product(actor: Actor, product_id: UUID) -> Product:
    """Raises: Forbidden, NotFound."""
    actor.require("catalogue.read")
    return await access_product(actor, product_id)


async def list_products(
    actor: Actor, *, query: str = "", limit: int = 50, after: Position | None = None
) -> ProductPage:
    """A page of the products, newest first; with a query, the best answers first (see `search`).

    Raises: Forbidden.
    """
    actor.require("catalogue.read")
    if query.strip():
        ranks = await ranked(actor, query, limit=limit + 1, after=after)
        found = await session().exec(select(Product).where(col(Product.id).in_([row.product_id for row in ranks])))
        by_id = {product.id: product for product in found}
        positions = [Position(row.rank, row.product_id) for row in ranks]
        products = [by_id[position.product_id] for position in positions]
    else:
        products = await _newest(actor, limit=limit + 1, after=after)
        positions = [Position(0, product.id) for product in products]
    shown = products[:limit]
    following = positions[limit - 1] if len(products) > limit else None
    return ProductPage(shown, await pictures_of(actor, shown), following)


async def pictures_of(actor: Actor, products: Iterable[Product]) -> dict[UUID, Media]:
    """By media id: the pictures of the products."""
    ids = {product.image_id for product in products if product.image_id is not None}
    if not ids:
        return {}
    query = select(Media).where(Media.company_id == actor.company_id, col(Media.id).in_(ids))
    return {media.id: media for media in await session().exec(query)}


async def _newest(actor: Actor, *, limit: int, after: Position | None) -> list[Product]:
    """Ids are UUIDv7: their order is that of creation."""
    conditions: list[Any] = [Product.company_id == actor.company_id, col(Product.deleted_at).is_(None)]
    if after is not None:
        conditions.append(col(Product.id) < after.product_id)
    query = select(Product).where(*conditions).order_by(col(Product.id).desc()).limit(limit)
    return list((await session().exec(query)).all())
