"""Tokens of the REST API: short access tokens, refresh tokens that work once, families that end together."""

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select, update
from sqlalchemy.exc import ProgrammingError
from sqlmodel import col

from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidToken, TokenPair, tokens
from saasbot.domain.accounts.signing_keys import signing_keys
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.infra.crypto import Unsealable, place, unseal
from saasbot.infra.db import platform_unit_of_work, run, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import Membership, SigningKey
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt


@pytest.fixture(autouse=True)
def fresh_keys(app_db: object) -> None:
    """Every test has an empty database, so this process must not remember keys of another."""
    signing_keys.forget()


async def person_of(email: str = "alice@sur.example") -> Person:
    found = await find_account(email)
    assert found is not None
    return found[0]


async def issue(email: str = "alice@sur.example") -> TokenPair:
    return await accounts.issue_tokens(await person_of(email))


async def refused(token: str) -> bool:
    try:
        await accounts.caller_of(token)
    except InvalidToken:
        return True
    return False


async def test_an_access_token_says_who_acts(alice: Actor):
    pair = await issue()
    assert (await accounts.caller_of(pair.access_token)).actor == alice
    assert pair.expires_in == 900


@attempt(55, "tokens", "An access token is used after its end.")
async def test_it_ends_after_fifteen_minutes(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        pair = await issue()
        clock.shift(timedelta(minutes=14, seconds=59))
        assert not await refused(pair.access_token)
        clock.shift(timedelta(seconds=2))
        assert await refused(pair.access_token)


async def test_each_refresh_token_works_once(alice: Actor):
    first = await issue()
    second, person = await accounts.refresh_tokens(first.refresh_token)
    assert person.actor() == alice
    third, _ = await accounts.refresh_tokens(second.refresh_token)
    assert not await refused(third.access_token)


@attempt(56, "tokens", "A stolen refresh token is used beside its owner.")
async def test_using_one_twice_ends_the_whole_family_and_no_other(alice: Actor):
    first, other = await issue(), await issue()
    second, _ = await accounts.refresh_tokens(first.refresh_token)
    with pytest.raises(InvalidToken):
        await accounts.refresh_tokens(first.refresh_token)
    with pytest.raises(InvalidToken):
        await accounts.refresh_tokens(second.refresh_token)
    assert await refused(first.access_token)
    assert await refused(second.access_token)
    assert not await refused(other.access_token)


@attempt(57, "tokens", "A refresh token of last month is used.")
async def test_a_refresh_token_ends_after_thirty_days(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        pair = await issue()
        clock.shift(tokens.REFRESH_LIFETIME + timedelta(seconds=1))
        with pytest.raises(InvalidToken):
            await accounts.refresh_tokens(pair.refresh_token)


@pytest.mark.parametrize("token", ["", "nonsense", "\x00", "x" * 5000])
async def test_an_unknown_refresh_token_opens_nothing(app_db: object, token: str):
    with pytest.raises(InvalidToken):
        await accounts.refresh_tokens(token)


@attempt(58, "tokens", "Tokens are used after their owner has signed out.")
async def test_signing_out_with_either_token_ends_both(alice: Actor):
    by_access, by_refresh = await issue(), await issue()
    caller = await accounts.caller_of(by_access.access_token)
    await accounts.end_tokens(family=caller.family)
    await accounts.end_tokens(refresh_token=by_refresh.refresh_token)
    for pair in (by_access, by_refresh):
        assert await refused(pair.access_token)
        with pytest.raises(InvalidToken):
            await accounts.refresh_tokens(pair.refresh_token)


@attempt(59, "tokens", "Somebody who was removed goes on with the tokens they have.")
async def test_who_was_removed_acts_no_more(alice: Actor, bob: Actor):
    pair = await issue("bob@sur.example")
    async with platform_unit_of_work("a test looks"):
        await run(update(Membership).where(col(Membership.user_id) == bob.user_id).values(removed_at=utcnow()))
    assert await refused(pair.access_token)
    with pytest.raises(InvalidToken):
        await accounts.refresh_tokens(pair.refresh_token)


def parts(token: str) -> list[Any]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


@attempt(
    52, "tokens", "Access tokens without an algorithm, by the public key as a secret, by another key, or unsigned."
)
async def test_forged_tokens_are_refused(alice: Actor, mallory: Actor):
    token = (await issue()).access_token
    header, claims = parts(token)
    public = (await signing_keys.signer()).as_pem(private=False)
    b64 = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()  # noqa: E731
    head, _, signature = token.split(".")
    confused = f"{b64({'alg': 'HS256', 'typ': 'JWT', 'kid': header['kid']})}.{b64(claims)}"
    hs256 = base64.urlsafe_b64encode(hmac.digest(public, confused.encode(), "sha256")).rstrip(b"=").decode()
    forged = {
        "no algorithm": f"{b64({'alg': 'none', 'typ': 'JWT'})}.{b64(claims)}.",
        "the public key as a secret": f"{confused}.{hs256}",
        "another key under our id": jwt.encode(
            {"alg": "RS256", "kid": header["kid"]}, claims, RSAKey.generate_key(2048), algorithms=["RS256"]
        ),
        "an unknown key": jwt.encode(
            {"alg": "RS256", "kid": "other"}, claims, RSAKey.generate_key(2048), algorithms=["RS256"]
        ),
        "another company": f"{head}.{b64({**claims, 'company': str(mallory.company_id)})}.{signature}",
        "no signature": f"{head}.{token.split('.')[1]}.",
        "nothing": "..",
        "not ascii": token + "ñ",
        "a surrogate": "\ud800",
    }
    for depth in (3_000, 100_000):
        nested = base64.urlsafe_b64encode(b"[" * depth).rstrip(b"=").decode()
        forged |= {
            f"{depth} brackets, head": f"{nested}.e30.x",
            f"{depth} brackets": f"{head}.{nested}.{signature}",
        }
    for name, made in forged.items():
        assert await refused(made), name


@attempt(53, "tokens", "A genuine signature over claims for another audience, issuer, or nobody.")
@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-service"},
        {"iss": "https://evil.example"},
        {"exp": None},
        {"sub": "not a uuid"},
        {"sub": 7},
        {"family": None},
        {"company": None},
    ],
)
async def test_our_own_signature_on_other_claims_is_not_enough(alice: Actor, changed: dict[str, Any]):
    header, claims = parts((await issue()).access_token)
    claims = {key: value for key, value in {**claims, **changed}.items() if value is not None}
    assert await refused(jwt.encode({**header}, claims, await signing_keys.signer(), algorithms=["RS256"]))


