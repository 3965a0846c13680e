"""Products are deleted, brought back while that is possible, and purged for good."""

from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.catalogue.access import access_product
from saasbot.domain.catalogue.edit import write
from saasbot.domain.media import discard_unused
from saasbot.infra import jobs
from saasbot.infra.db import session
from saasbot.infra.errors import NotFound
from saasbot.models import Product
from saasbot.models.table import utcnow

PURGE_TASK = "catalogue.purge_product"
_KEPT = timedelta(days=1)
"""The page offers to undo for 10 seconds; a day leaves room for a support call."""


async def delete_product(actor: Actor, product_id: UUID) -> Product:
    """The product is in no list, search or answer any more; for a day it can be restored. Twice is once.

    Raises: Forbidden, NotFound.
    """
    actor.require("catalogue.write")
    product = await access_product(actor, product_id, lock=True, or_deleted=True)
    if product.deleted_at is not None:
        return product
    product.deleted_at = utcnow()
    await write(product)
    await record(actor, "product.deleted", product.id, name=product.title)
    await jobs.defer(
        PURGE_TASK,
        schedule_at=product.deleted_at + _KEPT,
        company_id=str(actor.company_id),
        product_id=str(product_id),
        deleted_at=product.deleted_at.isoformat(),
    )
    return product


async def restore_product(actor: Actor, product_id: UUID) -> Product:
    """The product is back as it was. Twice is once.

    Raises: Forbidden, NotFound (also when it was purged), SkuTaken (its code was given to another product meanwhile).
    """
    actor.require("catalogue.write")
    product = await access_product(actor, product_id, lock=True, or_deleted=True)
    if product.deleted_at is not None:
        product.deleted_at = None
        await write(product)
        await record(actor, "product.restored", product.id, name=product.title)
    return product


async def purge_product(actor: Actor, product_id: UUID, *, deleted_at: datetime) -> bool:
    """The row is gone if it is still deleted since that moment; its picture goes too unless a message shows it."""
    try:
        product = await access_product(actor, product_id, lock=True, or_deleted=True)
    except NotFound:
        return False
    if product.deleted_at != deleted_at:
        return False
    await _remove(actor, product)
    return True


async def _remove(actor: Actor, product: Product) -> None:
    image_id = product.image_id
    await session().delete(product)
    await session().flush()
    if image_id is not None:
        await discard_unused(actor, image_id, after=timedelta(0))
