"""What the company sells."""

from saasbot.domain.catalogue.access import access_product
from saasbot.domain.catalogue.edit import (
    ProductChanges,
    SkuTaken,
    create_product,
    set_image,
    update_product,
)
from saasbot.domain.catalogue.listing import Position, ProductPage, get_product, list_products, pictures_of
from saasbot.domain.catalogue.removal import delete_product, purge_product, restore_product
from saasbot.domain.catalogue.search import ProductHit, search

__all__ = [
    "Position",
    "ProductChanges",
    "ProductHit",
    "ProductPage",
    "SkuTaken",
    "access_product",
    "create_product",
    "delete_product",
    "get_product",
    "list_products",
    "pictures_of",
    "purge_product",
    "restore_product",
    "search",
    "set_image",
    "update_product",
]
