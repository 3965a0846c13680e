"""One signing key follows another while every process goes on. Two `SigningKeys` are two processes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from joserfc.jwk import RSAKey

from saasbot.domain import accounts
from saasbot.domain.accounts import signing_keys as module
from saasbot.domain.accounts.signing_keys import (
    RENEWED_AFTER,
    REREAD,
    RETIRED_AFTER,
    SIGNS_AFTER,
    SigningKeys,
    add_key,
    keep_fresh,
    signing_keys,
)
from saasbot.domain.actor import Actor
from saasbot.domain.admin import signing_keys as rows
from saasbot.domain.admin.credentials import find_account
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt

SECOND = timedelta(seconds=1)


class Clock:
    """Both clocks at once: the database's moments and the process's own seconds."""

    def __init__(self, travel: time_machine.Traveller) -> None:
        self._travel, self._seconds = travel, 1000.0

    def process(self) -> SigningKeys:
        """The keys as one more process knows them."""
        return SigningKeys(lambda: self._seconds)

    def shift(self, by: timedelta) -> None:
        self._travel.shift(by)
        self._seconds += by.total_seconds()


@pytest.fixture
def clock(app_db: object) -> Iterator[Clock]:
    signing_keys.forget()
    with time_machine.travel(utcnow(), tick=False) as travel:
        yield Clock(travel)
    signing_keys.forget()


async def test_a_new_key_signs_only_when_every_process_knows_it(clock: Clock):
    one, two = clock.process(), clock.process()
    first = (await one.signer()).kid
    assert (await two.signer()).kid == first
    clock.shift(timedelta(days=1))
    for process in (one, two):
        await process.signer()
    second = await add_key()
    signed_since = None
    for _ in range(8):  # four minutes in steps of 30 s, both at work
        clock.shift(timedelta(seconds=30))
        for signing, verifying in ((one, two), (two, one)):
            kid = (await signing.signer()).kid
            known = {key.pair.kid for key in verifying._known}
            assert kid in known, "a token that the other process could not check"
            signed_since = signed_since or (kid == second and utcnow())
    assert signed_since
    assert {(await process.signer()).kid for process in (one, two)} == {second}


async def test_it_does_not_sign_before_two_minutes(clock: Clock):
    keys = clock.process()
    first = (await keys.signer()).kid
    clock.shift(timedelta(hours=1))
    second = await add_key()
    clock.shift(SIGNS_AFTER - SECOND)
    assert (await keys.signer()).kid == first
    clock.shift(REREAD + SECOND)
    assert (await keys.signer()).kid == second


@attempt(160, "tokens", "A token of a retired key is used.")
async def test_the_old_key_verifies_until_its_tokens_have_ended(clock: Clock, alice: Actor):
    found = await find_account("alice@sur.example")
    assert found is not None
    await signing_keys.signer()
    clock.shift(timedelta(hours=1))
    await add_key()
    clock.shift(SIGNS_AFTER - SECOND)
    last = (await accounts.issue_tokens(found[0])).access_token
    clock.shift(timedelta(minutes=14))
    await keep_fresh()
    signing_keys.forget()
    assert (await accounts.caller_of(last)).actor == alice
    assert len(await rows.signing_keys()) == 2
    clock.shift(RETIRED_AFTER)
    await keep_fresh()
    (left,) = await rows.signing_keys()
    signing_keys.forget()
    assert str(left.id) == (await signing_keys.signer()).kid


async def test_a_key_of_ninety_days_gets_a_successor_and_a_young_one_none(clock: Clock):
    first = (await signing_keys.signer()).kid
    clock.shift(RENEWED_AFTER - timedelta(minutes=1))
    await keep_fresh()
    assert [str(key.id) for key in await rows.signing_keys()] == [first]
    clock.shift(timedelta(minutes=2))
    await keep_fresh()
    await keep_fresh()
    assert len(await rows.signing_keys()) == 2
    clock.shift(RETIRED_AFTER + SECOND)
    await keep_fresh()
    (left,) = await rows.signing_keys()
    assert str(left.id) != first


@attempt(161, "tokens", "Tokens with made-up keys make the server read its keys all day.")
async def test_an_unknown_key_is_looked_for_at_most_every_five_seconds(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    keys = clock.process()
    await keys.signer()
    readings = 0
    real = rows.signing_keys

    async def counted():
        nonlocal readings
        readings += 1
        return await real()

    monkeypatch.setattr(rows, "signing_keys", counted)
    for _ in range(20):  # within four seconds of the last reading
        clock.shift(timedelta(milliseconds=200))
        await keys.verifiers("forged")
    assert readings == 0
    clock.shift(timedelta(seconds=1))
    for _ in range(24):
        await keys.verifiers("forged")
        clock.shift(timedelta(milliseconds=200))
    assert readings == 1
    new = await add_key()
    readings = 0
    clock.shift(timedelta(seconds=5))
    assert new in {key.kid for key in await keys.verifiers(new)}
    assert readings == 1


async def test_two_that_add_a_key_at_once_add_one(clock: Clock):
    await signing_keys.signer()
    clock.shift(RENEWED_AFTER)
    stored = {row.id for row in await rows.signing_keys()}
    await rows.add_signing_key(module._new_key(), beside=stored)
    await rows.add_signing_key(module._new_key(), beside=stored)
    assert len(await rows.signing_keys()) == 2


async def test_there_is_always_a_key(clock: Clock):
    assert isinstance(await SigningKeys().signer(), RSAKey)
