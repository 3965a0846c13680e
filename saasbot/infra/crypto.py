"""Sealing of secrets at rest, and the sub-keys of everything else that needs one.

All keys come from `SAASBOT_SECRET_KEYS`, so every machine with the same setting agrees. The first key seals, all of them
open: to rotate, put a new key first, re-seal (`reseal`), then drop the old one.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from saasbot.infra.settings import settings

_VERSION = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES


class Unsealable(Exception):
    """The secret was sealed for another place, with a key that is no longer set, or was changed since."""


def sub_key(purpose: str, *, length: int = 32) -> bytes:
    """A key for one purpose, derived from the first secret key (HKDF, RFC 5869). Knowing it reveals no other key."""
    return _derive(settings().keys[0], purpose, length)


def place(table: str, column: str, row_id: UUID | str) -> str:
    """Where a sealed value lives. It is authenticated with the value, so that a copy in another row does not open."""
    return f"{table}:{column}:{row_id}"


def seal(secret: str, at: str) -> bytes:
    """AES-256-GCM with the first key: version, key id, nonce, ciphertext. `at` comes from `place`."""
    return seal_with(settings().keys[0], secret, at)


def seal_with(key: bytes, secret: str, at: str) -> bytes:
    """As `seal`, with this key."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_sealing_key(key)).encrypt(nonce, secret.encode(), at.encode())
    return _VERSION + _key_id(key) + nonce + sealed


def unseal(sealed: bytes, at: str) -> str:
    """The secret that was sealed at this place.

    Raises: Unsealable.
    """
    return unseal_with(settings().keys, sealed, at)


def unseal_with(keys: Sequence[bytes], sealed: bytes, at: str) -> str:
    """As `unseal`, with one of these keys. Raises: Unsealable."""
    key = _key_of(sealed, keys)
    if key is None:
        raise Unsealable("no key of SAASBOT_SECRET_KEYS has sealed this")
    nonce = sealed[_HEADER_BYTES - _NONCE_BYTES : _HEADER_BYTES]
    try:
        return AESGCM(_sealing_key(key)).decrypt(nonce, sealed[_HEADER_BYTES:], at.encode()).decode()
    except InvalidTag:
        raise Unsealable("sealed for another place, or changed") from None


def reseal(sealed: bytes, at: str) -> bytes | None:
    """The same secret under the first key, or nothing when it already is.

    Raises: Unsealable.
    """
    if _key_of(sealed, settings().keys) == settings().keys[0]:
        return None
    return seal(unseal(sealed, at), at)


def keyed_hash(purpose: str, text: str) -> bytes:
    """For values that are looked up or compared and must not be readable from a copy of the table (HMAC-SHA-256)."""
    return hmac.new(sub_key(purpose), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def token_hash(token: str) -> bytes:
    """SHA-256 of a random token: what the database keeps of it. Only for tokens of 128 random bits or more."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _key_of(sealed: bytes, keys: Sequence[bytes]) -> bytes | None:
    if len(sealed) <= _HEADER_BYTES or not sealed.startswith(_VERSION):
        return None
    key_id = sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]
    return next((key for key in keys if _key_id(key) == key_id), None)


def _sealing_key(key: bytes) -> bytes:
    return _derive(key, "seal", 32)


def _key_id(key: bytes) -> bytes:
    return _derive(key, "key-id", _KEY_ID_BYTES)


@lru_cache(maxsize=64)
def _derive(key: bytes, purpose: str, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=f"saasbot/{purpose}".encode()).derive(key)
