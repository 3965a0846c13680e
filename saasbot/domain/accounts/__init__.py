"""People: registering, signing in (in two steps) and out, sessions, tokens of the API, forgotten passwords.

These use cases have no actor yet, so they open their own transactions through `domain/admin`: call them outside a unit of
work. The team (`members`, and lists of `invitations`) has one, and is called inside, as everywhere.
"""

from saasbot.domain.accounts.accepting import SignInFirst, accept_as, accept_as_newcomer, invitation_of
from saasbot.domain.accounts.attempts import (
    Attempt,
    Finished,
    InvalidAttempt,
    MailCodeTooSoon,
    NoMailCode,
    WrongCode,
    begin,
    confirm_enrolment,
    enrol,
    finish,
    finish_enrolment,
    request_mail_code,
)
from saasbot.domain.accounts.authenticate import Bearer, Cookie, authenticate
from saasbot.domain.accounts.confirming import (
    InvalidConfirmation,
    PasswordNeeded,
    confirm_email,
    request_confirmation,
)
from saasbot.domain.accounts.endings import hear_endings
from saasbot.domain.accounts.enrolment import Enrolment
from saasbot.domain.accounts.invitations import AlreadyMember, invite
from saasbot.domain.accounts.known_devices import remember
from saasbot.domain.accounts.limits import TooOften
from saasbot.domain.accounts.outgoing import Unconfirmed
from saasbot.domain.accounts.registering import EmailTaken, register
from saasbot.domain.accounts.resets import InvalidReset, mail_reset, mail_reset_sealed, request_reset, reset_password
from saasbot.domain.accounts.sessions import (
    InvalidTicket,
    SignedIn,
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
from saasbot.domain.admin.invitations import InvalidInvitation, Invited

__all__ = [
    "AlreadyMember",
    "Attempt",
    "Bearer",
    "Caller",
    "Cookie",
    "EmailTaken",
    "Enrolment",
    "Finished",
    "InvalidAttempt",
    "InvalidConfirmation",
    "InvalidCredentials",
    "InvalidInvitation",
    "InvalidReset",
    "InvalidTicket",
    "InvalidToken",
    "Invited",
    "Locked",
    "MailCodeTooSoon",
    "NoMailCode",
    "PasswordNeeded",
    "SignInFirst",
    "SignedIn",
    "TokenPair",
    "TooOften",
    "Unconfirmed",
    "WrongCode",
    "accept_as",
    "accept_as_newcomer",
    "authenticate",
    "begin",
    "caller_of",
    "confirm_email",
    "confirm_enrolment",
    "csrf_matches",
    "end_tokens",
    "enrol",
    "finish",
    "finish_enrolment",
    "hear_endings",
    "invitation_of",
    "invite",
    "issue_ticket",
    "issue_tokens",
    "mail_reset",
    "mail_reset_sealed",
    "network_of",
    "refresh_tokens",
    "register",
    "remember",
    "request_confirmation",
    "request_mail_code",
    "request_reset",
    "reset_password",
    "sign_in",
    "sign_out",
    "signed_in",
    "start_session",
]
