"""`/api/v1/conversations` as its contract says."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.channels.manage import add_channel
from saasbot.domain.inbox.acts import apply_acts
from saasbot.domain.inbox.receive import receive
from saasbot.infra.db import session, unit_of_work
from saasbot.models import ActKind, Channel, MessageType
from tests.api.conftest import Client
from tests.inbox.heard import ANA, BETO, act, message
from tests.inbox.test_groups import GROUP, said

CONVERSATIONS = "/api/v1/conversations"
Hears = Callable[..., Awaitable[None]]


@pytest.fixture
async def hears(alice: Actor) -> Hears:
    """Alice's number hears messages."""
    async with unit_of_work(alice):
        channel_id = (await add_channel(alice, kind="simulator", name="Tienda 1")).id

    async def hear(*messages: Any) -> None:
        system = Actor.system(alice.company_id)
        async with unit_of_work(system):
            await receive(system, await session().get_one(Channel, channel_id), list(messages))

    return hear


@pytest.fixture
async def hears_of(alice: Actor, hears: Hears) -> Hears:
    """Alice's number hears of what was done to messages."""

    async def hear(*done: Any) -> None:
        system = Actor.system(alice.company_id)
        async with unit_of_work(system):
            channel = (await session().exec(select(Channel))).one()
            await apply_acts(system, channel, list(done))

    return hear


