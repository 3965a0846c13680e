"""`/api/v1/channels/{id}` with its facts, and what became of the number."""

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.infra.db import unit_of_work
from tests.api.conftest import Client
from tests.fixtures.numbers import simulator_channel


async def test_the_history_of_a_number_is_a_list_with_a_cursor(as_alice: Client, alice: Actor) -> None:
    channel = await simulator_channel(alice)
    for use_case in (channels.connect, channels.disconnect, channels.connect):
        async with unit_of_work(alice):
            await use_case(alice, channel.id)
    address = f"/api/v1/channels/{channel.id}/changes"
    first = (await as_alice.get(address, params={"limit": 2})).json()
    rest = (await as_alice.get(address, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    found = [(change["status"], change["reason"]) for change in first["data"] + rest["data"]]
    assert found == [("starting", None), ("closed", "stopped_by_user"), ("starting", None)]
    assert rest["next_cursor"] is None
    assert (await as_alice.get(address, params={"cursor": "nonsense"})).status_code == 422


async def test_one_number_comes_with_its_facts_and_the_list_without(as_alice: Client, alice: Actor) -> None:
    channel = await simulator_channel(alice)
    one = (await as_alice.get(f"/api/v1/channels/{channel.id}")).json()
    facts = one.pop("facts")
    assert (facts["held"], facts["epoch"], facts["queued"], facts["last_message_at"]) == (False, 0, 0, None)
    assert (await as_alice.get("/api/v1/channels")).json()["data"] == [one]


async def test_the_history_of_another_company_looks_like_none(
    as_alice: Client, as_mallory: Client, alice: Actor
) -> None:
    channel = await simulator_channel(alice)
    for path in ("", "/changes"):
        assert (await as_alice.get(f"/api/v1/channels/{channel.id}{path}")).status_code == 200
        assert (await as_mallory.get(f"/api/v1/channels/{channel.id}{path}")).status_code == 404
