"""Signing in with e-mail and password: the same answer and the same work for unknown, wrong and disabled."""

from dataclasses import replace

from saasbot.domain.accounts import attempts, throttle
from saasbot.domain.accounts.attempts import Attempt
from saasbot.domain.accounts.emails import normal_email
from saasbot.domain.accounts.known_devices import device_of
from saasbot.domain.accounts.passwords import NOBODY, verify_password
from saasbot.domain.admin import credentials
from saasbot.domain.admin.credentials import Person
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.logging import get_logger
from saasbot.infra.text_input import storable

log = get_logger(__name__)


class InvalidCredentials(AppError):
    code = "invalid_credentials"
    status = 401
    message = "The email or the password is not right."


async def sign_in(*, email: str, password: str, network: str, device: str = "") -> Person | Attempt:
    """Who it is, or the attempt of somebody whose second step is to come. `network` comes from the connection
    (`throttle.network_of`), never from what the client says; `device` is the value of the browser's device cookie.

    Raises: InvalidCredentials, Locked, TooOften.
    """
    try:
        email, plausible = normal_email(email), True
    except InvalidInput:  # nobody has it; it is judged and counted like any other
        email, plausible = storable(email.strip()[:254]).lower(), False
    known = device_of(device, email)
    counted = await throttle.count_attempt(email, network, known)
    found = await credentials.find_account(email) if plausible else None
    person, password_hash = found if found is not None else (None, NOBODY)
    matches, better_hash = await verify_password(password, password_hash)
    if not matches or person is None:
        log.info("accounts.sign_in_refused", network=network)
        await throttle.note_refusal(counted, network, person)
        raise InvalidCredentials
    await throttle.forget_attempts(counted)
    if better_hash is not None and await credentials.replace_password_hash(
        person.user_id, old=password_hash, new=better_hash
    ):
        password_hash = better_hash
    person = replace(person, proved_by=password_hash)
    step = await attempts.begin(person, network)
    if isinstance(step, Person):
        log.info("accounts.signed_in", user_id=str(person.user_id), company_id=str(person.company_id))
    return step
