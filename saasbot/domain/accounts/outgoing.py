"""The way out for every mail (a test and the import contracts see that there is no other).

Whoever registers with somebody else's address must not make us write to that mailbox, or to third people in that name. So mails go
out to and for accounts whose address is confirmed; only what proves an address itself goes to any.
"""

from uuid import UUID

from saasbot.domain.admin.confirmations import confirmed_address
from saasbot.infra import mail
from saasbot.infra.errors import AppError
from saasbot.infra.logging import get_logger

log = get_logger(__name__)


class Unconfirmed(AppError):
    code = "email_unconfirmed"
    status = 403
    message = "Confirm your email first: open the link that we sent you."


async def send_to_prove(*, to: str, subject: str, text: str) -> None:
    """A mail whose link proves that the reader owns the account's address: a reset, a confirmation, a
    code to sign in.

    Raises: aiosmtplib.SMTPException, OSError.
    """
    await mail.send(to=to, subject=subject, text=text)


async def send_to_person(user_id: UUID, *, subject: str, text: str) -> bool:
    """A mail about a person's company. False, and nothing is sent, when their address is not confirmed.

    Raises: aiosmtplib.SMTPException, OSError.
    """
    address = await confirmed_address(user_id)
    if address is None:
        log.info("accounts.mail_held_back", user_id=str(user_id))
        return False
    await mail.send(to=address, subject=subject, text=text)
    return True


async def send_for_person(user_id: UUID, *, to: str, subject: str, text: str) -> None:
    """A mail to somebody else, because this person asked for it.

    Raises: Unconfirmed, aiosmtplib.SMTPException, OSError.
    """
    if await confirmed_address(user_id) is None:
        raise Unconfirmed
    await mail.send(to=to, subject=subject, text=text)
