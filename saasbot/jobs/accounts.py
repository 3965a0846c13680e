"""Jobs about people: the mail of a forgotten password, and the removal of what has expired."""

import asyncio

import procrastinate

from saasbot.domain import accounts
from saasbot.domain.accounts.resets import MAIL_TASK
from saasbot.domain.admin.expired import remove_expired
from saasbot.infra import job_queue
from saasbot.infra.logging import get_logger
from saasbot.infra.old_files import remove_old_files
from saasbot.infra.settings import settings
from saasbot.models.table import utcnow

log = get_logger(__name__)


@job_queue.app.task(name=MAIL_TASK, retry=procrastinate.RetryStrategy(max_attempts=5, exponential_wait=5))
async def mail_reset(email: str) -> None:
    """The account, if there is one, has a mail with a link; a try that failed leaves no usable link behind."""
    await accounts.mail_reset(email)


@job_queue.app.periodic(cron="17 * * * *")
@job_queue.app.task(name="accounts.remove_expired", queueing_lock="accounts.remove_expired")
async def remove_expired_rows(timestamp: int) -> None:
    """Once an hour: rows, and on this machine the logs and stored mails of more than 90 days ago."""
    await remove_expired()
    removed = await asyncio.to_thread(remove_old_files, settings().data_dir, now=utcnow())
    if removed:
        log.info("accounts.old_files_removed", files=removed)