@attempt(54, "tokens", "A genuine signature over the id of another company.")
async def test_a_signed_token_of_another_company_is_refused(alice: Actor, mallory: Actor):
    """Even with our key: the family belongs to one person in one company."""
    header, claims = parts((await issue()).access_token)
    claims["company"] = str(mallory.company_id)
    assert await refused(jwt.encode({**header}, claims, await signing_keys.signer(), algorithms=["RS256"]))


async def test_all_processes_sign_with_the_one_key_of_the_database(alice: Actor):
    pair = await issue()
    kid = (await signing_keys.signer()).kid
    signing_keys.forget()  # another process
    assert not await refused(pair.access_token)
    assert (await signing_keys.signer()).kid == kid


@attempt(99, "secrets", "The program's role reads the key that signs tokens.")
async def test_the_private_key_is_sealed_for_its_row_and_hidden_from_the_app(alice: Actor):
    await issue()
    async with platform_unit_of_work("a test looks"):
        row = (await run(select(SigningKey.__table__))).one()  # type: ignore[attr-defined]
    assert b"PRIVATE" not in row.private_sealed
    assert "PRIVATE" in unseal(row.private_sealed, place("signing_key", "private_sealed", row.id))
    with pytest.raises(Unsealable):
        unseal(row.private_sealed, place("signing_key", "private_sealed", alice.company_id))
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with unit_of_work(alice):
            await run(select(col(SigningKey.id)))


async def test_after_an_accepted_loss_of_the_secret_keys_a_new_key_is_made(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
):
    old = (await issue()).access_token
    monkeypatch.setenv("SAASBOT_SECRET_KEYS", base64.b64encode(b"another key of 32 bytes for test").decode())
    settings.cache_clear()
    signing_keys.forget()
    try:
        pair = await issue()
        assert not await refused(pair.access_token)
        assert await refused(old)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
        signing_keys.forget()
