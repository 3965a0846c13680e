"""An authenticator app becomes the second factor of an account: a secret, then the first code that proves it was taken."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.accounts.recovery_codes import code_hash, new_codes
from saasbot.domain.admin import second_factors as rows
from saasbot.domain.admin.credentials import Person
from saasbot.infra import totp
from saasbot.models.table import utcnow

ISSUER = "SaaSBot"
REPLACEMENT_LIFETIME = timedelta(minutes=10)
"""In which another app's first code is given, after its secret was shown."""
_LONGEST_CODE = 64


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What the app must know. It counts when its first code is right."""

    secret: str = field(repr=False)
    """32 characters of base32."""
    address: str = field(repr=False)
    """What the QR code says."""


async def begin(person: Person) -> Enrolment | None:
    """A new secret, in place of one that was not confirmed. Nothing when the account has a confirmed app."""
    secret = totp.new_secret()
    return _shown(secret, person.email) if await rows.begin_factor(person.user_id, secret) else None


async def begin_replacement(person: Person) -> Enrolment | None:
    """A new secret beside the one that counts, which goes on to count. Nothing when the account has no confirmed app."""
    secret = totp.new_secret()
    begun = await rows.begin_replacement(person.user_id, secret, until=utcnow() + REPLACEMENT_LIFETIME)
    return _shown(secret, person.email) if begun else None


async def confirm(
    user_id: UUID, code: str, *, attempt_id: UUID | None = None, attempt_ends: datetime | None = None
) -> list[str] | None:
    """The app counts from now on. Returns the recovery codes; nothing when the code is not of the app that waits.

    `attempt_id`: of the sign-in that waits for it; it is proved then, and lives until `attempt_ends`.
    """
    factor = await rows.read_factor(user_id)
    if factor is None or factor.secret is None or factor.confirmed_at is not None:
        return None
    secret, step = factor.secret, totp.step_of(factor.secret, plain_code(code), now=utcnow().timestamp())
    if step is None:
        return None
    codes = new_codes()
    hashes = [code_hash(each, secret) for each in codes]
    confirmed = await rows.confirm_factor(
        user_id, factor.id, step=step, code_hashes=hashes, attempt_id=attempt_id, attempt_ends=attempt_ends
    )
    return codes if confirmed else None


async def confirm_replacement(user_id: UUID, code: str, *, kept: UUID) -> list[str] | None:
    """The other app counts from now on, in place of the one before; everything that is open but the session or family `kept` ends.
    Returns the recovery codes; nothing when the code is not of an app that waits.
    """
    factor = await rows.read_factor(user_id)
    if factor is None or factor.replacement is None:
        return None
    secret = factor.replacement.secret
    step = totp.step_of(secret, plain_code(code), now=utcnow().timestamp())
    if step is None:
        return None
    codes = new_codes()
    hashes = [code_hash(each, secret) for each in codes]
    replaced = await rows.replace_factor(
        user_id, factor.id, factor.replacement, step=step, code_hashes=hashes, kept=kept
    )
    return codes if replaced else None


def _shown(secret: str, email: str) -> Enrolment:
    return Enrolment(secret, totp.address(secret, issuer=ISSUER, account=email))


def plain_code(typed: str) -> str:
    """A code without the spaces and dashes that people and apps put into it."""
    if len(typed) > _LONGEST_CODE:
        return ""
    return "".join(c for c in unicodedata.normalize("NFKC", typed).upper() if c.isascii() and c.isalnum())
