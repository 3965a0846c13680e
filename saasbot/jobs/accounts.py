"""Jobs about people: the mail of a forgotten password, and the removal of what has expired."""

import procrastinate

from saasbot.domain import accounts
from saasbot.domain.accounts.resets import MAIL_TASK
from saasbot.domain.admin.expired import remove_expired
from saasbot.infra import job_queue


@job_queue.app.task(name=MAIL_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=5))
async def mail_reset(email_sealed: str) -> None:
    """The account, if there is one, has a mail with a link; a try that failed leaves no usable link behind."""
    await accounts.mail_reset_sealed(email_sealed)


@job_queue.app.periodic(cron="17 * * * *")
@job_queue.app.task(name="accounts.remove_expired", queueing_lock="accounts.remove_expired")
async def remove_expired_rows(timestamp: int) -> None:
    """Once an hour."""
    await remove_expired()