async def listed(client: Client, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(CONVERSATIONS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_conversation_has_the_shape_of_the_contract(as_alice: Client, hears: Hears) -> None:
    await hears(message("¿Precio?", wa_id="A", lid="123456789012345"))
    (row,) = await listed(as_alice)
    assert row["contact"] == {
        "id": row["contact"]["id"],
        "name": "Ana Pérez",
        "phone": ANA,
        "lid": "123456789012345",
        "group": None,
    }
    assert (row["status"], row["handler"], row["assignee"], row["unread"]) == ("pending", "bot", None, 1)
    assert row["last_message"]["text"] == "¿Precio?"
    assert row["last_activity_at"] == "2026-03-02T15:00:00Z"
    assert (await as_alice.get(f"{CONVERSATIONS}/{row['id']}")).json() == row


async def test_messages_have_the_shape_of_the_contract_newest_first(as_alice: Client, hears: Hears) -> None:
    await hears(message("uno", wa_id="A"), message("dos", wa_id="B", minute=1))
    (row,) = await listed(as_alice)
    found = (await as_alice.get(f"{CONVERSATIONS}/{row['id']}/messages")).json()
    assert [item["text"] for item in found["data"]] == ["dos", "uno"]
    newest = found["data"][0]
    assert {
        "id",
        "direction",
        "author",
        "type",
        "text",
        "media",
        "status",
        "error",
        "created_at",
        "wa_timestamp",
    } <= set(newest)
    assert (newest["direction"], newest["author"], newest["type"]) == ("inbound", "customer", "text")
    assert newest["wa_timestamp"] == "2026-03-02T15:01:00Z"


async def test_pages_follow_the_cursor(as_alice: Client, hears: Hears) -> None:
    people = [message("Hola", wa_id=f"W{i}", phone=f"54911600000{i:02}", minute=i) for i in range(5)]
    await hears(*people, *(message(f"m{i}", wa_id=f"M{i}", phone=BETO, minute=10 + i) for i in range(5)))
    for path, expected in ((CONVERSATIONS, 6), (f"{CONVERSATIONS}/{(await listed(as_alice))[0]['id']}/messages", 5)):
        seen, cursor = [], None
        while True:
            query: dict[str, Any] = {"limit": 2, **({"cursor": cursor} if cursor else {})}
            page = (await as_alice.get(path, params=query)).json()
            seen += [item["id"] for item in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == expected


async def test_the_filters_and_the_search(as_alice: Client, alice: Actor, hears: Hears) -> None:
    await hears(message("Quiero las rojas", wa_id="A"), message("Buenas", wa_id="B", phone=BETO, name="Beto"))
    by_name = {row["contact"]["name"]: row["id"] for row in await listed(as_alice)}
    await as_alice.post(f"{CONVERSATIONS}/{by_name['Beto']}/take-over")
    for query, names in (
        ({"handler": "human"}, ["Beto"]),
        ({"handler": "bot"}, ["Ana Pérez"]),
        ({"status": "open"}, ["Beto"]),
        ({"assignee": str(alice.user_id)}, ["Beto"]),
        ({"assignee": "me"}, ["Beto"]),
        ({"q": "rojas"}, ["Ana Pérez"]),
        ({"q": BETO}, ["Beto"]),
        ({"q": "rojas", "handler": "human"}, []),
        ({"q": "rojas", "status": "", "handler": "", "assignee": "", "cursor": ""}, ["Ana Pérez"]),
    ):
        assert [row["contact"]["name"] for row in await listed(as_alice, **query)] == names, query


async def test_take_over_and_hand_back(as_alice: Client, hears: Hears) -> None:
    await hears(message("Hola", wa_id="A"))
    (row,) = await listed(as_alice)
    taken = (await as_alice.post(f"{CONVERSATIONS}/{row['id']}/take-over")).json()
    assert (taken["handler"], taken["status"], taken["assignee"]["name"]) == ("human", "open", "Alice")
    back = (await as_alice.post(f"{CONVERSATIONS}/{row['id']}/hand-back")).json()
    assert (back["handler"], back["status"], back["assignee"]) == ("bot", "pending", None)


async def test_a_message_that_is_sent_takes_over_and_is_queued(as_alice: Client, hears: Hears) -> None:
    await hears(message("Hola", wa_id="A"))
    (row,) = await listed(as_alice)
    answer = await as_alice.post(f"{CONVERSATIONS}/{row['id']}/messages", json={"text": "Hola, soy Alice"})
    assert answer.status_code == 202
    sent = answer.json()
    assert (sent["status"], sent["author"], sent["author_name"], sent["direction"]) == (
        "queued",
        "agent",
        "Alice",
        "outbound",
    )
    assert (await listed(as_alice))[0]["handler"] == "human"


async def test_the_same_idempotency_key_sends_once(as_alice: Client, hears: Hears) -> None:
    await hears(message("Hola", wa_id="A"))
    (row,) = await listed(as_alice)
    where = f"{CONVERSATIONS}/{row['id']}/messages"
    answers = [await as_alice.post(where, json={"text": "Hola"}, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    found = (await as_alice.get(where)).json()["data"]
    assert [item["text"] for item in found if item["author"] == "agent"] == ["Hola"]


async def test_reading_clears_the_counter(as_alice: Client, hears: Hears) -> None:
    await hears(message("Hola", wa_id="A"))
    (row,) = await listed(as_alice)
    assert (await as_alice.post(f"{CONVERSATIONS}/{row['id']}/read")).json()["unread"] == 0


@pytest.mark.parametrize("text", ["", "   ", "x" * 4097])
async def test_a_message_must_have_a_text_that_whatsapp_takes(as_alice: Client, hears: Hears, text: str) -> None:
    await hears(message("Hola", wa_id="A"))
    (row,) = await listed(as_alice)
    answer = await as_alice.post(f"{CONVERSATIONS}/{row['id']}/messages", json={"text": text})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_a_file_that_does_not_exist_is_not_sent(as_alice: Client, hears: Hears) -> None:
    await hears(message("Hola", wa_id="A"))
    (row,) = await listed(as_alice)
    answer = await as_alice.post(f"{CONVERSATIONS}/{row['id']}/messages", json={"media_id": str(uuid4())})
    assert answer.status_code == 422


async def test_a_conversation_of_another_company_does_not_exist(
    as_alice: Client, as_mallory: Client, hears: Hears
) -> None:
    await hears(message("Hola", wa_id="A"))
    where = f"{CONVERSATIONS}/{(await listed(as_alice))[0]['id']}"
    missing = f"{CONVERSATIONS}/{UUID(int=0)}"
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"text": "x"}),
        ("POST", "/take-over", None),
        ("POST", "/hand-back", None),
        ("POST", "/read", None),
    ):
        foreign = await as_mallory.request(method, where + path, json=body)
        nothing = await as_mallory.request(method, missing + path, json=body)
        assert foreign.status_code == nothing.status_code == 404
        assert foreign.json()["code"] == nothing.json()["code"] == "not_found"
    assert await listed(as_mallory) == []
    assert (await listed(as_alice))[0]["handler"] == "bot"


async def test_without_a_token_nothing_is_told(client: Client) -> None:
    assert (await client.get(CONVERSATIONS)).status_code == 401


@pytest.mark.parametrize("cursor", ["x", "W10", "WyIyMDI2LTAzLTAyIiwgInkiXQ"])
async def test_a_made_up_cursor_is_refused(as_alice: Client, cursor: str) -> None:
    assert (await as_alice.get(CONVERSATIONS, params={"cursor": cursor})).status_code == 422


async def test_what_was_done_to_messages_is_told_with_them(as_alice: Client, hears: Hears, hears_of: Hears) -> None:
    await hears(
        message("¿41?", wa_id="A"),
        message("mi clave", wa_id="B", minute=1),
        message(wa_id="C", type=MessageType.ACTIVITY, payload={"kind": "missed_call", "video": False}, minute=2),
    )
    await hears_of(
        act(ActKind.EDIT, "A", "¿42?", minute=3),
        act(ActKind.REACTION, "A", "👍", minute=3),
        act(ActKind.REVOKE, "B", minute=4),
    )
    (row,) = await listed(as_alice)
    assert (row["last_message"]["type"], row["last_message"]["text"]) == ("activity", "📞")
    call, gone, edited = (await as_alice.get(f"{CONVERSATIONS}/{row['id']}/messages")).json()["data"]
    assert (call["type"], call["payload"]) == ("activity", {"kind": "missed_call", "video": False})
    assert (gone["text"], gone["earlier_text"], gone["revoked_at"]) == ("", "mi clave", "2026-03-02T15:04:00Z")
    assert (edited["text"], edited["earlier_text"], edited["edited_at"]) == ("¿42?", "¿41?", "2026-03-02T15:03:00Z")
    assert edited["reactions"] == [{"author": "customer", "emoji": "👍", "by": None}]
    assert (call["reactions"], edited["revoked_at"]) == ([], None)


async def test_a_joining_is_undone_once_by_its_line(as_alice: Client, hears: Hears) -> None:
    lid = "123456789012345"
    await hears(message("por LID", wa_id="L", phone=None, lid=lid))
    await hears(message("por teléfono", wa_id="P", name=""))
    old = (await listed(as_alice))[0]["id"]
    await hears(message("con los dos", wa_id="B", lid=lid, minute=1))
    (joined,) = await listed(as_alice)
    messages = (await as_alice.get(f"{CONVERSATIONS}/{old}/messages")).json()["data"]
    merge = next(m["payload"]["merge"] for m in messages if m["payload"].get("kind") == "joined")
    assert (await as_alice.get(f"{CONVERSATIONS}/{old}")).json()["id"] == joined["id"]
    for _ in range(2):
        answer = await as_alice.post(f"/api/v1/merges/{merge}/undo")
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["conversations"]) == 2
    assert {row["id"] for row in await listed(as_alice)} >= {joined["id"]}
    assert len(await listed(as_alice)) == 2


async def test_a_joining_that_is_not_there_is_not_found(as_alice: Client) -> None:
    answer = await as_alice.post(f"/api/v1/merges/{uuid4()}/undo")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_group_says_which_it_is_and_who_wrote(as_alice: Client, hears: Hears) -> None:
    await hears(said("Hola a todos", wa_id="A", name="Ana"), said("¡Hola!", wa_id="B", by=BETO, name="", minute=1))
    (row,) = await listed(as_alice)
    assert (row["contact"]["group"], row["contact"]["phone"], row["handler"], row["bot_enabled"]) == (
        GROUP,
        None,
        "human",
        False,
    )
    assert (row["last_message"]["author_name"], row["last_message"]["text"]) == (f"+{BETO}", "¡Hola!")
    messages = (await as_alice.get(f"{CONVERSATIONS}/{row['id']}/messages")).json()["data"]
    assert [message["author_name"] for message in messages] == [f"+{BETO}", "Ana"]
    refused = await as_alice.post(f"{CONVERSATIONS}/{row['id']}/hand-back")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_bot_in_groups")
    taken = await as_alice.post(f"{CONVERSATIONS}/{row['id']}/take-over")
    assert (taken.status_code, taken.json()["assignee"]) == (200, None)
