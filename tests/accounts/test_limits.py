"""How often anybody may try, by network and by account, whichever door they come by."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import time_machine

from saasbot.api.app import api
from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidCredentials, InvalidReset, Locked, TooOften, limits
from saasbot.domain.accounts.limits import FAILED_SIGN_INS, GUESSES, NEAR_GUESSES, Limit
from saasbot.domain.actor import Actor
from saasbot.infra import mail
from saasbot.infra.db import platform_unit_of_work, sql
from saasbot.infra.settings import settings
from saasbot.models.table import utcnow
from saasbot.state.auth import AuthState
from tests.accounts.test_resets import NEW, link_token, own_mail_folder, waiting_jobs
from tests.accounts.test_sign_in import CAFE, HOME, WRONG, fail, sign_in
from tests.attack.attempts import attempt
from tests.gate.tab import Tab
from tests.people import PASSWORD, signed_in_person

__all__ = ["own_mail_folder"]

THREE = Limit("three", 3, timedelta(hours=1))
NEWCOMER = {"company_name": "Café Norte", "name": "Nora", "password": PASSWORD, "accept_terms": True}


async def spend(times: int, limit: Limit = THREE, whose: str = HOME) -> None:
    for _ in range(times):
        await limits.spend(limit, whose)


async def test_a_network_may_so_often_and_again_when_the_time_is_over(app_db: object):
    with time_machine.travel(utcnow(), tick=False) as clock:
        await spend(3)
        clock.shift(timedelta(minutes=50))
        with pytest.raises(TooOften) as refused:
            await spend(1)
        assert refused.value.status == 429
        assert refused.value.details == {"retry_after": 600, "minutes": 10}
        await spend(3, whose=CAFE)
        await spend(3, replace(THREE, kind="another"))
        clock.shift(timedelta(minutes=10))
        await spend(3)


async def test_what_was_right_does_not_count(app_db: object):
    for _ in range(5):
        await spend(1)
        await limits.give_back(THREE, HOME)
    await spend(3)
    with pytest.raises(TooOften):
        await spend(1)


async def test_many_at_once_cannot_outrun_the_count(app_db: object):
    outcomes = await asyncio.gather(*(limits.spend(THREE, HOME) for _ in range(10)), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 3


@pytest.mark.parametrize(("here", "most"), [("127.0.0.1", 60), ("::1", 60), (HOME, 3), ("", 3)])
async def test_this_machine_may_more_outside_production_only(
    app_db: object, monkeypatch: pytest.MonkeyPatch, here: str, most: int
):
    network = accounts.network_of(here)
    await spend(most, whose=network)
    with pytest.raises(TooOften):
        await spend(1, whose=network)
    monkeypatch.setattr(type(settings()), "is_production", True)
    await limits.forget(network, THREE)
    await spend(3, whose=network)
    with pytest.raises(TooOften):
        await spend(1, whose=network)


async def test_the_table_tells_no_networks_and_no_addresses(alice: Actor):
    await fail(1)
    async with platform_unit_of_work("a test"):
        stored = repr((await sql("SELECT * FROM attempt_count")).all())
    assert "guess" in stored
    assert HOME not in stored
    assert "alice" not in stored


@attempt(150, "limits", "One password is tried on many accounts.")
async def test_one_password_on_many_accounts_blocks_their_network(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.FAILED_SIGN_INS", replace(FAILED_SIGN_INS, most=6))
    for number in range(6):
        await fail(1, email=f"nobody{number}@sur.example")
    with pytest.raises(TooOften):
        await sign_in()
    await sign_in(network=CAFE)


async def test_right_passwords_of_a_network_do_not_block_it(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.FAILED_SIGN_INS", replace(FAILED_SIGN_INS, most=2))
    for _ in range(4):
        await sign_in()
    await fail(1)
    await sign_in()


async def test_who_is_blocked_for_an_account_does_not_use_up_the_network(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.FAILED_SIGN_INS", replace(FAILED_SIGN_INS, most=6))
    await fail(5)
    for _ in range(4):
        with pytest.raises(Locked):
            await sign_in()
    await sign_in("alice@sur.example", network=CAFE)
    with pytest.raises(InvalidCredentials):
        await sign_in("nobody@sur.example", WRONG)


@attempt(151, "limits", "Many networks guess at one account.")
async def test_many_networks_that_try_one_account_share_a_slow_clock(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.GUESSES", replace(GUESSES, most=3))
    with time_machine.travel(utcnow(), tick=False) as clock:
        for number in range(4):  # the fourth is the first of the slow clock
            await fail(1, network=f"198.51.100.{number}")
        with pytest.raises(TooOften) as refused:
            await sign_in(network=CAFE)
        assert refused.value.details["retry_after"] == 30
        await sign_in_of_unknown_is_slow_too(clock)
        clock.shift(timedelta(seconds=30))
        await sign_in(network=CAFE)


async def sign_in_of_unknown_is_slow_too(clock: Any) -> None:
    for number in range(4):
        await fail(1, email="nobody@sur.example", network=f"198.51.100.{number}")
    with pytest.raises(TooOften):
        await sign_in("nobody@sur.example", network=CAFE)


async def slowed_down(monkeypatch: pytest.MonkeyPatch, email: str = "alice@sur.example") -> None:
    """Strangers from many networks keep the account's slow clock full."""
    monkeypatch.setattr("saasbot.domain.accounts.throttle.GUESSES", replace(GUESSES, most=1))
    for number in range(2):
        await fail(1, email=email, network=f"192.0.2.{number}")


