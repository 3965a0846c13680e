"""Jobs about people: the mails of links, and the removal of what has expired."""

from uuid import UUID

import procrastinate

from saasbot.domain import accounts
from saasbot.domain.accounts import confirming, invitations, resets
from saasbot.domain.admin.expired import remove_expired
from saasbot.infra import job_queue

_AGAIN = procrastinate.RetryStrategy(max_attempts=5, exponential_wait=5)


@job_queue.app.task(name=resets.MAIL_TASK, retry=_AGAIN)
async def mail_reset(email: str) -> None:
    """The account, if there is one, has a mail with a link; a try that failed leaves no usable link behind."""
    await accounts.mail_reset(email)


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
    """Once an hour."""
    await remove_expired()
