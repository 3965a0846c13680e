"""Ten codes on paper for the day the phone is lost."""

import hashlib
import hmac
import secrets

from saasbot.infra.totp import key_of

HOW_MANY = 10
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ023456789"
"""32 of them, without those that are read as another."""
LENGTH = 16
_GROUP = 4


def new_codes() -> list[str]:
    """80 random bits each, as a person copies them: `ABCD-EFGH-JKMN-PQRS`."""
    return [_written("".join(secrets.choice(_LETTERS) for _ in range(LENGTH))) for _ in range(HOW_MANY)]


def code_hash(code: str, factor_secret: str) -> bytes:
    """What is kept of a code: keyed with the secret of the account's app, which itself is sealed. A copy of the table opens
    nothing, and the codes outlive a change of the secret keys.
    """
    return hmac.new(key_of(factor_secret), b"recovery-code:" + code.encode(), hashlib.sha256).digest()


def as_kept(typed: str) -> str:
    """A code as it was typed, without what people put between its letters."""
    return _written("".join(character for character in typed.upper() if character in _LETTERS))


def _written(letters: str) -> str:
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))
