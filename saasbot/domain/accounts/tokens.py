"""Tokens of the REST API: RS256 access tokens of 15 minutes, and refresh tokens that are used once each."""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from saasbot.domain.accounts.recent import Recent
from saasbot.domain.accounts.signing_keys import ACCESS_LIFETIME, ALGORITHM, signing_keys
from saasbot.domain.actor import Actor
from saasbot.domain.admin import tokens as rows
from saasbot.domain.admin.credentials import Person
from saasbot.domain.admin.tokens import Family
from saasbot.domain.audit.origin import Origin
from saasbot.infra.crypto import token_hash
from saasbot.infra.errors import AppError
from saasbot.infra.settings import settings
from saasbot.models import Via
from saasbot.models.table import new_id, utcnow

REFRESH_LIFETIME = timedelta(days=30)
_AUDIENCE = "saasbot-api"
_LONGEST_ACCESS_TOKEN = 4096


class InvalidToken(AppError):
    code = "invalid_token"
    status = 401
    message = "The token is not valid or has expired. Sign in again."


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds until the access token ends."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API, and with which sign-in."""

    actor: Actor
    person: Person
    family: UUID

    @property
    def user_id(self) -> UUID:
        return self.person.user_id


recent_callers: Recent[Caller] = Recent()


async def issue_tokens(person: Person, *, network: str = "", user_agent: str = "") -> TokenPair:
    """A new family: its first refresh token, and an access token. It remembers from where it was opened, and with what."""
    family = Family(new_id(), person.user_id, person.company_id, network, user_agent[:300])
    refresh = secrets.token_urlsafe(32)
    await rows.open_family(
        family,
        person,
        token_hash=token_hash(refresh),
        expires_at=utcnow() + REFRESH_LIFETIME,
    )
    return await _pair(family, refresh)


async def exchange_tokens(
    person: Person, refresh_token: str, *, of: UUID, network: str = "", user_agent: str = ""
) -> TokenPair:
    """A new family for the unused refresh token of the person's family `of`, which ends, its access tokens too.

    Raises: InvalidToken.
    """
    family = Family(new_id(), person.user_id, person.company_id, network, user_agent[:300])
    refresh = secrets.token_urlsafe(32)
    exchanged = await rows.exchange_family(
        token_hash(refresh_token),
        of,
        family,
        person,
        token_hash=token_hash(refresh),
        expires_at=utcnow() + REFRESH_LIFETIME,
    )
    recent_callers.forget(person.user_id)
    if not exchanged:
        raise InvalidToken
    return await _pair(family, refresh)


async def refresh_tokens(refresh_token: str, *, network: str = "") -> tuple[TokenPair, Person]:
    """The next pair, asked for from this network. A refresh token that was used before ends its whole family: one of its two users is a thief.

    Raises: InvalidToken.
    """
    refresh = secrets.token_urlsafe(32)
    family = await rows.rotate_refresh_token(
        token_hash(refresh_token),
        next_hash=token_hash(refresh),
        expires_at=utcnow() + REFRESH_LIFETIME,
        network=network,
    )
    if family is None:
        recent_callers.forget_all()
        raise InvalidToken
    person = await rows.person_of_family(family.user_id, family.company_id, family.id)
    if person is None:
        raise InvalidToken
    return await _pair(family, refresh), person


async def end_tokens(*, family: UUID | None = None, refresh_token: str | None = None) -> None:
    """Signing out: the family's refresh and access tokens stop working. Unknown ones are no error."""
    if family is None and refresh_token:
        family = await rows.family_of(token_hash(refresh_token))
    if family is not None:
        await rows.end_family(family)
        recent_callers.forget_all()


async def caller_of(access_token: str) -> Caller:
    """Who acts with an access token: signature and time are checked, membership and family read anew (1 s at most).

    Raises: InvalidToken.
    """
    if not access_token.isascii() or len(access_token) > _LONGEST_ACCESS_TOKEN:
        raise InvalidToken
    claims = await _verified(access_token)
    caller = await recent_callers.get(token_hash(access_token), lambda _hashed: _read_caller(claims))
    if caller is None:
        raise InvalidToken
    return caller


async def _read_caller(claims: dict[str, str]) -> Caller | None:
    try:
        user_id, company_id, family = UUID(claims["sub"]), UUID(claims["company"]), UUID(claims["family"])
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
    person = await rows.person_of_family(user_id, company_id, family)
    return Caller(person.actor(Origin(Via.API, session_id=family)), person, family) if person else None


async def _pair(family: Family, refresh: str) -> TokenPair:
    key, now = await signing_keys.signer(), int(utcnow().timestamp())
    lifetime = int(ACCESS_LIFETIME.total_seconds())
    claims = {
        "iss": settings().public_url,
        "aud": _AUDIENCE,
        "sub": str(family.user_id),
        "company": str(family.company_id),
        "family": str(family.id),
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(12),
    }
    header = {"alg": ALGORITHM, "kid": key.kid}
    return TokenPair(jwt.encode(header, claims, key, algorithms=[ALGORITHM]), refresh, lifetime)


async def _verified(access_token: str) -> dict[str, str]:
    registry = jwt.JWTClaimsRegistry(
        now=lambda: int(utcnow().timestamp()),
        iss={"essential": True, "value": settings().public_url},
        aud={"essential": True, "value": _AUDIENCE},
        exp={"essential": True},
    )
    try:
        keys = await signing_keys.verifiers(_kid_of(access_token))
        token = jwt.decode(access_token, KeySet([*keys]), algorithms=[ALGORITHM])
        registry.validate(token.claims)
    except (JoseError, ValueError, RecursionError):
        raise InvalidToken from None
    return token.claims


def _kid_of(access_token: str) -> str:
    """The key that a token names, for what it is worth before the signature is checked. Raises: ValueError."""
    header = access_token.partition(".")[0]
    named = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    return str(named.get("kid", "")) if isinstance(named, dict) else ""
