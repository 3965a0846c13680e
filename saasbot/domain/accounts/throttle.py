"""Five failures block an account for 15 minutes, only for where they came from: a network, a known device, or whoever is signed in
to it already. Nobody can lock its owner out from elsewhere, and who tries from many networks is slowed down."""

import ipaddress
import math
from dataclasses import dataclass
from uuid import UUID

from saasbot.domain.accounts import limits
from saasbot.domain.accounts.limits import (
    FAILED_SIGN_INS,
    GUESSES,
    NEAR_GUESSES,
    SLOW_GUESSES,
    Limit,
    TooOften,
)
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


SIGNED_IN = "signed in"
"""The place of who is signed in to the account."""


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt, counted before the password is looked at."""

    id: UUID
    email: str
    place: str
    spent: tuple[tuple[Limit, str], ...] = ()
    """What it took beside its place, and whose; given back if it was right."""


async def count_attempt(email: str, network: str, device: str = "") -> Counted:
    """Before the password is looked at. `device`: how this account knows the browser (`known_devices.device_of`), if it does;
    then only that browser's own failures count. What is refused here does not count.

    Raises: Locked, TooOften (Details: `retry_after`).
    """
    if device:
        return await _count(email, f"device {device}")
    await limits.spend(FAILED_SIGN_INS, network)
    try:
        counted = await _count(email, network)
        try:
            clock = await _slow_down(email, network)
        except TooOften:
            await credentials.take_back_attempt(counted.id)
            raise
    except AppError:
        await limits.give_back(FAILED_SIGN_INS, network)
        raise
    return Counted(counted.id, email, network, ((FAILED_SIGN_INS, network), (clock, email)))


async def count_proof(email: str) -> Counted:
    """Before the password of somebody who is signed in is looked at. Only what was tried so counts: strangers have no part in it, and
    whoever found a session open has five tries in 15 minutes, in all its sessions together.

    Raises: Locked.
    """
    return await _count(email, SIGNED_IN)


async def forget_attempts(counted: Counted) -> None:
    """After the right password: the next mistake is the first one again."""
    await credentials.forget_attempts(_hashed(counted.email), counted.place)
    for limit, whose in counted.spent:
        await limits.give_back(limit, whose)


async def lift(email: str) -> None:
    """After a reset, which proved whose the account is: no failure of anybody counts any more."""
    await credentials.forget_attempts(_hashed(email))
    await limits.forget(email, GUESSES, NEAR_GUESSES, SLOW_GUESSES)


async def _count(email: str, place: str) -> Counted:
    counted = await credentials.count_attempt(_hashed(email), place)
    if isinstance(counted, UUID):
        return Counted(counted, email, place)
    seconds = max(1, math.ceil((counted - utcnow()).total_seconds()))
    raise Locked(retry_after=seconds, minutes=math.ceil(seconds / 60))


async def note_refusal(counted: Counted, network: str = UNKNOWN, person: Person | None = None) -> None:
    """After a wrong password. The people of the company of a `person` who was to be signed in can read of it, and from where."""
    await credentials.note_refusal(counted.id, network, person)


async def _slow_down(email: str, network: str) -> Limit:
    """Many networks that try one account share a slow clock. Its owner's known devices do not come here, and where they signed in
    from before, as their programs do, has a count apart. Returns what was spent. Raises: TooOften.
    """
    try:
        await limits.spend_of_account(GUESSES, email)
    except TooOften:
        near = network != UNKNOWN and await credentials.has_signed_in_from(email, network)
        limit = NEAR_GUESSES if near else SLOW_GUESSES
        await limits.spend_of_account(limit, email)
        return limit
    return GUESSES


def _hashed(email: str) -> bytes:
    """Keyed, so that the table of failures does not tell which addresses were tried."""
    return keyed_hash("sign-in-failure", email)
