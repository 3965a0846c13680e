"""Consent over the API."""

from datetime import datetime

import httpx2
import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.consent.terms_of_use import CURRENT, terms_text
from tests.api.conftest import as_alice, as_mallory, client, make_client, sign_in
from tests.attack.attempts import attempt
from tests.attack.belongings import MARK, Belongings, belongings_of

__all__ = ["as_alice", "as_mallory", "client"]

V1 = "/api/v1"


@pytest.fixture
async def hers(alice: Actor) -> Belongings:
    return await belongings_of(alice)


def consents(things: Belongings) -> str:
    return f"{V1}/conversations/{things.conversation_id}/consents"


async def test_anybody_reads_the_terms_in_either_language(client: httpx2.AsyncClient):
    answer = await client.get(f"{V1}/terms", params={"locale": "en"})
    assert answer.json() == {"version": CURRENT, "current": True, "locale": "en", "text": terms_text("en")}
    spanish = await client.get(f"{V1}/terms", params={"version": CURRENT}, headers={"Accept-Language": "es-AR"})
    assert spanish.json()["text"] == terms_text("es")
    for version in ("2020-01", "../terms_of_use"):
        assert (await client.get(f"{V1}/terms", params={"version": version})).json()["code"] == "not_found"


async def test_consents_are_noted_listed_and_the_same_again_is_one(as_alice: httpx2.AsyncClient, hers: Belongings):
    at = consents(hers)
    (first,) = (await as_alice.get(at)).json()["data"]
    assert (first["granted"], first["text_version"], first["noted_by"]) == (True, 0, "Alice")
    assert (await as_alice.post(at, json={"granted": True})).json() == first
    back = await as_alice.post(at, json={"granted": False})
    assert back.status_code == 200 and (back.json()["source"], back.json()["network"]) == ("api", "127.0.0.1")
    assert back.json()["address"].startswith("phone:") and datetime.fromisoformat(back.json()["created_at"]).tzinfo
    page = (await as_alice.get(at, params={"limit": 1})).json()
    assert page["data"] == [back.json()]
    rest = (await as_alice.get(at, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert rest == {"data": [first], "next_cursor": None}


async def test_the_text_is_the_companys_own(
    as_alice: httpx2.AsyncClient, as_mallory: httpx2.AsyncClient, hers: Belongings
):
    at = f"{V1}/consent-text"
    assert (await as_alice.get(at)).json()["version"] == 0
    written = (await as_alice.put(at, json={"text": f"Ours {MARK}"})).json()
    assert (written["version"], written["text"], written["written_by"]) == (1, f"Ours {MARK}", "Alice")
    assert (await as_alice.put(at, json={"text": f"Ours {MARK}"})).json() == written == (await as_alice.get(at)).json()
    assert (await as_alice.put(at, json={"text": " "})).status_code == 422
    theirs = await as_mallory.get(at)
    assert theirs.json()["version"] == 0 and MARK not in theirs.text


async def test_an_agent_notes_and_does_not_write_the_text(bob: Actor, hers: Belongings):
    async with make_client() as api:
        await sign_in(api, "bob@sur.example")
        assert (await api.post(consents(hers), json={"granted": False})).status_code == 200
        assert (await api.get(f"{V1}/consent-text")).status_code == 200
        assert (await api.put(f"{V1}/consent-text", json={"text": "Mine"})).json()["code"] == "forbidden"


@attempt(232, "privacy", "A program says itself to which version somebody agreed, when and from where.")
async def test_what_the_client_says_of_version_time_and_address_is_not_believed(
    as_alice: httpx2.AsyncClient, hers: Belongings
):
    await as_alice.put(f"{V1}/consent-text", json={"text": "Ours"})
    before = (await as_alice.get(consents(hers))).json()
    old = await as_alice.post(consents(hers), json={"granted": True, "text_version": 0})
    assert (old.status_code, old.json()["code"]) == (409, "consent_text_changed")
    for more in (
        {"text_version": "1"},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"network": "192.0.2.1"},
        {"address": "phone:1"},
        {"noted_by": "Bob"},
        {"version": 1},
    ):
        assert (await as_alice.post(consents(hers), json={"granted": True, **more})).status_code == 422, more
    assert (await as_alice.get(consents(hers))).json() == before
    assert (await as_alice.post(consents(hers), json={"granted": True, "text_version": 1})).json()["text_version"] == 1
