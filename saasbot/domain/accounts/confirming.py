"""Confirming an account's address: a link by mail that works once, within a day, for whoever also holds the account.

The link alone proves the mailbox, not that its owner wants this account: somebody else may have registered it with their address. So
it confirms only in the account's own session, or with its password. The mailbox's owner takes such an account over by a reset.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from saasbot import routes
from saasbot.domain.accounts import limits, outgoing
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.accounts.known_devices import device_of
from saasbot.domain.accounts.limits import CONFIRMATION_MAILS, LINKS
from saasbot.domain.accounts.own_password import is_password_of
from saasbot.domain.accounts.signing_in import InvalidCredentials
from saasbot.domain.accounts.throttle import UNKNOWN
from saasbot.domain.actor import Actor
from saasbot.domain.admin import confirmations
from saasbot.domain.admin.confirmations import Unproven
from saasbot.infra.crypto import token_hash
from saasbot.infra.errors import AppError, Forbidden
from saasbot.infra.i18n import gettext, supported
from saasbot.infra.settings import settings

LIFETIME = timedelta(hours=24)
MAIL_TASK = "accounts.mail_confirmation"
_LONGEST_TOKEN = 64


class InvalidConfirmation(AppError):
    code = "invalid_confirmation_token"
    status = 400
    message = "This link has expired or was used already. Sign in and ask for a new one."


class PasswordNeeded(AppError):
    code = "password_required"
    status = 401
    message = "Type the password of your account to confirm its email."


async def request_confirmation(actor: Actor) -> None:
    """Afterwards a job waits that mails the link once more; nothing when the address is confirmed.

    Raises: Forbidden (nobody acts), TooOften.
    """
    if actor.user_id is None:
        raise Forbidden
    if actor.email_confirmed:
        return
    await limits.spend_of_account(CONFIRMATION_MAILS, str(actor.user_id))
    await confirmations.defer_for_person(MAIL_TASK, actor.user_id)


async def mail_confirmation(user_id: UUID) -> None:
    """The job: open a confirmation and mail its link. A try that failed leaves a link that nobody knows."""
    token = secrets.token_urlsafe(32)
    found = await confirmations.open_confirmation(user_id, token_hash(token), LIFETIME)
    if found is None:
        return
    email, name, locale = found[0], found[1], supported(found[2])
    text = gettext(
        locale,
        "Hello {name},\n\nConfirm that this is your email, and SaaSBot can invite your team and write to you when a number needs you:"
        "\n\n{link}\n\nThe link works once, for 24 hours. If you did not open an account, do nothing: nobody can confirm it without you.\n",
        name=name,
        link=f"{settings().public_url}{routes.confirm_email(token)}",
    )
    await outgoing.send_to_prove(to=email, subject=gettext(locale, "Confirm your email"), text=text)


async def confirm_email(
    *, token: str, signed_in_as: UUID | None, password: str = "", network: str = UNKNOWN, device: str = ""
) -> None:
    """The address of the link's account is confirmed: for its own session, or whoever types its password.

    Raises: InvalidConfirmation, PasswordNeeded, InvalidCredentials, Locked, TooOften.
    """
    await limits.spend(LINKS, network)
    hashed = token_hash(token) if 0 < len(token) <= _LONGEST_TOKEN else b""
    account = await confirmations.account_of_confirmation(hashed) if hashed else None
    if account is None:
        raise InvalidConfirmation
    if account.user_id != signed_in_as:
        await _check_password(account, password, network, device_of(device, account.email))
    if not await confirmations.use_confirmation(hashed):
        raise InvalidConfirmation
    forget_everybody()


async def _check_password(account: Unproven, password: str, network: str, device: str) -> None:
    """Counted as a sign-in is: the link must not be a way to guess a password."""
    if not password:
        raise PasswordNeeded
    if not await is_password_of(account.email, account.password_hash, password, network=network, device=device):
        raise InvalidCredentials
