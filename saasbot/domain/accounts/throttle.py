"""Five failures block an account for 15 minutes, only for the network or the known device that they came from: nobody can lock
its owner out from elsewhere, and who tries from many networks is slowed down."""

import ipaddress
import math
from uuid import UUID

from saasbot.domain.accounts import limits
from saasbot.domain.accounts.limits import FAILED_SIGN_INS, GUESSES, SLOW_GUESSES, TooOften
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


UNKNOWN = "unknown"
"""All addresses that are none count as one network."""


def network_of(address: str) -> str:
    """What counts as one network: an IPv4 address, or the /64 that an IPv6 customer has to themselves."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


async def count_attempt(email: str, network: str, device: str = "") -> UUID:
    """Before the password is looked at. `device`: how this account knows the browser (`known_devices.device_of`), if it does;
    then only that browser's own failures count. Returns the attempt, for `note_refusal`.

    Raises: Locked, TooOften (Details: `retry_after`).
    """
    if device:
        return await _count(email, _place(network, device))
    await limits.spend(FAILED_SIGN_INS, network)
    try:
        attempt_id = await _count(email, network)
        await _slow_down(email)
    except AppError:
        await limits.give_back(FAILED_SIGN_INS, network)
        raise
    return attempt_id


async def forget_attempts(email: str, network: str, device: str = "") -> None:
    """After the right password."""
    await credentials.forget_attempts(_hashed(email), _place(network, device))
    if not device:
        await limits.give_back(FAILED_SIGN_INS, network)
        await limits.give_back(GUESSES, email)


async def lift(email: str) -> None:
    """After a reset, which proved whose the account is: no failure of anybody counts any more."""
    await credentials.forget_attempts(_hashed(email))
    await limits.forget(email, GUESSES, SLOW_GUESSES)


async def _count(email: str, place: str) -> UUID:
    counted = await credentials.count_attempt(_hashed(email), place)
    if isinstance(counted, UUID):
        return counted
    seconds = max(1, math.ceil((counted - utcnow()).total_seconds()))
    raise Locked(retry_after=seconds, minutes=math.ceil(seconds / 60))


async def note_refusal(attempt_id: UUID, network: str, person: Person | None = None) -> None:
    """After a wrong password. The people of the company of a `person` who was to be signed in can read of it."""
    await credentials.note_refusal(attempt_id, network, person)


async def _slow_down(email: str) -> None:
    """Many networks that try one account share a slow clock. Its owner's known devices do not come here."""
    try:
        await limits.spend_of_account(GUESSES, email)
    except TooOften:
        await limits.spend_of_account(SLOW_GUESSES, email)


def _place(network: str, device: str) -> str:
    return f"device {device}" if device else network


def _hashed(email: str) -> bytes:
    """Keyed, so that the table of failures does not tell which addresses were tried."""
    return keyed_hash("sign-in-failure", email)
