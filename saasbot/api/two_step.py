"""`/api/v1/auth/two-step`: what comes after the password where an account has, or must have, a second factor."""

from datetime import datetime
from typing import NoReturn

import segno
from fastapi import Request
from pydantic import BaseModel

from saasbot.api.identities import Accepted, Tokens, sign_in_answer
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt
from saasbot.infra.errors import AppError

router = ApiRouter("auth")


class TwoStepRequired(AppError):
    """Details: `attempt` for `POST /auth/two-step`, and until when it is good for that."""

    code = "two_step_required"
    status = 403
    message = "The password is right. Now send the code of your app, or ask for one by mail."


class EnrolmentRequired(AppError):
    """Details as of `two_step_required`; the attempt is for `POST /auth/two-step/enrolment` first."""

    code = "two_step_enrolment_required"
    status = 403
    message = "Your role needs two-step sign-in. Set it up to go on."


class AttemptIn(Body):
    attempt: str


class CodeIn(Body):
    attempt: str
    code: str


class Enrolment(BaseModel):
    secret: str
    """Base32, to type into the app."""
    otpauth_uri: str
    png_data_uri: str
    """The same as a QR code."""


class SignedIn(Tokens):
    recovery_codes: list[str]
    """Of an enrolment, shown this once; otherwise empty."""


@router.post("/two-step")
async def finish(request: Request, body: CodeIn) -> SignedIn:
    """The second step: a code of the app, of a mail, or a recovery code. 401 `wrong_code` with `tries_left`, 401
    `invalid_attempt` after the fifth or ten minutes, 429 `locked` after 20 wrong ones in a day.

    For an attempt that enrols it is the app's first code; the answer holds the recovery codes then.
    """
    done = await accounts.finish(body.attempt, body.code)
    answer = await sign_in_answer(request, done.person)
    return SignedIn(**answer.model_dump(), recovery_codes=list(done.recovery_codes))


@router.post("/two-step/mail", status_code=202)
async def mail_code(body: AttemptIn) -> Accepted:
    """Mails a code that is good for this attempt only, for ten minutes; one a minute, three an attempt."""
    await accounts.request_mail_code(body.attempt)
    return Accepted()


@router.post("/two-step/enrolment")
async def enrol(body: AttemptIn) -> Enrolment:
    """A secret for the app of somebody who must have one: after `two_step_enrolment_required`."""
    return enrolment_of(await accounts.enrol(body.attempt))


def enrolment_of(begun: accounts.Enrolment) -> Enrolment:
    picture = segno.make(begun.address, error="m").png_data_uri(scale=6, border=4)
    return Enrolment(secret=begun.secret, otpauth_uri=begun.address, png_data_uri=picture)


def refuse(attempt: Attempt) -> NoReturn:
    """The answer of a sign-in whose second step is to come. Raises: TwoStepRequired, EnrolmentRequired."""
    expires_at: datetime = attempt.expires_at
    raise (EnrolmentRequired if attempt.enrols else TwoStepRequired)(attempt=attempt.token, expires_at=expires_at)
