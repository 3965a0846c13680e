"""Accepting an invitation: its link proves the mailbox, so a new account starts confirmed.

An account that is confirmed and on some team joins by its own session only. One that nobody confirmed is whoever's who registered
first, and one that is on no team cannot sign in: those the mailbox's owner takes over with a password of their own, as by a reset, and
everything that opened them before is over.
"""

from uuid import UUID

from saasbot.domain.accounts import limits, throttle
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.accounts.limits import LINKS
from saasbot.domain.accounts.passwords import check_password, hash_password
from saasbot.domain.accounts.registering import LONGEST_NAME
from saasbot.domain.accounts.throttle import UNKNOWN
from saasbot.domain.admin import invitations as rows
from saasbot.domain.admin.credentials import Person
from saasbot.domain.admin.invitations import InvalidInvitation, Invited, Newcomer
from saasbot.infra.crypto import token_hash
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.i18n import supported
from saasbot.infra.text_input import one_line

_LONGEST_TOKEN = 64


class SignInFirst(AppError):
    code = "sign_in_first"
    status = 401
    message = "This email has an account. Sign in with it, then open the link again."


async def invitation_of(token: str, *, network: str = UNKNOWN) -> Invited:
    """What the page of the link shows.

    Raises: InvalidInvitation, TooOften.
    """
    await limits.spend(LINKS, network)
    found = await rows.find_invitation(_hashed(token))
    if found is None:
        raise InvalidInvitation
    return found


async def accept_as_newcomer(
    *, token: str, name: str, password: str, accept_terms: bool, locale: str, network: str = UNKNOWN
) -> Person:
    """The account of the invitation's address has this name and password, is confirmed, and is a member; what blocked it is lifted.

    Raises: InvalidInvitation, SignInFirst, InvalidInput (per field), TooOften.
    """
    invited = await invitation_of(token, network=network)
    if invited.account == "held":
        raise SignInFirst
    name = one_line("name", name, longest=LONGEST_NAME)
    check_password(password, email=invited.email, names=(invited.company_name, name))
    if not accept_terms:
        raise InvalidInput("accept_terms", "Accept the terms to go on.")
    newcomer = Newcomer(name, await hash_password(password), supported(locale), network)
    person = await rows.seat(_hashed(token), newcomer=newcomer)
    await throttle.lift(person.email)
    forget_everybody()
    return person


async def accept_as(user_id: UUID, *, token: str, network: str = UNKNOWN) -> Person:
    """The account that acts, and is held, is a member too. `user_id` comes from its session or token.

    Raises: InvalidInvitation, SignInFirst (the invitation is for another account), TooOften.
    """
    invited = await invitation_of(token, network=network)
    if invited.account != "held" or invited.user_id != user_id:
        raise SignInFirst
    return await rows.seat(_hashed(token), user_id=user_id)


def _hashed(token: str) -> bytes:
    return token_hash(token) if 0 < len(token) <= _LONGEST_TOKEN else b""
