"""How a capability adds its endpoints: `router = ApiRouter("products")` in `saasbot/api/products.py`, one line in app.py.

    @router.get("/{product_id}")
    async def get_product(actor: CurrentActor, product_id: UUID) -> ProductOut:
        async with unit_of_work(actor):
            product = await catalogue.get_product(actor, product_id)
        return ProductOut.of(product)

Bodies derive from `schemas.Body`, lists take `paging.CurrentPage` and return `paging.Listing[...]`. Errors are raised, never
returned. The unit of work is opened in the endpoint, so that the commit comes before the answer.
"""

from typing import Any

from fastapi import APIRouter

from saasbot.api.idempotency import IdempotentRoute
from saasbot.api.problems import MEDIA_TYPE, Problem

_PROBLEM = {"model": Problem, "content": {MEDIA_TYPE: {}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {**_PROBLEM, "description": "What is wrong, with a stable `code`."},
}


class ApiRouter(APIRouter):
    """A router under `/api/v1/<name>` whose POSTs keep the promise of `Idempotency-Key` and whose errors are problems."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(prefix=f"/{name}", tags=[name], route_class=IdempotentRoute, responses=_RESPONSES, **options)
