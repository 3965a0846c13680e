"""A shop's catalogue to search in."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.catalogue import create_product
from saasbot.infra.db import unit_of_work
from saasbot.models import Product
from tests.media.conftest import files  # noqa: F401  # a fixture

SHELF: list[dict[str, Any]] = [
    {"title": "Zapatillas rojas", "description": "Urbanas, de lona. Talles 36 a 42.", "sku": "ZAP-001", "stock": 12},
    {"title": "Zapatillas negras", "description": "De cuero, con cordones.", "sku": "ZAP-002", "stock": 0},
    {"title": "Botas de lluvia", "description": "Impermeables, caña alta.", "sku": "BOT-010"},
    {"title": "Sandalias de niña", "description": "Livianas, con abrojo. Color rosa."},
    {"title": "Mocasín de cuero", "description": "Para vestir."},
    {"title": "Medias", "description": "Tres pares. Combinan con zapatillas.", "active": False},
]

Put = Callable[..., Awaitable[Product]]


async def put(actor: Actor, **fields: Any) -> Product:
    """A product through the use case, committed."""
    async with unit_of_work(actor):
        return await create_product(actor, **{"title": "Bota", "price_minor": 4_599_000, **fields})


@pytest.fixture
async def shelf(alice: Actor) -> dict[str, Product]:
    """Alice's products by title."""
    return {fields["title"]: await put(alice, **fields) for fields in SHELF}
