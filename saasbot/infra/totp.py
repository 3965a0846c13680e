"""Codes of an authenticator app: RFC 6238 with SHA-1, 6 digits and 30 seconds, which is what every app can do."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
_SECRET_BYTES = 20  # RFC 4226 §4: 160 bits
_DRIFT = 1
"""Steps that a phone's clock may be ahead or behind."""


def new_secret() -> str:
    """A random secret as apps take it: 32 characters of base32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    return base64.b32decode(secret)


def code_at(secret: str, step: int) -> str:
    """The code of one step (RFC 4226 §5.3)."""
    digest = hmac.digest(key_of(secret), step.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 0xF
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: str, code: str, *, now: float) -> int | None:
    """The step that the code is of, near `now` (seconds since 1970); nothing when it is of none."""
    current = int(now) // STEP_SECONDS
    found = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):  # all of them: the time does not tell which
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode("utf-8", "replace")):
            found = step
    return found


def address(secret: str, *, issuer: str, account: str) -> str:
    """What the QR code says (the `otpauth` key URI that apps read)."""
    query = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{issuer}:{account}', safe='')}?{query}"
