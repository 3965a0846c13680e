"""Products are made and changed."""

from datetime import timedelta
from typing import ClassVar, TypedDict, Unpack
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.catalogue.access import access_product
from saasbot.domain.catalogue.fields import clean_description, clean_sku, clean_stock, clean_title
from saasbot.domain.media import access_media, discard_unused
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.money import check_currency, check_minor
from saasbot.models import Company, MediaStatus, Product
from saasbot.models.table import utcnow

_OLD_PICTURE_KEPT = timedelta(hours=1)
"""Lists that are on a screen still show it."""


class SkuTaken(AppError):
    code: ClassVar[str] = "sku_taken"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "Another product already has this code."


class ProductChanges(TypedDict, total=False):
    """What can be changed of a product. What is left out stays as it is."""

    title: str
    description: str
    price_minor: int
    currency: str
    sku: str | None
    stock: int | None
    active: bool


async def create_product(
    actor: Actor,
    *,
    title: str,
    price_minor: int,
    description: str = "",
    currency: str | None = None,
    sku: str | None = None,
    stock: int | None = None,
    active: bool = True,
    image_id: UUID | None = None,
) -> Product:
    """A new product; without `currency` its price is in the company's. `image_id` is a picture that was uploaded before.

    Raises: Forbidden, InvalidInput, NotFound (the picture), SkuTaken.
    """
    actor.require("catalogue.write")
    own_currency = check_currency(currency) if currency else await company_currency(actor)
    product = Product(
        company_id=actor.company_id,
        title=clean_title(title),
        description=clean_description(description),
        price_minor=check_minor(price_minor, currency=own_currency, locale=actor.locale),
        currency=own_currency,
        sku=clean_sku(sku),
        stock=clean_stock(stock),
        active=active,
    )
    if image_id is not None:
        await _check_picture(actor, image_id)
        product.image_id = image_id
    session().add(product)
    await write(product)
    await record(actor, "product.added", product.id, name=product.title)
    return product


async def update_product(actor: Actor, product_id: UUID, **changes: Unpack[ProductChanges]) -> Product:
    """The product with the changes.

    Raises: Forbidden, InvalidInput, NotFound, SkuTaken.
    """
    actor.require("catalogue.write")
    product = await access_product(actor, product_id, lock=True)
    currency = check_currency(changes["currency"]) if "currency" in changes else product.currency
    if "title" in changes:
        product.title = clean_title(changes["title"])
    if "description" in changes:
        product.description = clean_description(changes["description"])
    if "price_minor" in changes:
        product.price_minor = check_minor(changes["price_minor"], currency=currency, locale=actor.locale)
    if "sku" in changes:
        product.sku = clean_sku(changes["sku"])
    if "stock" in changes:
        product.stock = clean_stock(changes["stock"])
    product.active = changes.get("active", product.active)
    product.currency = currency
    await write(product)
    await record(actor, "product.changed", product.id, name=product.title, fields=sorted(changes))
    return product


async def set_image(actor: Actor, product_id: UUID, media_id: UUID | None) -> Product:
    """The product shows this uploaded picture, or none. The one it had is removed later if nothing else shows it.

    Raises: Forbidden, InvalidInput, NotFound.
    """
    actor.require("catalogue.write")
    product = await access_product(actor, product_id, lock=True)
    if media_id == product.image_id:
        return product
    if media_id is not None:
        await _check_picture(actor, media_id)
    if product.image_id is not None:
        await discard_unused(actor, product.image_id, after=_OLD_PICTURE_KEPT)
    product.image_id = media_id
    await write(product)
    await record(actor, "product.picture_changed", product.id, name=product.title)
    return product


async def company_currency(actor: Actor) -> str:
    """The currency of prices that name none."""
    return (await session().get_one(Company, actor.company_id)).currency


async def write(product: Product) -> None:
    """The row is in the database and every tab hears of it on commit. Raises: SkuTaken (the transaction is spoiled)."""
    product.updated_at = utcnow()
    try:
        await session().flush()
    except IntegrityError as error:
        if "uq_product_sku" in str(error.orig):
            raise SkuTaken from None
        raise
    events.publish("product", company_id=product.company_id, product_id=product.id)


async def _check_picture(actor: Actor, media_id: UUID) -> None:
    media = await access_media(actor, media_id)
    if media.status != MediaStatus.STORED or media.mime != "image/jpeg":
        raise InvalidInput("image", "Choose a photo that was uploaded.")
