"""`/api/v1/channels/{id}/settings`."""

from datetime import UTC, datetime

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels.new_chats import pause_new_chats
from saasbot.infra.db import unit_of_work
from tests.api.conftest import Client
from tests.fixtures.numbers import simulator_channel


async def test_what_is_left_out_stays_and_null_takes_away(as_alice: Client, alice: Actor) -> None:
    channel = await simulator_channel(alice)
    address = f"/api/v1/channels/{channel.id}/settings"
    first = await as_alice.patch(
        address,
        json={
            "hourly_limit": 20,
            "quiet_from": "22:00",
            "quiet_until": "08:00",
            "proxy": "http://ana:secret@proxy.example:3128",
        },
    )
    assert first.status_code == 200
    assert first.json() == {
        "proxy": "http://•••@proxy.example:3128",
        "history_days": 0,
        "groups_enabled": False,
        "reject_calls": False,
        "call_message": "",
        "hourly_limit": 20,
        "daily_limit": None,
        "quiet_from": "22:00",
        "quiet_until": "08:00",
        "timezone": first.json()["timezone"],
        "new_chats_paused_until": None,
        "new_chats_paused_reason": None,
    }
    await as_alice.patch(address, json={"hourly_limit": None, "reject_calls": True})
    second = (await as_alice.get(address)).json()
    assert second == first.json() | {"hourly_limit": None, "reject_calls": True}


@pytest.mark.parametrize(
    "body",
    [
        {"history_days": 8},
        {"history_days": "7"},
        {"reject_calls": None},
        {"reject_calls": 1},
        {"hourly_limit": 1.5},
        {"quiet_from": "22:00"},
        {"proxy": "nonsense"},
        {"new_chats_paused_until": None},
    ],
)
async def test_what_does_not_fit_is_a_problem(as_alice: Client, alice: Actor, body: dict[str, object]) -> None:
    channel = await simulator_channel(alice)
    answer = await as_alice.patch(f"/api/v1/channels/{channel.id}/settings", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_input"


async def test_whoever_writes_first_in_a_pause_is_told_until_when(as_alice: Client, alice: Actor) -> None:
    channel = await simulator_channel(alice)
    until = datetime(2126, 11, 25, 15, 0, tzinfo=UTC)
    async with unit_of_work(alice):
        await pause_new_chats(alice, channel.id, until=until, reason="reachout_timelocked")
    answer = await as_alice.post(
        f"/api/v1/channels/{channel.id}/messages", json={"to": "+5491155550001", "text": "Hola"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "new_chats_paused")
    assert answer.json()["until"] == "2126-11-25T15:00:00Z"
    found = (await as_alice.get(f"/api/v1/channels/{channel.id}/settings")).json()
    assert (found["new_chats_paused_until"], found["new_chats_paused_reason"]) == (
        "2126-11-25T15:00:00Z",
        "reachout_timelocked",
    )
