"""Jobs about people: the mails of links and of signing in, keys that follow one another, and the removal of what has expired."""

import asyncio
from uuid import UUID

import procrastinate

from saasbot.domain import accounts
from saasbot.domain.accounts import confirming, invitations, resets, sign_in_mails, signing_keys
from saasbot.domain.admin import attempts, second_factors
from saasbot.domain.admin.expired import remove_expired
from saasbot.infra import job_queue
from saasbot.infra.logging import get_logger
from saasbot.infra.old_files import remove_old_files
from saasbot.infra.settings import settings
from saasbot.models.table import utcnow

log = get_logger(__name__)

_AGAIN = procrastinate.RetryStrategy(max_attempts=5, exponential_wait=5)


@job_queue.app.task(name=resets.MAIL_TASK, retry=_AGAIN)
async def mail_reset(email_sealed: str) -> None:
    """The account, if there is one, has a mail with a link; a try that failed leaves no usable link behind."""
    await accounts.mail_reset_sealed(email_sealed)


@job_queue.app.task(name=attempts.MAIL_TASK, retry=procrastinate.RetryStrategy(max_attempts=3, wait=5))
async def mail_sign_in_code(attempt_id: str) -> None:
    """The attempt, if it lives, has a code that is in a mail; each try makes another."""
    await sign_in_mails.mail_sign_in_code(UUID(attempt_id))


@job_queue.app.task(
    name=second_factors.NOTICE_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=5)
)
async def mail_security_notice(user_id: str, what: str) -> None:
    """Whoever owns the account knows what was done to its second step."""
    await sign_in_mails.mail_security_notice(UUID(user_id), what)


@job_queue.app.periodic(cron="37 * * * *")
@job_queue.app.task(name="accounts.keep_signing_keys_fresh", queueing_lock="accounts.keep_signing_keys_fresh")
async def keep_signing_keys_fresh(timestamp: int) -> None:
    """Once an hour: an old key gets a successor, and one that verifies nothing any more is retired."""
    await signing_keys.keep_fresh()


@job_queue.app.task(name=confirming.MAIL_TASK, retry=_AGAIN)
async def mail_confirmation(user_id: str) -> None:
    """The account, while its address is not confirmed, has a mail with a link that confirms it."""
    await confirming.mail_confirmation(UUID(user_id))


@job_queue.app.task(name=invitations.MAIL_TASK, retry=_AGAIN)
async def mail_invitation(company_id: str, invitation_id: str) -> None:
    """Who was invited, while the invitation waits, has a mail with a link that accepts it."""
    await invitations.mail_invitation(UUID(company_id), UUID(invitation_id))


@job_queue.app.periodic(cron="17 * * * *")
@job_queue.app.task(name="accounts.remove_expired", queueing_lock="accounts.remove_expired")
async def remove_expired_rows(timestamp: int) -> None:
    """Once an hour: rows, and on this machine the logs and stored mails of more than 90 days ago."""
    await remove_expired()
    removed = await asyncio.to_thread(remove_old_files, settings().data_dir, now=utcnow())
    if removed:
        log.info("accounts.old_files_removed", files=removed)
