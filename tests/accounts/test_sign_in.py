"""Signing in: who gets in, who does not, and that nobody learns why."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
import time_machine
from passlib.context import CryptContext
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col

from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidCredentials, Locked, passwords
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import BLOCK, Person, find_account
from saasbot.infra import db
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.models import Membership, Role, UserAccount
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt
from tests.people import PASSWORD, make_colleague

Outage = Callable[[int], Awaitable[None]]
HOME, CAFE = "198.51.100.7", "203.0.113.9"
WRONG = "not the password at all"


async def sign_in(email: str = "alice@sur.example", password: str = PASSWORD, network: str = HOME):
    return await accounts.sign_in(email=email, password=password, network=network)


async def fail(times: int, *, email: str = "alice@sur.example", network: str = HOME) -> None:
    for _ in range(times):
        with pytest.raises(InvalidCredentials):
            await sign_in(email, WRONG, network)


async def disable(actor: Actor) -> None:
    async with platform_unit_of_work("a test looks"):
        await run(update(UserAccount).where(col(UserAccount.id) == actor.user_id).values(disabled_at=utcnow()))


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    """Attempts that are counted, and cut short before their password is looked at."""

    async def cut_short(times: int) -> None:
        with monkeypatch.context() as patch:
            gone = OperationalError("", {}, Exception())
            patch.setattr("saasbot.domain.accounts.signing_in.verify_password", AsyncMock(side_effect=gone))
            for _ in range(times):
                with pytest.raises(OperationalError):
                    await sign_in()

    return cut_short


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were verified against."""
    hashes: list[str] = []
    real = passwords.verify_password

    async def spy(password: str, password_hash: str) -> Any:
        hashes.append(password_hash)
        return await real(password, password_hash)

    monkeypatch.setattr("saasbot.domain.accounts.signing_in.verify_password", spy)
    return hashes


@pytest.fixture
def statements(engines: None) -> Iterator[list[str]]:
    """What the database was asked by the platform role, without the values."""
    asked: list[str] = []
    engine = db._engines["platform"].sync_engine

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    yield asked
    event.remove(engine, "before_cursor_execute", listen)


async def test_the_right_password_opens_the_account_and_its_case_does_not_matter(alice: Actor):
    person = await sign_in("  Alice@SUR.example ")
    assert isinstance(person, Person)
    assert (person.user_id, person.company_id) == (alice.user_id, alice.company_id)
    assert person.actor() == alice


@pytest.mark.parametrize("password", ["", WRONG, PASSWORD + "x", PASSWORD.upper(), "x" * 100_000, "a\x00b", "\ud800"])
async def test_another_password_does_not(alice: Actor, password: str):
    with pytest.raises(InvalidCredentials):
        await sign_in(password=password)


@attempt(29, "accounts", "Addresses are sorted into known and unknown by the answer or its time.")
@pytest.mark.parametrize("email", ["", "nobody@sur.example", "' OR 1=1 --", "a\x00@b.example", "\ud800", "x" * 10_000])
async def test_an_unknown_or_broken_address_is_the_same_answer_for_the_same_work(
    alice: Actor, verified: list[str], email: str
):
    with pytest.raises(InvalidCredentials):
        await sign_in(email)
    assert verified == [passwords.NOBODY]


@attempt(30, "accounts", "A disabled account is told from an unknown one by the work it costs.")
async def test_unknown_wrong_and_disabled_cost_one_verification_each(alice: Actor, bob: Actor, verified: list[str]):
    await disable(bob)
    errors = []
    for email, password in [
        ("nobody@sur.example", PASSWORD),
        ("alice@sur.example", WRONG),
        ("bob@sur.example", PASSWORD),
    ]:
        with pytest.raises(InvalidCredentials) as error:
            await sign_in(email, password)
        errors.append((error.value.code, error.value.status, error.value.sentence, error.value.details))
    assert errors == errors[:1] * 3
    assert len(verified) == 3
    assert {hash.split("$")[3] for hash in verified} == {passwords.NOBODY.split("$")[3]}, (
        "other parameters, other times"
    )


