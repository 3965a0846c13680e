"""Five failures block an account for 15 minutes, only for the network they came from: its owner gets in from another."""

import ipaddress
import math

from saasbot.domain.admin import credentials
from saasbot.domain.admin.credentials import Person
from saasbot.infra.crypto import keyed_hash
from saasbot.infra.errors import AppError
from saasbot.models.table import utcnow


class Locked(AppError):
    """Details: `retry_after` in seconds. Unknown accounts are blocked alike."""

    code = "locked"
    status = 429
    message = "Too many failed attempts. Try again in {minutes} min, or reset your password."


def network_of(address: str) -> str:
    """What counts as one network: an IPv4 address, or the /64 that an IPv6 customer has to themselves."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


async def count_attempt(email: str, network: str) -> None:
    """Before the password is looked at.

    Raises: Locked.
    """
    blocked_until = await credentials.count_attempt(_hashed(email), network)
    if blocked_until is not None:
        seconds = max(1, math.ceil((blocked_until - utcnow()).total_seconds()))
        raise Locked(retry_after=seconds, minutes=math.ceil(seconds / 60))


async def note_refusal(email: str, network: str, person: Person | None) -> None:
    """After a wrong password: the people of the account's company can read of it."""
    await credentials.note_refusal(_hashed(email), network, person)


async def forget_attempts(email: str, network: str) -> None:
    """After the right password."""
    await credentials.forget_attempts(_hashed(email), network)


def _hashed(email: str) -> bytes:
    """Keyed, so that the table of failures does not tell which addresses were tried."""
    return keyed_hash("sign-in-failure", email)
