"""Jobs about numbers: their owners are told when one cannot work, their chats when messages may be missing, and ticks of nothing are
forgotten."""

from datetime import timedelta
from uuid import UUID

import procrastinate

from saasbot.domain.accounts import outgoing
from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import companies_with_receipts_before
from saasbot.domain.channels import gaps
from saasbot.domain.channels.incident_mail import incident_mail
from saasbot.domain.channels.incidents import MAIL_TASK, TELL_TASK, tell_incidents
from saasbot.domain.inbox.gaps import tell_gap
from saasbot.domain.inbox.receipts import WAITING_DAYS, forget_waiting
from saasbot.infra import job_queue, jobs
from saasbot.infra.db import unit_of_work
from saasbot.models.table import utcnow


@job_queue.app.task(name=TELL_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4))
async def tell_down(company_id: str) -> None:
    """What has been down for long enough is told; what came right after the last mail waits a little."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        told = await tell_incidents(actor)
        if told.again_at is not None:
            await jobs.defer(TELL_TASK, schedule_at=told.again_at, company_id=company_id)


@job_queue.app.task(name=MAIL_TASK, retry=procrastinate.RetryStrategy(max_attempts=8, exponential_wait=5))
async def mail_down(company_id: str, user_id: str, channel_ids: list[str]) -> None:
    """One owner whose address is confirmed has one mail about these numbers. A mail server that is away is tried again."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        found = await incident_mail(actor, UUID(user_id), [UUID(channel_id) for channel_id in channel_ids])
    if found is not None:
        await outgoing.send_to_person(UUID(user_id), subject=found.subject, text=found.text)


@job_queue.app.task(name=gaps.TELL_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4))
async def tell_gap_again(company_id: str, gap_id: str) -> None:
    """Chats that came alive after the gap have its line too."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        await tell_gap(actor, UUID(gap_id))


@job_queue.app.periodic(cron="43 4 * * *")
@job_queue.app.task(name="channels.forget_receipts", queueing_lock="channels.forget_receipts")
async def forget_receipts(timestamp: int) -> None:
    """Once a day: ticks that no message will come for are forgotten, company by company."""
    for company_id in await companies_with_receipts_before(utcnow() - timedelta(days=WAITING_DAYS)):
        actor = Actor.system(company_id)
        async with unit_of_work(actor):
            await forget_waiting(actor)
