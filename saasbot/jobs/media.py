"""Jobs about files."""

from uuid import UUID

import procrastinate

from saasbot.domain import media
from saasbot.domain.actor import Actor
from saasbot.domain.media.discard import TASK
from saasbot.infra import job_queue
from saasbot.infra.db import unit_of_work


@job_queue.app.task(name=TASK, retry=procrastinate.RetryStrategy(max_attempts=8, exponential_wait=4))
async def remove_unused(company_id: str, media_id: str) -> None:
    """The file is gone unless something refers to it."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        await media.remove_unused(actor, UUID(media_id))