@attempt(260, "limits", "Strangers guess on to keep an owner's program from signing in, by its wrong tries as well.")
async def test_a_try_that_the_slow_clock_refuses_does_not_count(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    await slowed_down(monkeypatch)
    for _ in range(7):
        with pytest.raises(TooOften):
            await sign_in(network=CAFE)


@attempt(261, "limits", "Strangers guess on to keep an owner out from where they always sign in.")
@pytest.mark.parametrize("via", ["browser", "program"])
async def test_strangers_do_not_slow_down_a_network_where_the_account_signed_in_before(
    alice: Actor, bob: Actor, monkeypatch: pytest.MonkeyPatch, via: str
):
    person = await signed_in_person("alice@sur.example", PASSWORD, network="192.0.2.99")
    if via == "browser":
        await accounts.start_session(await accounts.issue_ticket(person), network=HOME, user_agent="")
    else:
        await accounts.issue_tokens(person, network=HOME)
    for email in ("alice@sur.example", "bob@sur.example"):
        await slowed_down(monkeypatch, email)
    for _ in range(3):
        await sign_in(network=HOME)
    for email, network in (("alice@sur.example", CAFE), ("bob@sur.example", HOME)):
        with pytest.raises(TooOften):
            await sign_in(email, network=network)


@attempt(262, "limits", "Guesses come from a network where the account signs in.")
async def test_guesses_from_such_networks_are_bounded_too(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.NEAR_GUESSES", replace(NEAR_GUESSES, most=3))
    person = await signed_in_person("alice@sur.example", PASSWORD, network="192.0.2.99")
    for network in (HOME, CAFE):
        await accounts.issue_tokens(person, network=network)
    await slowed_down(monkeypatch)
    for network, times in ((HOME, 2), (CAFE, 1)):
        await fail(times, network=network)
    for network in (HOME, CAFE):
        with pytest.raises(TooOften):
            await sign_in(network=network)


@pytest.mark.parametrize("email", ["nobody@sur.example", "a\x00@b.example", "\ud800"])
async def test_what_nobody_has_is_slowed_down_alike(app_db: object, monkeypatch: pytest.MonkeyPatch, email: str):
    await slowed_down(monkeypatch, email)
    for network in (HOME, "unknown"):
        with pytest.raises(TooOften):
            await sign_in(email, network=network)


async def test_a_reset_lifts_every_block(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.GUESSES", replace(GUESSES, most=5))
    await fail(5)
    await fail(1, network=CAFE)
    for network, refusal in ((HOME, Locked), (CAFE, TooOften)):
        with pytest.raises(refusal):
            await sign_in(network=network)
    await accounts.reset_password(token=await link_token(), password=NEW, network=CAFE)
    await sign_in(password=NEW, network=HOME)
    await sign_in(password=NEW, network=CAFE)


async def test_an_account_gets_five_reset_mails_an_hour_and_nobody_is_told(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        for _ in range(7):
            await accounts.mail_reset("alice@sur.example")
            clock.shift(timedelta(seconds=61))
        assert len(mail.stored_mails()) == 5
        await accounts.request_reset("alice@sur.example", network=HOME)
        clock.shift(timedelta(hours=1))
        await accounts.mail_reset("alice@sur.example")
        assert len(mail.stored_mails()) == 6


async def test_a_mail_that_could_not_be_sent_is_not_one_of_the_five(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    async def broken(**_: str) -> None:
        raise OSError("no server")

    with monkeypatch.context() as patch:
        patch.setattr(mail, "send", broken)
        for _ in range(6):
            with pytest.raises(OSError, match="no server"):
                await accounts.mail_reset("alice@sur.example")
    await link_token()


async def test_guessed_links_are_counted(app_db: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.resets.LINKS", THREE)
    for _ in range(3):
        with pytest.raises(InvalidReset):
            await accounts.reset_password(token="x" * 43, password=NEW, network=HOME)
    with pytest.raises(TooOften):
        await accounts.reset_password(token="x" * 43, password=NEW, network=HOME)


@attempt(152, "limits", "Endless companies are registered.")
async def test_too_many_sign_ups_cost_no_password_hash(app_db: object, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.registering.SIGN_UPS", THREE)
    await spend(3)

    async def never(_password: str) -> str:
        raise AssertionError

    monkeypatch.setattr("saasbot.domain.accounts.registering.hash_password", never)
    with pytest.raises(TooOften):
        await accounts.register(**NEWCOMER, email="nora@norte.example", network=HOME)


LIMITED = {
    "register": ("registering.SIGN_UPS", NEWCOMER | {"email": "nora@norte.example"}),
    "sign_in": ("throttle.FAILED_SIGN_INS", {"email": "alice@sur.example", "password": PASSWORD}),
    "forgot_password": ("resets.RESETS", {"email": "alice@sur.example"}),
    "reset_password": ("resets.LINKS", {"password": NEW}),
}
"""What is asked before sign-in: the limit that it spends from, and the form."""


@attempt(153, "limits", "The limits of the API are gone around through the pages.")
@pytest.mark.parametrize("what", LIMITED)
async def test_both_doors_count_by_the_network_of_their_connection(
    alice: Actor, monkeypatch: pytest.MonkeyPatch, what: str
):
    where, form = LIMITED[what]
    monkeypatch.setattr(f"saasbot.domain.accounts.{where}", THREE)
    await spend(3, whose=CAFE)

    path = {"sign_in": "login"}.get(what, what.replace("_", "-"))
    body = form | ({"token": "x" * 43} if what == "reset_password" else {})
    transport = httpx2.ASGITransport(api, client=(CAFE, 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:
        answer = await client.post(f"/api/v1/auth/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["retry-after"]) > 3000

    tab = Tab()
    tab._data = {**tab._data, "ip": CAFE}
    tab.root.router_data = tab.root._update_router_vars(tab._data, dict(tab.root.router_data))
    state = await tab.state(AuthState)
    async for _ in getattr(AuthState, what).fn(state, form):
        pass
    assert "Too many attempts." in state.failure
    assert not any(name.endswith("reset") for name, _ in await waiting_jobs())
