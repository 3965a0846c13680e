"""What GET shows may be sent back with one member changed."""

from typing import Any

import pytest

from tests.api.conftest import Client

SHOE = {"title": "Zapatillas rojas", "description": "", "price": 4599000, "currency": "ARS", "active": True}


async def address(client: Client, what: str) -> str:
    if what == "products":
        return f"/api/v1/products/{(await client.post('/api/v1/products', json=SHOE)).json()['id']}"
    if what == "bots":
        return f"/api/v1/bots/{(await client.get('/api/v1/bots')).json()['data'][0]['id']}"
    return "/api/v1/company"


@pytest.mark.parametrize(
    ("what", "change"), [("company", {"industry": "Zapatos"}), ("products", {"price": 1}), ("bots", {"name": "Lola"})]
)
async def test_what_is_shown_may_be_sent_back(as_alice: Client, what: str, change: dict[str, Any]):
    at = await address(as_alice, what)
    before = (await as_alice.get(at)).json()
    answer = await as_alice.put(at, json=before | change)
    assert answer.status_code == 200, answer.text
    after = (await as_alice.get(at)).json()
    moved = {"updated_at", "image_url", "thumbnail_url", "logo_url"}
    assert {name: after[name] for name in after.keys() - moved} == {
        name: value for name, value in (before | change).items() if name not in moved
    }


async def test_what_is_only_shown_is_not_changed(as_alice: Client):
    answer = await as_alice.put("/api/v1/company", json={"bot_enabled": False, "id": "0", "name": "Sur"})
    assert (answer.json()["bot_enabled"], answer.json()["name"]) == (True, "Sur")


@pytest.mark.parametrize("what", ["company", "products", "bots"])
async def test_what_is_not_even_shown_is_refused(as_alice: Client, what: str):
    answer = await as_alice.put(await address(as_alice, what), json={"colour": "red"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
