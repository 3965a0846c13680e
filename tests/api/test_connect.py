"""`POST /channels/{id}/connect`: whose phone may link the number. And its code, for who links it by typing."""

from datetime import timedelta

import pytest

from saasbot.api import channels as channel_routes
from saasbot.domain.actor import Actor
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.pairing import begin_pairing, current_pairing, request_qr, show_code
from saasbot.infra.db import unit_of_work
from saasbot.models import Channel
from saasbot.models.table import utcnow
from tests.api.conftest import Client
from tests.fixtures.numbers import simulator_channel


@pytest.mark.parametrize(
    ("body", "expected"), [(None, "5491144440000"), ({}, "5491144440000"), ({"any_phone": True}, None)]
)
async def test_only_the_phone_it_had_links_a_number_unless_another_is_asked_for(
    as_alice: Client, alice: Actor, body: dict | None, expected: str | None
):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        (await access_channel(alice, channel.id)).phone = "5491144440000"
    answer = await as_alice.post(f"/api/v1/channels/{channel.id}/connect", json=body)
    assert (answer.status_code, answer.json()["status"]) == (200, "starting")
    async with unit_of_work(alice):
        pairing = await current_pairing(alice, channel.id) or await begin_pairing(alice, channel.id)
    assert pairing.expected_phone == expected


async def test_how_much_of_the_past_comes_along_is_said_with_it(as_alice: Client, alice: Actor):
    channel = await simulator_channel(alice)
    path = f"/api/v1/channels/{channel.id}"
    wrong = await as_alice.post(f"{path}/connect", json={"history_days": 14})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")
    assert (await as_alice.get(path)).json()["status"] == "closed"
    answer = await as_alice.post(f"{path}/connect", json={"history_days": 30})
    nothing = {"percent": None, "messages": 0, "chats": 0, "running": False, "finished_at": None}
    assert answer.json()["history"] == {"days": 30, **nothing}
    assert (await as_alice.post(f"{path}/connect")).json()["history"]["days"] == 30


async def test_a_code_that_comes_late_is_still_to_be_had(
    as_alice: Client, alice: Actor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(channel_routes, "_CODE_POLLS", 0)
    channel = await simulator_channel(alice)
    path = f"/api/v1/channels/{channel.id}/pair-code"
    asked = await as_alice.post(path, json={"phone": "5491144440000"})
    assert (asked.status_code, asked.json()["code"]) == (202, None)
    early = await as_alice.get(path)
    assert (early.status_code, early.json()["code"]) == (409, "no_pair_code")
    await _shown(alice, channel, "ABCD1234")
    assert (await as_alice.get(path)).json()["code"] == "ABCD1234"


async def test_a_qr_is_no_code_to_type(as_alice: Client, alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await request_qr(alice, channel.id)
    await _shown(alice, channel, "https://wa.me/settings/linked_devices#1")
    assert (await as_alice.get(f"/api/v1/channels/{channel.id}/pair-code")).json()["code"] == "no_pair_code"


async def _shown(actor: Actor, channel: Channel, code: str) -> None:
    """As the process that runs the attempt does."""
    async with unit_of_work(actor):
        pairing = await begin_pairing(actor, channel.id)
        soon = utcnow() + timedelta(seconds=160)
        await show_code(actor, channel.id, attempt=pairing.attempt, code=code, number=1, expires_at=soon)
