"""`/api/v1/bots` and `/api/v1/agent` as a program sees them."""

import pytest

from saasbot.models.table import new_id
from tests.api.conftest import Client


async def test_the_first_bot_is_there_and_others_are_made_and_changed(as_alice: Client) -> None:
    [first] = (await as_alice.get("/api/v1/bots")).json()["data"]
    assert first["published_version"] == 1
    made = await as_alice.post("/api/v1/bots", json={"name": "Ventas", "triggers": ["precio"], "model": "m"})
    assert made.status_code == 201, made.text
    bot = made.json()
    assert (bot["personality"], bot["triggers"], bot["enabled"], bot["published_version"]) == (
        "",
        ["precio"],
        True,
        None,
    )
    changed = await as_alice.put(f"/api/v1/bots/{bot['id']}", json={"enabled": False, "name": None})
    assert {**bot, "enabled": False} == changed.json()
    changed = await as_alice.put(f"/api/v1/bots/{bot['id']}", json={"model": None, "triggers": []})
    assert {**bot, "enabled": False, "model": None, "triggers": []} == changed.json()
    assert (await as_alice.get(f"/api/v1/bots/{bot['id']}")).json() == changed.json()


async def test_a_list_is_read_page_by_page(as_alice: Client) -> None:
    for number in range(4):
        await as_alice.post("/api/v1/bots", json={"name": f"Bot {number}"})
    names, cursor = [], ""
    while cursor is not None:
        page = (
            await as_alice.get("/api/v1/bots", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        ).json()
        names += [bot["name"] for bot in page["data"]]
        cursor = page["next_cursor"]
    assert names[1:] == ["Bot 0", "Bot 1", "Bot 2", "Bot 3"] and len(names) == 5


async def test_versions_are_saved_published_and_rolled_back(as_alice: Client) -> None:
    bot = (await as_alice.post("/api/v1/bots", json={"name": "Ventas"})).json()
    address = f"/api/v1/bots/{bot['id']}/prompts"
    for number, text in enumerate(("Uno", "Dos", "Tres"), start=1):
        saved = await as_alice.post(address, json={"text": text, "note": f"nota {number}"})
        assert saved.status_code == 201, saved.text
        assert (saved.json()["version"], saved.json()["published"], saved.json()["author"]) == (number, False, "Alice")
    for version in (3, 1):
        assert (await as_alice.post(f"{address}/{version}/publish")).json()["published"] is True
        listed = (await as_alice.get(address)).json()["data"]
        assert [(v["version"], v["published"]) for v in listed] == [(n, n == version) for n in (3, 2, 1)]
    page = (await as_alice.get(address, params={"limit": 2})).json()
    rest = (await as_alice.get(address, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [v["text"] for v in page["data"] + rest["data"]] == ["Tres", "Dos", "Uno"] and rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/bots/{id}", None),
        ("PUT", "/bots/{id}", {"name": "x"}),
        ("GET", "/bots/{id}/prompts", None),
        ("POST", "/bots/{id}/prompts", {"text": "x"}),
        ("POST", "/bots/{id}/prompts/1/publish", None),
        ("POST", "/agent/think", {"phone": "5491100000001", "user_message": "hola", "bot_id": "{id}"}),
    ],
)
async def test_anothers_bot_is_not_found(
    as_alice: Client, as_mallory: Client, method: str, path: str, body: dict | None
) -> None:
    [bot] = (await as_alice.get("/api/v1/bots")).json()["data"]
    for bot_id in (bot["id"], str(new_id())):
        sent = {k: v.replace("{id}", bot_id) for k, v in body.items()} if body else None
        answer = await as_mallory.request(method, f"/api/v1{path.replace('{id}', bot_id)}", json=sent)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/bots", {}),
        ("/bots", {"name": ""}),
        ("/bots", {"name": "x", "company_id": "y"}),
        ("/bots", {"name": "x", "triggers": "precio"}),
        ("/bots", {"name": "x", "enabled": "yes"}),
        ("/bots", {"name": "x\x00"}),
        ("/agent/think", {"phone": "1"}),
        ("/agent/think", {"phone": "1", "user_message": ""}),
        ("/agent/think", {"phone": "1", "user_message": "hola", "bot_id": "1"}),
    ],
)
async def test_a_wrong_body_is_422(as_alice: Client, path: str, body: dict) -> None:
    assert (await as_alice.post(f"/api/v1{path}", json=body)).status_code == 422


@pytest.mark.parametrize("version", ["0", "-1", "x", "2147483648", "99"])
async def test_a_version_that_is_not_there_cannot_be_published(as_alice: Client, version: str) -> None:
    [bot] = (await as_alice.get("/api/v1/bots")).json()["data"]
    answer = await as_alice.post(f"/api/v1/bots/{bot['id']}/prompts/{version}/publish")
    assert answer.status_code in (404, 422)


async def test_without_a_token_nothing_is_told(client: Client) -> None:
    for method, path in (("GET", "/bots"), ("POST", "/bots"), ("POST", "/agent/think")):
        assert (await client.request(method, f"/api/v1{path}", json={})).status_code == 401


async def test_think_gives_the_decision(as_alice: Client, demo_model: None) -> None:
    answer = await as_alice.post(
        "/api/v1/agent/think", json={"phone": "+5491100000001", "user_message": "Hello, are you open?"}
    )
    assert answer.status_code == 200, answer.text
    decision = answer.json()
    assert decision["reply"] == "I do not have that information. Shall I pass you to a person?"
    assert (decision["action"], decision["intent"], decision["sentiment"]) == ("reply", "hours", "neutral")
    assert decision["tools_used"] == ["read_policies"] and decision["sources"] == []
    assert decision["usage"]["model"] == "demo-model" and decision["usage"]["input_tokens"] > 0
    assert decision["prompt_version"] == 1


async def test_think_says_when_no_model_can_answer(as_alice: Client, configure) -> None:
    configure(demo=0)
    answer = await as_alice.post("/api/v1/agent/think", json={"phone": "1", "user_message": "hola"})
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (409, "ai_paused", "key_missing")


async def test_a_hand_off_shows_what_the_customer_would_read(as_alice: Client, demo_model: None) -> None:
    answer = await as_alice.post("/api/v1/agent/think", json={"phone": "1", "user_message": "I want a human"})
    decision = answer.json()
    assert (decision["action"], decision["reason"]) == ("hand_off", "customer_asked")
    assert decision["reply"] == "A person from our team will continue this chat and answer you here."
