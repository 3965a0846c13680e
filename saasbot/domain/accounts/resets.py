"""A forgotten password: a link by mail that works once, within half an hour."""

import secrets
from base64 import b64decode, b64encode
from datetime import timedelta

from saasbot.domain.accounts import limits, outgoing, throttle
from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.accounts.limits import LINKS, RESET_MAILS, RESETS, TooOften
from saasbot.domain.accounts.passwords import check_password, hash_password
from saasbot.domain.accounts.throttle import UNKNOWN
from saasbot.domain.admin import credentials
from saasbot.domain.admin import resets as rows
from saasbot.infra.crypto import place, seal, token_hash, unseal
from saasbot.infra.errors import AppError
from saasbot.infra.settings import settings

LIFETIME = timedelta(minutes=30)
MAIL_TASK = "accounts.mail_reset"
_JOB = place("procrastinate_jobs", "args", MAIL_TASK)
_PAGE = "/reset-password"
_LONGEST_TOKEN = 64

_SUBJECT = {"es": "Elige una contraseña nueva", "en": "Choose a new password"}
_BODY = {
    "es": """Hola, {name}:

Alguien (esperamos que tú) pidió cambiar la contraseña de tu cuenta de SaaSBot. Elige una nueva aquí:

{link}

El enlace funciona una sola vez, durante 30 minutos. Si no lo pediste, no hagas nada: tu contraseña sigue igual.
""",
    "en": """Hello {name},

Somebody (we hope you) asked to change the password of your SaaSBot account. Choose a new one here:

{link}

The link works once, for 30 minutes. If you did not ask for it, do nothing: your password stays as it is.
""",
}


class InvalidReset(AppError):
    code = "invalid_reset_token"
    status = 400
    message = "This link has expired or was used already. Ask for a new one."


async def request_reset(email: str, *, network: str = UNKNOWN) -> None:
    """Afterwards a job waits that mails the link if the account exists: here nothing depends on whether it does.

    Raises: InvalidInput, when it is no address at all; TooOften, by what the network asked before.
    """
    email = normal_email(email)
    await limits.spend(RESETS, network)
    await credentials.defer_for_somebody(MAIL_TASK, b64encode(seal(email, _JOB)).decode())


async def mail_reset_sealed(email_sealed: str) -> None:
    """The job. Raises: Unsealable, when the secret key has been dropped since."""
    await mail_reset(unseal(b64decode(email_sealed), _JOB))


async def mail_reset(email: str) -> None:
    """Open a reset and mail its link; nothing happens for an unknown address, twice within a minute, or after the fifth mail of
    an hour."""
    token = secrets.token_urlsafe(32)
    person = await rows.open_reset(email, token_hash(token), LIFETIME)
    if person is None:
        return
    locale = person.locale if person.locale in _BODY else "es"
    link = f"{settings().public_url}{_PAGE}?token={token}"
    try:
        await limits.spend_of_account(RESET_MAILS, email)
        await outgoing.send_to_prove(
            to=person.email, subject=_SUBJECT[locale], text=_BODY[locale].format(name=person.name, link=link)
        )
    except TooOften:
        await rows.drop_reset(token_hash(token))
    except Exception:
        await rows.drop_reset(token_hash(token))
        await limits.give_back(RESET_MAILS, email)
        raise


async def reset_password(*, token: str, password: str, network: str = UNKNOWN) -> None:
    """The password is the new one and the address confirmed; every session and token of the account is over, whatever blocked it
    is lifted, and the link is spent.

    A password that is refused leaves the link usable.

    Raises: InvalidReset, InvalidInput, TooOften.
    """
    await limits.spend(LINKS, network)
    hashed = token_hash(token) if 0 < len(token) <= _LONGEST_TOKEN else b""
    owner = await rows.owner_of_reset(hashed) if hashed else None
    if owner is None:
        raise InvalidReset
    email, names = owner
    check_password(password, email=email, names=names)
    if not await rows.use_reset(hashed, await hash_password(password)):
        raise InvalidReset
    await throttle.lift(email)
    forget_everybody()