async def test_whatever_an_account_is_the_answer_and_the_work_are_the_same(
    alice: Actor, bob: Actor, charlie: Actor, verified: list[str], statements: list[str]
):
    """Known, unknown, disabled in the company or everywhere, removed, unconfirmed: one verification and the same statements each."""
    await disable(bob)
    async with platform_unit_of_work("a test"):
        await run(update(Membership).where(col(Membership.user_id) == charlie.user_id).values(disabled_at=utcnow()))
    for email, change in (("removed", {"removed_at": utcnow()}), ("unconfirmed", {})):
        other = await make_colleague(alice, email.title(), Role.AGENT, email=f"{email}@sur.example")
        async with platform_unit_of_work("a test"):
            await run(update(Membership).where(col(Membership.user_id) == other.user_id).values(**change, role="agent"))
            unconfirmed = update(UserAccount).where(col(UserAccount.id) == other.user_id)
            await run(unconfirmed.values(email_confirmed_at=None))
    seen = []
    for name in ("alice", "nobody", "bob", "charlie", "removed", "unconfirmed"):
        statements.clear()
        with pytest.raises(InvalidCredentials) as error:
            await sign_in(f"{name}@sur.example", WRONG)
        seen.append((error.value.code, error.value.sentence, error.value.details, tuple(statements)))
    assert seen == seen[:1] * 6
    assert len(seen[0][3]) > 4
    assert len(verified) == 6


@attempt(31, "accounts", "Somebody who was removed from the company signs in again.")
async def test_who_was_removed_from_the_company_does_not_get_in(alice: Actor, bob: Actor):
    async with platform_unit_of_work("a test looks"):
        await run(update(Membership).where(col(Membership.user_id) == bob.user_id).values(removed_at=utcnow()))
    with pytest.raises(InvalidCredentials):
        await sign_in("bob@sur.example")


@attempt(32, "accounts", "A password is guessed again and again.")
async def test_five_failures_block_for_fifteen_minutes(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        await fail(5)
        with pytest.raises(Locked) as locked:
            await sign_in()
        assert locked.value.status == 429
        assert locked.value.details == {"retry_after": 900, "minutes": 15}
        clock.shift(BLOCK - timedelta(seconds=1))
        with pytest.raises(Locked) as locked:
            await sign_in()
        assert locked.value.details["retry_after"] == 1
        clock.shift(timedelta(seconds=2))
        await sign_in()


@attempt(34, "accounts", "A stranger fails on purpose to lock the owner out.")
async def test_the_owner_gets_in_from_another_network_meanwhile(alice: Actor):
    await fail(5)
    with pytest.raises(Locked):
        await sign_in()
    await sign_in(network=CAFE)


async def test_an_attempt_that_an_outage_cut_short_is_soon_forgotten(alice: Actor, outage: Outage):
    with time_machine.travel(utcnow(), tick=False) as clock:
        await outage(5)
        with pytest.raises(Locked) as locked:
            await sign_in()
        assert locked.value.details["retry_after"] == 60
        clock.shift(timedelta(seconds=61))
        await sign_in()


async def test_a_wrong_password_makes_no_failure_of_an_attempt_that_was_cut_short(alice: Actor, outage: Outage):
    with time_machine.travel(utcnow(), tick=False) as clock:
        await outage(4)
        await fail(1)
        clock.shift(timedelta(seconds=61))
        await fail(3)
        await sign_in()


async def test_other_accounts_of_the_network_are_not_blocked(alice: Actor, bob: Actor):
    await fail(5)
    await sign_in("bob@sur.example")


@attempt(35, "accounts", "The lock is used to learn which accounts exist.")
async def test_an_unknown_account_is_blocked_alike(app_db: object):
    await fail(5, email="nobody@sur.example")
    with pytest.raises(Locked):
        await sign_in("nobody@sur.example")


async def test_a_success_forgets_the_failures(alice: Actor):
    await fail(4)
    await sign_in()
    await fail(4)
    await sign_in()


async def test_failures_long_apart_do_not_block(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        for _ in range(8):
            await fail(1)
            clock.shift(timedelta(minutes=4))
        await sign_in()


@attempt(33, "accounts", "Many guesses are sent at the same instant, to be judged before they are counted.")
async def test_parallel_guesses_cannot_outrun_the_count(alice: Actor):
    outcomes = await asyncio.gather(*(sign_in(password=f"guess number {n}") for n in range(12)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidCredentials"] * 5 + ["Locked"] * 7


async def test_an_old_hash_is_replaced_by_one_with_todays_parameters(alice: Actor):
    weak = "$argon2id$v=19$m=1024,t=1,p=1$"

    old = CryptContext(
        schemes=["argon2"], argon2__type="ID", argon2__memory_cost=1024, argon2__time_cost=1, argon2__parallelism=1
    ).hash(PASSWORD)
    assert old.startswith(weak)
    async with platform_unit_of_work("a test looks"):
        await run(update(UserAccount).where(col(UserAccount.id) == alice.user_id).values(password_hash=old))
    await sign_in()
    found = await find_account("alice@sur.example")
    assert found is not None
    assert "m=19456,t=2,p=1" in found[1]
    await sign_in()


def test_the_hash_of_nobody_has_todays_parameters():
    assert not passwords._context.needs_update(passwords.NOBODY)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_a_network_is_an_ipv4_address_or_the_64_of_an_ipv6_one(address: str, network: str):
    assert accounts.network_of(address) == network
