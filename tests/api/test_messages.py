"""`/api/v1/conversations/{id}/messages`: every kind that is sent, and what is done to messages."""

from typing import Any

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.incoming import IncomingMedia
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import MessageType
from tests.api.conftest import Client
from tests.api.test_conversations import CONVERSATIONS, Hears, hears, listed
from tests.inbox.heard import message

__all__ = ["hears"]
POLL = {"question": "¿Talle?", "options": ["41", "42"], "several": True}


async def chat(client: Client, hears: Hears) -> str:
    """The address of the messages of a chat with one message, `A`."""
    await hears(message("Hola", wa_id="A"))
    (conversation,) = await listed(client)
    return f"{CONVERSATIONS}/{conversation['id']}/messages"


async def newest(client: Client, address: str) -> dict[str, Any]:
    return (await client.get(address)).json()["data"][0]


@pytest.mark.parametrize(
    ("body", "kind", "payload"),
    [
        ({"location": {"latitude": -34.6, "longitude": -58.4, "name": "Tienda"}}, "location", {"name": "Tienda"}),
        ({"contact": {"name": "Beto", "phone": "+54 9 11 5000 0009"}}, "contact", {"name": "Beto"}),
        ({"poll": POLL}, "text", {"kind": "poll", **POLL}),
    ],
)
async def test_kinds_that_are_neither_text_nor_file(
    as_alice: Client, hears: Hears, body: dict[str, Any], kind: str, payload: dict[str, Any]
) -> None:
    address = await chat(as_alice, hears)
    answer = await as_alice.post(address, json=body)
    assert answer.status_code == 202, answer.text
    queued = answer.json()
    assert (queued["type"], queued["status"]) == (kind, "queued")
    assert payload.items() <= queued["payload"].items()
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {"poll": POLL, "text": "Hola"},
        {"poll": POLL, "contact": {"name": "Beto", "phone": "+5491150000009"}},
        {"poll": {"question": "¿Talle?", "options": ["41"]}},
        {"location": {"latitude": 91, "longitude": 0}},
        {"text": "Hola", "quoted_id": "00000000-0000-7000-8000-000000000000"},
    ],
)
async def test_what_makes_no_message_is_refused(as_alice: Client, hears: Hears, body: dict[str, Any]) -> None:
    address = await chat(as_alice, hears)
    answer = await as_alice.post(address, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"]


async def test_an_answer_shows_what_it_answers(as_alice: Client, hears: Hears) -> None:
    address = await chat(as_alice, hears)
    asked = await newest(as_alice, address)
    await as_alice.post(address, json={"text": "Buenas", "quoted_id": asked["id"]})
    assert (await newest(as_alice, address))["quoted"] == {
        "author": "customer",
        "author_name": "",
        "type": "text",
        "text": "Hola",
        "is_status": False,
    }


async def test_acts_are_told_until_whatsapp_has_them(as_alice: Client, hears: Hears, alice: Actor) -> None:
    address = await chat(as_alice, hears)
    asked = await newest(as_alice, address)
    answer = await as_alice.put(f"{address}/{asked['id']}/reaction", json={"emoji": "👍"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["acts"] == [{"kind": "reaction", "text": "👍", "status": "queued", "error": None}]
    assert answer.json()["reactions"] == []

    ours = (await as_alice.post(address, json={"text": "Cuesta 100"})).json()["id"]
    refused = await as_alice.put(f"{address}/{ours}/text", json={"text": "Cuesta 120"})
    assert (refused.status_code, refused.json()["code"]) == (409, "message_not_on_whatsapp")
    async with unit_of_work(alice):
        await sql(
            "UPDATE message SET status = 'sent', wa_id = 'OURS', wa_timestamp = now() - interval '16 minutes' WHERE id = :id",
            id=ours,
        )
    late = await as_alice.put(f"{address}/{ours}/text", json={"text": "Cuesta 120"})
    assert (late.status_code, late.json()["code"]) == (409, "edit_too_late")
    deleted = await as_alice.delete(f"{address}/{ours}")
    assert [act["kind"] for act in deleted.json()["acts"]] == ["revoke"]
    nothing = await as_alice.post(f"{address}/{ours}/fetch-media")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_fetch")


async def test_a_message_that_waits_is_taken_back(as_alice: Client, hears: Hears, alice: Actor) -> None:
    address = await chat(as_alice, hears)
    ours = (await as_alice.post(address, json={"text": "Cuesta 100"})).json()["id"]
    answer = await as_alice.delete(f"{address}/{ours}")
    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (202, "failed", "cancelled")
    (conversation,) = await listed(as_alice)
    assert conversation["last_message"]["status"] == "failed"
    async with unit_of_work(alice):
        await sql("UPDATE message SET status = 'sending', error = NULL WHERE id = :id", id=ours)
    late = await as_alice.delete(f"{address}/{ours}")
    assert (late.status_code, late.json()["code"]) == (409, "message_not_on_whatsapp")


async def test_a_voice_note_is_told_from_a_file_of_sound(as_alice: Client, hears: Hears) -> None:
    address = await chat(as_alice, hears)
    for voice in (True, False):
        sound = IncomingMedia(mime="audio/ogg", size=10, seconds=5, voice=voice)
        await hears(message(wa_id=f"S{voice}", type=MessageType.AUDIO, media=sound, minute=2 - voice))
        assert (await newest(as_alice, address))["media"]["voice"] is voice
