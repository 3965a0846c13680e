"""`/api/v1/auth/*` as a program sees it."""

import base64

import pytest

from saasbot.domain.actor import Actor
from tests.api.conftest import Client, sign_in
from tests.attack.attempts import attempt
from tests.people import PASSWORD

NEWCOMER = {
    "company_name": "Café Norte",
    "name": "Nora",
    "email": "nora@norte.example",
    "password": PASSWORD,
    "accept_terms": True,
}


async def test_registering_answers_with_tokens_that_work(client: Client):
    answer = await client.post("/api/v1/auth/register", json=NEWCOMER)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["company"]["name"] == "Café Norte"
    assert body["user"] | {"id": ""} == {
        "id": "",
        "email": "nora@norte.example",
        "name": "Nora",
        "locale": "es",
        "role": "owner",
    }
    me = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert me.json()["user"] == body["user"]


async def test_a_taken_email_is_a_conflict(client: Client):
    await client.post("/api/v1/auth/register", json=NEWCOMER)
    again = await client.post("/api/v1/auth/register", json=NEWCOMER | {"email": "NORA@norte.example"})
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")


async def test_a_refresh_token_works_once_and_twice_ends_everything(client: Client, alice: Actor):
    first = await sign_in(client, "alice@sur.example")
    second = await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    bearer = {"Authorization": f"Bearer {second.json()['access_token']}"}
    assert (await client.get("/api/v1/auth/me", headers=bearer)).status_code == 200

    again = await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "invalid_token")
    assert (await client.get("/api/v1/auth/me", headers=bearer)).status_code == 401
    last = await client.post("/api/v1/auth/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert last.status_code == 401


async def test_signing_out_ends_the_access_token_too(as_alice: Client):
    assert (await as_alice.get("/api/v1/auth/me")).status_code == 200
    assert (await as_alice.post("/api/v1/auth/logout")).status_code == 204
    assert (await as_alice.get("/api/v1/auth/me")).status_code == 401


async def test_problems_have_one_shape(client: Client):
    answer = await client.get("/api/v1/auth/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() | {"detail": ""} == {
        "type": "urn:saasbot:problem:invalid_token",
        "title": "Unauthorized",
        "status": 401,
        "code": "invalid_token",
        "detail": "",
    }


async def test_unknown_members_and_guessed_types_are_refused(client: Client):
    extra = await client.post("/api/v1/auth/register", json=NEWCOMER | {"role": "owner"})
    guessed = await client.post("/api/v1/auth/register", json=NEWCOMER | {"accept_terms": "yes"})
    assert (extra.status_code, guessed.status_code) == (422, 422)
    assert extra.json()["errors"][0]["field"] == "role"
    assert PASSWORD not in extra.text + guessed.text


async def test_paths_and_methods_that_do_not_exist_are_problems(client: Client):
    missing, wrong = await client.get("/api/v1/nothing"), await client.delete("/api/v1/auth/login")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"], wrong.headers["allow"]) == (405, "method_not_allowed", "POST")


async def test_passwords_of_every_kind_are_judged_alike(client: Client, alice: Actor):
    """73 bytes, another alphabet, a megabyte: wrong is wrong, and what is too large is said so."""
    long, other = "x1!" + "long words " * 6 + "abcd", "正しい馬と電池とホッチキス"
    for n, password in enumerate((long, other)):
        newcomer = NEWCOMER | {"email": f"nora{n}@norte.example", "password": password}
        assert (await client.post("/api/v1/auth/register", json=newcomer)).status_code == 201
        for typed, status in ((password, 200), (password[:-1], 401), (password + "x", 401)):
            login = {"email": newcomer["email"], "password": typed}
            assert (await client.post("/api/v1/auth/login", json=login)).status_code == status, typed
    for email in ("alice@sur.example", "nobody@sur.example"):
        huge = await client.post("/api/v1/auth/login", json={"email": email, "password": "x" * 1024 * 1024})
        assert (huge.status_code, huge.json()["code"]) == (422, "invalid_input")
        assert "xxxx" not in huge.text


@attempt(248, "tokens", "A bearer token is a head of brackets without end.")
@pytest.mark.parametrize("rest", ["", ".e30.x", ".."])
async def test_a_token_of_nested_brackets_is_an_invalid_one(client: Client, rest: str):
    token = base64.urlsafe_b64encode(b"[" * 3_000).rstrip(b"=").decode() + rest
    answer = await client.get("/api/v1/company", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
