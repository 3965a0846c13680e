"""How often a network, or somebody in an account's name, may ask for what costs a password hash or sends a mail.

Both doors, the pages' socket and the REST API, come through here, before the work is done. The counts are rows, so that they hold
for all processes together and over a restart.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta

from saasbot.domain.admin import limits as counts
from saasbot.infra.crypto import keyed_hash
from saasbot.infra.errors import AppError
from saasbot.infra.settings import settings
from saasbot.models.table import utcnow

OWN_MACHINE = 20
"""Outside production this very machine may ask this many times as often: tests, benchmarks, people trying."""
_HERE_V6 = "::/64"


class TooOften(AppError):
    """Details: `retry_after` in seconds."""

    code = "too_many_attempts"
    status = 429
    message = "Too many attempts. Try again in {minutes} min."


@dataclass(frozen=True, slots=True)
class Limit:
    kind: str
    most: int
    window: timedelta
    """From the first of them."""


SIGN_UPS = Limit("sign_up", 30, timedelta(hours=1))
"""Of a network."""
FAILED_SIGN_INS = Limit("failed_sign_in", 50, timedelta(minutes=15))
"""Of a network, over all accounts: one password tried on many."""
GUESSES = Limit("guess", 50, timedelta(hours=1))
"""At an account, over all networks: many networks that try one account. Known devices are not counted."""
SLOW_GUESSES = Limit("slow_guess", 1, timedelta(seconds=30))
"""At an account that has had too many guesses."""
NEAR_GUESSES = Limit("near_guess", 50, timedelta(hours=1))
"""At such an account, from networks where it signed in before."""
RESETS = Limit("reset", 20, timedelta(hours=1))
"""Asked for by a network."""
RESET_MAILS = Limit("reset_mail", 5, timedelta(hours=1))
"""To an account."""
CONFIRMATION_MAILS = Limit("confirmation_mail", 5, timedelta(hours=1))
"""To an account."""
LINKS = Limit("link", 60, timedelta(hours=1))
"""Mailed links that a network opens or tries: resets, confirmations, invitations."""
INVITATIONS = Limit("invitation", 60, timedelta(hours=1))
"""Of a network."""
OWN_INVITATIONS = Limit("own_invitation", 30, timedelta(hours=1))
"""Of an account."""


async def spend(limit: Limit, network: str) -> None:
    """A network asks once more. `network` comes from the connection (`throttle.network_of`).

    Raises: TooOften.
    """
    await _spend(limit, network, limit.most * (OWN_MACHINE if _is_here(network) else 1))


async def spend_of_account(limit: Limit, account: str) -> None:
    """Something is asked in an account's name (its address, or its id), whether it exists or not.

    Raises: TooOften.
    """
    await _spend(limit, account, limit.most)


async def give_back(limit: Limit, whose: str) -> None:
    """It was right, or could not be done: it does not count."""
    await counts.uncount_one(limit.kind, _hashed(whose))


async def forget(whose: str, *limits: Limit) -> None:
    """The count begins anew."""
    await counts.forget_counts(tuple(limit.kind for limit in limits), _hashed(whose))


async def _spend(limit: Limit, whose: str, most: int) -> None:
    full_until = await counts.count_one(limit.kind, _hashed(whose), most=most, window=limit.window)
    if full_until is not None:
        seconds = max(1, math.ceil((full_until - utcnow()).total_seconds()))
        raise TooOften(retry_after=seconds, minutes=math.ceil(seconds / 60))


def _hashed(whose: str) -> bytes:
    """Keyed, so that the table tells neither addresses nor networks."""
    return keyed_hash("attempt-count", whose)


def _is_here(network: str) -> bool:
    if settings().is_production:
        return False
    try:
        return network == _HERE_V6 or ipaddress.ip_address(network).is_loopback
    except ValueError:
        return False
