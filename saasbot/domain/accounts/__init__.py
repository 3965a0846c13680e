"""People: registering, signing in (in two steps) and out, sessions, tokens of the API, forgotten passwords.

These use cases have no actor yet, so they open their own transactions through `domain/admin`: call them outside a unit of
work.
"""

from saasbot.domain.accounts.attempts import (
    Attempt,
    Finished,
    InvalidAttempt,
    MailCodeTooSoon,
    NoMailCode,
    WrongCode,
    confirm_enrolment,
    enrol,
    finish,
    finish_enrolment,
    request_mail_code,
)
from saasbot.domain.accounts.authenticate import Bearer, Cookie, authenticate
from saasbot.domain.accounts.endings import hear_endings
from saasbot.domain.accounts.enrolment import Enrolment
from saasbot.domain.accounts.registering import EmailTaken, register
from saasbot.domain.accounts.resets import InvalidReset, mail_reset, mail_reset_sealed, request_reset, reset_password
from saasbot.domain.accounts.sessions import (
    InvalidTicket,
    SignedIn,
    actor_of_session,
    csrf_matches,
    issue_ticket,
    sign_out,
    signed_in,
    start_session,
)
from saasbot.domain.accounts.signing_in import InvalidCredentials, sign_in
from saasbot.domain.accounts.throttle import Locked, network_of
from saasbot.domain.accounts.tokens import (
    Caller,
    InvalidToken,
    TokenPair,
    caller_of,
    end_tokens,
    issue_tokens,
    refresh_tokens,
)

__all__ = [
    "Attempt",
    "Bearer",
    "Caller",
    "Cookie",
    "EmailTaken",
    "Enrolment",
    "Finished",
    "InvalidAttempt",
    "InvalidCredentials",
    "InvalidReset",
    "InvalidTicket",
    "InvalidToken",
    "Locked",
    "MailCodeTooSoon",
    "NoMailCode",
    "SignedIn",
    "TokenPair",
    "WrongCode",
    "actor_of_session",
    "authenticate",
    "caller_of",
    "confirm_enrolment",
    "csrf_matches",
    "end_tokens",
    "enrol",
    "finish",
    "finish_enrolment",
    "hear_endings",
    "issue_ticket",
    "issue_tokens",
    "mail_reset",
    "mail_reset_sealed",
    "network_of",
    "refresh_tokens",
    "register",
    "request_mail_code",
    "request_reset",
    "reset_password",
    "sign_in",
    "sign_out",
    "signed_in",
    "start_session",
]
