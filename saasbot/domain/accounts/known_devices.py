"""Browsers on which a person has signed in: their mistakes are counted apart, so that nobody else can lock that person out.

A device's cookie holds an entry for each of the last accounts that signed in on it: the day, a random id, and a keyed hash of both
with the address. So it tells nobody which accounts those are, and nobody can make one for an account that they never signed in to.
"""

import base64
import hmac
import secrets
from collections.abc import Iterator
from typing import NamedTuple

from saasbot.infra.crypto import keyed_hash
from saasbot.models.table import utcnow

KNOWN_DAYS = 365
_ACCOUNTS = 5
_LONGEST = 600
_ID_BYTES, _HASH_BYTES = 9, 16
_SECONDS_A_DAY = 24 * 3600


class _Entry(NamedTuple):
    day: int
    id: str
    hash: str

    def __str__(self) -> str:
        return f"{self.day}.{self.id}.{self.hash}"


def device_of(cookie: str, email: str) -> str:
    """The id of the device as this account knows it; empty when it never signed in here, or not within a year."""
    found = next((entry for entry in _entries(cookie) if _belongs(entry, email)), None)
    return found.id if found is not None and 0 <= _today() - found.day <= KNOWN_DAYS else ""


def remember(cookie: str, email: str) -> str:
    """The cookie's value after this account has signed in: a device keeps its id, so that its mistakes stay counted."""
    others = [entry for entry in _entries(cookie) if not _belongs(entry, email)]
    id = device_of(cookie, email) or secrets.token_urlsafe(_ID_BYTES)
    mine = _Entry(_today(), id, _hash(_today(), id, email))
    return "~".join(str(entry) for entry in [mine, *others][:_ACCOUNTS])


def _entries(cookie: str) -> Iterator[_Entry]:
    if len(cookie) > _LONGEST or not cookie.isascii():
        return
    for part in cookie.split("~")[:_ACCOUNTS]:
        day, _, rest = part.partition(".")
        id, _, hash = rest.partition(".")
        if day.isdigit() and len(day) <= 6 and id:
            yield _Entry(int(day), id, hash)


def _belongs(entry: _Entry, email: str) -> bool:
    return hmac.compare_digest(entry.hash, _hash(entry.day, entry.id, email))


def _hash(day: int, id: str, email: str) -> str:
    hashed = keyed_hash("known-device", f"{day}.{id}.{email}")[:_HASH_BYTES]
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def _today() -> int:
    """Days since 1970 (UTC)."""
    return int(utcnow().timestamp()) // _SECONDS_A_DAY
