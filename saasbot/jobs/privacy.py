"""Jobs that forget people."""

from uuid import UUID

import procrastinate

from saasbot.domain import privacy
from saasbot.domain.actor import Actor
from saasbot.domain.privacy.steps import finish, users_and_devices
from saasbot.infra import job_queue
from saasbot.infra.roles import database_urls
from saasbot.models import ErasureStep
from saasbot.wa_runtime.store_erasure import forget_person


@job_queue.app.task(name=privacy.ERASE_TASK, retry=procrastinate.RetryStrategy(max_attempts=20, exponential_wait=4))
async def erase_contact(company_id: str, erasure_id: str) -> None:
    """From whichever step it is at to the end; a try that failed goes on where it was."""
    actor, erasure = Actor.system(UUID(company_id)), UUID(erasure_id)
    while (step := await privacy.erase_next(actor, erasure)) is not None:
        if step == ErasureStep.SESSIONS:
            await forget_person(database_urls().wa_store, *await users_and_devices(actor, erasure))
            await finish(actor, erasure)
        if step in (ErasureStep.SESSIONS, ErasureStep.DONE):
            return
