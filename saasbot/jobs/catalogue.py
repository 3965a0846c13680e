"""Jobs about products."""

from datetime import datetime
from uuid import UUID

import procrastinate

from saasbot.domain import catalogue
from saasbot.domain.actor import Actor
from saasbot.domain.catalogue.removal import PURGE_TASK
from saasbot.infra import job_queue
from saasbot.infra.db import unit_of_work


@job_queue.app.task(name=PURGE_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4))
async def purge_product(company_id: str, product_id: str, deleted_at: str) -> None:
    """A product that nobody brought back is gone for good."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        await catalogue.purge_product(actor, UUID(product_id), deleted_at=datetime.fromisoformat(deleted_at))
