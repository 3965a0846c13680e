"""A browser that an account has signed in on is known again: what strangers do does not lock its owner out."""

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from saasbot.domain import accounts
from saasbot.domain.accounts import Locked, known_devices
from saasbot.domain.accounts.known_devices import device_of, remember
from saasbot.domain.accounts.limits import FAILED_SIGN_INS, GUESSES
from saasbot.domain.actor import Actor
from saasbot.infra import device_cookie
from saasbot.models.table import utcnow
from tests.accounts.test_sign_in import HOME, WRONG, fail
from tests.api.conftest import Client, client
from tests.attack.attempts import attempt
from tests.people import PASSWORD, signed_in_person

__all__ = ["client"]

ALICE = "alice@sur.example"


async def sign_in(device: str, password: str = PASSWORD, network: str = HOME):
    return await accounts.sign_in(email=ALICE, password=password, network=network, device=device)


def test_a_device_is_known_to_those_who_signed_in_on_it_only():
    cookie = remember(remember("", ALICE), "bob@sur.example")
    hers, his = device_of(cookie, ALICE), device_of(cookie, "bob@sur.example")
    assert hers
    assert his
    assert hers != his
    assert device_of(cookie, "mallory@junta.example") == ""
    assert device_of(remember("", ALICE), ALICE) != hers


def test_signing_in_again_keeps_the_devices_id():
    cookie = remember("", ALICE)
    assert device_of(remember(cookie, ALICE), ALICE) == device_of(cookie, ALICE)


def test_a_device_knows_the_last_five():
    cookie = ""
    for number in range(7):
        cookie = remember(cookie, f"person{number}@sur.example")
    known = [bool(device_of(cookie, f"person{number}@sur.example")) for number in range(7)]
    assert known == [False, False, True, True, True, True, True]
    assert len(cookie) < 300


def test_a_device_is_forgotten_after_a_year_without_sign_in():
    with time_machine.travel(utcnow(), tick=False) as clock:
        cookie = remember("", ALICE)
        clock.shift(timedelta(days=known_devices.KNOWN_DAYS))
        assert device_of(cookie, ALICE)
        assert device_of(remember(cookie, ALICE), ALICE)
        clock.shift(timedelta(days=1))
        assert device_of(cookie, ALICE) == ""


@pytest.mark.parametrize(
    "forge",
    [
        lambda day, id, hash: "",
        lambda day, id, hash: f"{int(day) + 1}.{id}.{hash}",
        lambda day, id, hash: f"{day}.other.{hash}",
        lambda day, id, hash: f"{day}.{id}.",
        lambda day, id, hash: f"{day}.{id}.{hash[:-1]}",
        lambda day, id, hash: f"{day}..{hash}",
        lambda day, id, hash: f"x.{id}.{hash}",
        lambda day, id, hash: f"²{day}.{id}.{hash}",
        lambda day, id, hash: "~" * 600,
        lambda day, id, hash: "9" * 10_000,
        lambda day, id, hash: "\ud800",
    ],
)
def test_what_we_did_not_write_is_no_device(forge):
    assert device_of(forge(*remember("", ALICE).split(".")), ALICE) == ""


@attempt(149, "limits", "Strangers fail on purpose to lock the owner out.")
async def test_strangers_of_the_same_network_do_not_lock_the_owner_out(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.FAILED_SIGN_INS", replace(FAILED_SIGN_INS, most=5))
    monkeypatch.setattr("saasbot.domain.accounts.throttle.GUESSES", replace(GUESSES, most=5))
    await fail(5)
    for device in ("", remember("", "bob@sur.example")):
        with pytest.raises((Locked, accounts.TooOften)):
            await sign_in(device)
    await sign_in(remember("", ALICE))


async def test_a_known_device_has_five_tries_of_its_own(alice: Actor):
    device = remember("", ALICE)
    for number in range(5):
        with pytest.raises(accounts.InvalidCredentials):
            await sign_in(device, WRONG, network=f"198.51.100.{number}")
    with pytest.raises(Locked):
        await sign_in(device)
    await sign_in("")
    await sign_in(remember("", ALICE))


async def test_only_a_finished_sign_in_makes_a_device_known(client: Client, alice: Actor):
    own_page = {"sec-fetch-site": "same-origin"}
    refused = await client.get("/auth/complete?ticket=nonsense", headers=own_page)
    assert "set-cookie" not in refused.headers
    person = await signed_in_person(ALICE, PASSWORD, network=HOME)
    answer = await client.get(f"/auth/complete?ticket={await accounts.issue_ticket(person)}", headers=own_page)
    cookies = answer.headers.get_list("set-cookie")
    [made] = [cookie for cookie in cookies if cookie.startswith(f"{device_cookie.name()}=")]
    assert "; HttpOnly; SameSite=Lax" in made
    assert "Max-Age=31536000" in made
    assert device_of(device_cookie.value_in(made.split("; ")[0]), ALICE)
