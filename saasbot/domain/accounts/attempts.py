"""The second step of signing in. Until it is done there is no ticket, no session and no token, on any transport."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.accounts import enrolment
from saasbot.domain.accounts.enrolment import Enrolment, plain_code
from saasbot.domain.accounts.recovery_codes import LENGTH, as_kept, code_hash
from saasbot.domain.accounts.sign_in_mails import mail_code_hash
from saasbot.domain.accounts.throttle import Locked
from saasbot.domain.admin import attempts as rows
from saasbot.domain.admin import second_factors as factors
from saasbot.domain.admin.attempts import OpenAttempt
from saasbot.domain.admin.credentials import Person, find_person
from saasbot.infra import totp
from saasbot.infra.crypto import token_hash
from saasbot.infra.errors import AppError
from saasbot.infra.logging import get_logger
from saasbot.models.table import utcnow

log = get_logger(__name__)

LIFETIME = timedelta(minutes=10)
"""Of an attempt, from its beginning or its last mail."""
_LONGEST_TOKEN = 64


class InvalidAttempt(AppError):
    code = "invalid_attempt"
    status = 401
    message = "This sign-in has expired. Sign in again."


class WrongCode(AppError):
    """Details: `tries_left`. With none left the sign-in is over."""

    code = "wrong_code"
    status = 401
    message = "That code is not right, or it was used already."


class MailCodeTooSoon(AppError):
    """Details: `retry_after` in seconds."""

    code = "mail_code_too_soon"
    status = 429
    message = "A code was just mailed. Ask for another in {retry_after} s."


class NoMailCode(AppError):
    """Too many mails, or the mailbox was already used to reset the password: it cannot be both steps."""

    code = "mail_code_unavailable"
    status = 409
    message = "A code by mail is not possible now. Use your app or a recovery code."


@dataclass(frozen=True, slots=True)
class Attempt:
    """The password was right; the second step is not done."""

    token: str = field(repr=False)
    enrols: bool
    """There is no second factor, and the role demands one: it is made now."""
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Finished:
    person: Person
    recovery_codes: Sequence[str] = field(default=(), repr=False)
    """Of an enrolment: shown now and never again."""


async def begin(person: Person, network: str) -> Person | Attempt:
    """After the right password: the person when that is all it takes, else an attempt that waits for the second step.

    Raises: Locked.
    """
    standing = await factors.standing_of(person.user_id)
    if not standing.enrolled and not standing.mandatory:
        return person
    attempt = Attempt(secrets.token_urlsafe(32), not standing.enrolled, utcnow() + LIFETIME)
    _check_not_blocked(
        await rows.open_attempt(
            person.user_id,
            attempt_hash=token_hash(attempt.token),
            enrols=attempt.enrols,
            network=network,
            expires_at=attempt.expires_at,
            proved_by=person.proved_by,
        )
    )
    log.info("accounts.second_step_awaited", user_id=str(person.user_id), enrols=attempt.enrols)
    return attempt


async def request_mail_code(token: str) -> None:
    """Afterwards a job waits that mails a code which is good for this attempt only.

    Raises: InvalidAttempt, MailCodeTooSoon, NoMailCode.
    """
    if await rows.read_attempt(_hashed(token)) is None:
        raise InvalidAttempt
    waiting = await rows.request_mail(_hashed(token), expires_at=utcnow() + LIFETIME)
    if isinstance(waiting, timedelta):
        raise MailCodeTooSoon(retry_after=max(1, math.ceil(waiting.total_seconds())))
    if not waiting:
        raise NoMailCode


async def proves_again(user_id: UUID, code: str, *, network: str) -> bool:
    """Whether somebody who is signed in has the second step at hand: a code of their app, or a recovery code, which is used up then.
    It is an attempt of its own, of one try, so that wrong codes count as those of a sign-in do.

    Raises: Locked.
    """
    token = secrets.token_urlsafe(32)
    _check_not_blocked(
        await rows.open_attempt(
            user_id,
            attempt_hash=token_hash(token),
            enrols=False,
            network=network,
            expires_at=utcnow() + LIFETIME,
        )
    )
    return await _proves(await _counted(token), plain_code(code))


async def enrol(token: str) -> Enrolment:
    """For an attempt of somebody who must have a second factor: a new secret for their app.

    Raises: InvalidAttempt.
    """
    attempt = await rows.read_attempt(_hashed(token))
    person = await _person(attempt) if attempt is not None and attempt.enrols else None
    if person is None:
        raise InvalidAttempt
    begun = await enrolment.begin(person)
    if begun is None:  # confirmed meanwhile, by another attempt
        raise InvalidAttempt
    return begun


async def finish(token: str, code: str) -> Finished:
    """The sign-in is done: by a code of the app, of a mail, or a recovery code; an enrolment by the app's first code.

    Raises: InvalidAttempt, WrongCode, Locked.
    """
    attempt = await _counted(token)
    if attempt.enrols:
        codes = await _confirm(attempt, code)
        return Finished(await finish_enrolment(token), codes)
    person = await _person(attempt)
    if not await _proves(attempt, plain_code(code)):
        raise _wrong(attempt)
    if person is None:
        raise InvalidAttempt
    log.info("accounts.signed_in", user_id=str(person.user_id), company_id=str(person.company_id))
    return Finished(person)


async def confirm_enrolment(token: str, code: str) -> Sequence[str]:
    """The app counts from now on. Returns the recovery codes; once they are taken, `finish_enrolment` signs in.

    Raises: InvalidAttempt, WrongCode, Locked.
    """
    attempt = await _counted(token)
    if not attempt.enrols:
        raise InvalidAttempt
    return await _confirm(attempt, code)


async def finish_enrolment(token: str) -> Person:
    """Raises: InvalidAttempt, unless the enrolment of this attempt is confirmed."""
    proved = await rows.finish_proved(_hashed(token))
    found = await find_person(proved[0]) if proved else None
    if proved is None or found is None:
        raise InvalidAttempt
    person = replace(found[0], proved_by=proved[1])
    log.info("accounts.signed_in", user_id=str(person.user_id), company_id=str(person.company_id))
    return person


async def _counted(token: str) -> OpenAttempt:
    """The attempt, with one more try. Raises: InvalidAttempt, Locked."""
    attempt, blocked_until = await rows.count_try(_hashed(token))
    _check_not_blocked(blocked_until)
    if attempt is None:
        raise InvalidAttempt
    return attempt


async def _proves(attempt: OpenAttempt, code: str) -> bool:
    factor = await factors.read_factor(attempt.user_id)
    if factor is None or factor.confirmed_at is None:
        return False
    if len(code) == totp.DIGITS and code.isdigit():
        step = totp.step_of(factor.secret, code, now=utcnow().timestamp()) if factor.secret else None
        if step is not None:
            return await rows.finish_with_step(attempt, step)
        return await rows.finish_with_mail_code(attempt, mail_code_hash(attempt.id, code))
    if factor.secret and len(code) == LENGTH:
        return await rows.finish_with_recovery_code(attempt, code_hash(as_kept(code), factor.secret))
    return False


async def _confirm(attempt: OpenAttempt, code: str) -> list[str]:
    codes = await enrolment.confirm(attempt.user_id, code, attempt_id=attempt.id, attempt_ends=utcnow() + LIFETIME)
    if codes is None:
        raise _wrong(attempt)
    return codes


async def _person(attempt: OpenAttempt) -> Person | None:
    """Asked before the attempt is finished: while it lives, the password is still the one that began it."""
    found = await find_person(attempt.user_id)
    return replace(found[0], proved_by=found[1]) if found else None


def _check_not_blocked(until: datetime | None) -> None:
    if until is not None:
        seconds = max(1, math.ceil((until - utcnow()).total_seconds()))
        raise Locked(retry_after=seconds, minutes=math.ceil(seconds / 60))


def _wrong(attempt: OpenAttempt) -> WrongCode:
    log.info("accounts.second_step_refused", user_id=str(attempt.user_id), tries=attempt.tries)
    return WrongCode(tries_left=rows.MOST_TRIES - attempt.tries)


def _hashed(token: str) -> bytes:
    return token_hash(token) if 0 < len(token) <= _LONGEST_TOKEN else b""
