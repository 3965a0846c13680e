"""Jobs about numbers: their owners are told when one cannot work, their chats when messages may be missing, chats whose answer
would leave too late go to the team; ticks that missed their message find it; ticks of nothing and sessions that were logged out are
forgotten."""

import contextlib
from datetime import timedelta
from uuid import UUID

import procrastinate

from saasbot.domain.accounts import outgoing
from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import companies_with_receipts_before, devices_in_use, receipts_left_waiting
from saasbot.domain.channels import gaps, holding
from saasbot.domain.channels.incident_mail import incident_mail
from saasbot.domain.channels.incidents import MAIL_TASK, TELL_TASK, tell_incidents
from saasbot.domain.channels.lease import acquire_lease, release_lease
from saasbot.domain.channels.unlinking import FORGET_TASK, opened, tell_not_unlinked
from saasbot.domain.inbox.gaps import tell_gap
from saasbot.domain.inbox.limits import chats_held_too_long, give_up_waiting, leave_to_team
from saasbot.domain.inbox.receipts import WAITING_DAYS, apply_waiting, forget_waiting
from saasbot.infra import job_queue, jobs, process_identity
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.roles import database_urls
from saasbot.models.table import utcnow
from saasbot.wa_runtime.neonize_store import forget_session, has_session


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


@job_queue.app.task(name=FORGET_TASK, retry=procrastinate.RetryStrategy(max_attempts=50, wait=10))
async def forget_session_logged_out(company_id: str, channel_id: str, device_sealed: str) -> None:
    """The store has the session no more; if it still had, WhatsApp was not told, and the owner is. Twice is once.

    Under the number's lease, because the library must not be asked for a session that goes. One that has another session
    meanwhile is held with that: nobody asks for the old one.
    """
    actor, id, store = Actor.system(UUID(company_id)), UUID(channel_id), database_urls().wa_store
    device = opened(id, device_sealed)
    if await devices_in_use([device]) or not await has_session(store, device):
        return
    async with unit_of_work(actor):
        linked_again = (await sql("SELECT device_jid FROM channel WHERE id = :id", id=id)).scalar() is not None
        epoch = None if linked_again else await acquire_lease(actor, id, holder=process_identity.this_process())
    if epoch is None and not linked_again:
        raise StillHeld
    try:
        if not await has_session(store, device):
            return  # its holder has told WhatsApp in the end
        with contextlib.suppress(NotFound):  # deleted: its owner was told with the question
            async with unit_of_work(actor):
                await tell_not_unlinked(actor, id)
        await forget_session(store, device)
    finally:
        if epoch is not None:
            async with unit_of_work(actor):
                await release_lease(actor, id, epoch=epoch)


class StillHeld(Exception):
    """Its holder has not let go yet; the job is tried again."""


@job_queue.app.task(name=gaps.TELL_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4))
async def tell_gap_again(company_id: str, gap_id: str) -> None:
    """Chats that came alive after the gap have its line too."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        await tell_gap(actor, UUID(gap_id))


@job_queue.app.task(name=holding.LATE_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4))
async def give_up_late(company_id: str, channel_id: str) -> None:
    """The number's limit holds automatic messages for too long: their chats go to the team, one by one."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        chats = await chats_held_too_long(actor, UUID(channel_id))
    for conversation_id in chats:
        async with unit_of_work(actor):
            await give_up_waiting(actor, conversation_id)


@job_queue.app.task(name=holding.UNANSWERED_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4))
async def leave_unanswered(company_id: str, message_id: str) -> None:
    """The bot's answer was too old to leave: its customer waits for a person."""
    actor = Actor.system(UUID(company_id))
    async with unit_of_work(actor):
        await leave_to_team(actor, UUID(message_id))


@job_queue.app.periodic(cron="43 4 * * *")
@job_queue.app.task(name="channels.forget_receipts", queueing_lock="channels.forget_receipts")
async def forget_receipts(timestamp: int) -> None:
    """Once a day: ticks that no message will come for are forgotten, company by company."""
    for company_id in await companies_with_receipts_before(utcnow() - timedelta(days=WAITING_DAYS)):
        actor = Actor.system(company_id)
        async with unit_of_work(actor):
            await forget_waiting(actor)


@job_queue.app.periodic(cron="*/5 * * * *")
@job_queue.app.task(name="channels.apply_receipts", queueing_lock="channels.apply_receipts")
async def apply_receipts_left(timestamp: int) -> None:
    """A tick and its message that were written at the same instant did not see each other: now they do. A lock between them would
    cost every message something."""
    for company_id, channel_id, wa_ids in await receipts_left_waiting():
        actor = Actor.system(company_id)
        async with unit_of_work(actor):
            await apply_waiting(actor, channel_id, wa_ids)
