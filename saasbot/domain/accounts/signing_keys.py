"""The key pairs that sign access tokens: how this process knows them, and how one follows another.

A new key is known to every process before it signs, and an old one verifies until the last token that it signed has ended.
All of it follows from the moment a key was made, so that processes need not agree on anything else.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc.jwk import RSAKey

from saasbot.domain.admin import signing_keys as rows
from saasbot.infra.crypto import Unsealable, place, seal, unseal
from saasbot.infra.logging import get_logger
from saasbot.models import SigningKey
from saasbot.models.table import utcnow

log = get_logger(__name__)

ALGORITHM = "RS256"
ACCESS_LIFETIME = timedelta(minutes=15)
REREAD = timedelta(minutes=1)
"""Every process reads the keys anew at least this often while it uses them."""
SIGNS_AFTER = 2 * REREAD
"""A new key signs then: every process knows it by that time."""
RETIRED_AFTER = SIGNS_AFTER + REREAD + ACCESS_LIFETIME + timedelta(minutes=2)
"""Its predecessor signed its last token two minutes and a reading after the new key was made, and that token has ended."""
RENEWED_AFTER = timedelta(days=90)
_ASK_AGAIN_SECONDS = 5.0
"""Between two readings for the sake of a key that nobody here knows: forged ones cost no more than that."""
_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KnownKey:
    pair: RSAKey
    made_at: datetime


class SigningKeys:
    """The keys of this installation, as one process knows them. Tests make several."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: list[KnownKey] = []
        self._read_at = 0.0

    def forget(self) -> None:
        """The next use reads them."""
        self._known = []

    async def signer(self) -> RSAKey:
        """The newest that every process knows; the oldest when all are new."""
        known, latest = await self._current(), utcnow() - SIGNS_AFTER
        return next((key for key in known if key.made_at <= latest), known[-1]).pair

    async def verifiers(self, kid: str) -> list[RSAKey]:
        """The keys that verify. For the sake of an unknown `kid` they are read anew, at most every five seconds."""
        known = await self._current()
        if kid not in {key.pair.kid for key in known} and self._clock() - self._read_at >= _ASK_AGAIN_SECONDS:
            known = await self._read()
        return [key.pair for key in known]

    async def _current(self) -> list[KnownKey]:
        """Newest first; never empty."""
        if self._known and self._clock() - self._read_at < REREAD.total_seconds():
            return self._known
        return await self._read()

    async def _read(self) -> list[KnownKey]:
        stored = await rows.signing_keys()
        usable = _usable(stored)
        if not usable:
            await rows.add_signing_key(await asyncio.to_thread(_new_key), beside={row.id for row in stored})
            usable = _usable(await rows.signing_keys())
        self._known, self._read_at = usable, self._clock()
        return usable


signing_keys = SigningKeys()


async def add_key() -> str:
    """There is a newer key, which signs in two minutes. Returns its `kid`."""
    stored = await rows.signing_keys()
    key = await asyncio.to_thread(_new_key)
    await rows.add_signing_key(key, beside={row.id for row in stored})
    return str(key.id)


async def keep_fresh() -> None:
    """The job: a key of 90 days is followed by another, and those that verify nothing any more are retired."""
    stored, now = await rows.signing_keys(), utcnow()
    if stored and stored[0].created_at <= now - RENEWED_AFTER:
        await add_key()
    await rows.retire_signing_keys(followed_before=now - RETIRED_AFTER)


def _new_key() -> SigningKey:
    pair = RSAKey.generate_key(_RSA_BITS)
    row = SigningKey(private_sealed=b"", public_pem=pair.as_pem(private=False).decode())
    row.private_sealed = seal(pair.as_pem(private=True).decode(), place("signing_key", "private_sealed", row.id))
    return row


def _usable(stored: Sequence[SigningKey]) -> list[KnownKey]:
    usable = []
    for row in stored:
        try:
            pem = unseal(row.private_sealed, place("signing_key", "private_sealed", row.id))
        except Unsealable:
            log.error("accounts.signing_key_unsealable", key_id=str(row.id))
            continue
        pair = RSAKey.import_key(pem, {"kid": str(row.id), "use": "sig", "alg": ALGORITHM})
        usable.append(KnownKey(pair, row.created_at))
    return usable
