"""Jobs about people: mails about signing in, keys that follow one another, and the removal of what has expired."""

from uuid import UUID

import procrastinate

from saasbot.domain import accounts
from saasbot.domain.accounts import sign_in_mails, signing_keys
from saasbot.domain.accounts.resets import MAIL_TASK
from saasbot.domain.admin import attempts, second_factors
from saasbot.domain.admin.expired import remove_expired
from saasbot.infra import job_queue


@job_queue.app.task(name=MAIL_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=5))
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


@job_queue.app.periodic(cron="17 * * * *")
@job_queue.app.task(name="accounts.remove_expired", queueing_lock="accounts.remove_expired")
async def remove_expired_rows(timestamp: int) -> None:
    """Once an hour."""
    await remove_expired()
