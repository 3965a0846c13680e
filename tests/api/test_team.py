"""`/api/v1/team`, `/invitations` and the confirmation of an email, as a program sees them."""

import re
from datetime import timedelta

import pytest

from saasbot.api.paging import next_cursor
from saasbot.domain.accounts.confirming import mail_confirmation
from saasbot.domain.accounts.invitations import mail_invitation
from saasbot.domain.accounts.limits import Limit
from saasbot.domain.actor import Actor
from saasbot.infra import mail
from saasbot.models.table import new_id, utcnow
from tests.accounts.test_resets import NEW, own_mail_folder
from tests.api.conftest import Client, make_client, sign_in
from tests.api.test_auth import NEWCOMER
from tests.people import PASSWORD

__all__ = ["own_mail_folder"]

TEAM, INVITATIONS = "/api/v1/team", "/api/v1/invitations"


def token_in_mail() -> str:
    found = re.search(r"token=([\w-]{43})\n", mail.stored_mails()[0].text)
    assert found
    return found[1]


async def test_members_are_listed_changed_and_removed(as_alice: Client, bob: Actor, charlie: Actor):
    first = (await as_alice.get(TEAM, params={"limit": 2})).json()
    rest = (await as_alice.get(TEAM, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [member["name"] for member in first["data"] + rest["data"]] == ["Alice", "Bob", "Charlie"]
    assert rest["next_cursor"] is None
    me, his = first["data"]
    assert his | {"id": "", "joined_at": ""} == {
        "id": "",
        "user_id": str(bob.user_id),
        "name": "Bob",
        "email": "bob@sur.example",
        "email_confirmed": True,
        "role": "agent",
        "disabled": False,
        "joined_at": "",
    }
    at = f"{TEAM}/{his['id']}"
    changed = await as_alice.patch(at, json={"role": "admin", "disabled": True})
    assert (changed.status_code, changed.json()["role"], changed.json()["disabled"]) == (200, "admin", True)
    assert (await as_alice.patch(at, json={"disabled": False})).json() == changed.json() | {"disabled": False}
    assert (await as_alice.get(at)).json()["role"] == "admin"
    assert (await as_alice.delete(at)).status_code == 204
    assert (await as_alice.get(at)).status_code == 404
    last = await as_alice.delete(f"{TEAM}/{me['id']}")
    assert (last.status_code, last.json()["code"]) == (409, "last_owner")


async def test_a_token_of_who_is_disabled_opens_nothing(client: Client, as_alice: Client, bob: Actor):
    async with make_client() as as_bob:
        tokens = await sign_in(as_bob, "bob@sur.example")
        assert (await as_bob.get(TEAM)).json()["code"] == "forbidden"
        his = (await as_alice.get(TEAM)).json()["data"][1]["id"]
        await as_alice.patch(f"{TEAM}/{his}", json={"disabled": True})
        refreshed = await as_bob.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        again = await as_bob.post("/api/v1/auth/login", json={"email": "bob@sur.example", "password": PASSWORD})
        assert (refreshed.json()["code"], again.json()["code"]) == ("invalid_token", "invalid_credentials")


async def test_an_admin_is_refused_above_their_rank(alice: Actor, charlie: Actor):
    async with make_client() as as_charlie:
        await sign_in(as_charlie, "charlie@sur.example")
        for member in (await as_charlie.get(TEAM)).json()["data"]:
            for answer in (
                await as_charlie.patch(f"{TEAM}/{member['id']}", json={"role": "agent"}),
                await as_charlie.delete(f"{TEAM}/{member['id']}"),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        refused = await as_charlie.post(INVITATIONS, json={"email": "x@sur.example", "role": "owner"})
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "body", [{"role": "king"}, {"disabled": "yes"}, {"company_id": str(new_id())}, {"role": None, "x": 1}]
)
async def test_what_does_not_fit_is_refused(as_alice: Client, bob: Actor, body: dict):
    his = (await as_alice.get(TEAM)).json()["data"][1]["id"]
    assert (await as_alice.patch(f"{TEAM}/{his}", json=body)).status_code == 422
    for cursor in ("x", next_cursor("a", "b"), next_cursor(utcnow())):
        assert (await as_alice.get(TEAM, params={"cursor": cursor})).status_code == 422
        assert (await as_alice.get(INVITATIONS, params={"cursor": cursor})).status_code == 422


async def test_from_the_invitation_to_the_new_colleagues_first_request(as_alice: Client, alice: Actor):
    made = await as_alice.post(INVITATIONS, json={"email": "dana@sur.example", "role": "agent"})
    assert made.status_code == 201, made.text
    other = await as_alice.post(INVITATIONS, json={"email": "eva@sur.example"})
    assert other.json()["role"] == "agent"
    await as_alice.delete(f"{INVITATIONS}/{other.json()['id']}")
    assert (await as_alice.get(INVITATIONS)).json() == {"data": [made.json()], "next_cursor": None}
    await mail_invitation(alice.company_id, made.json()["id"])
    body = {"token": token_in_mail(), "name": "Dana", "password": NEW, "accept_terms": True}
    async with make_client() as as_dana:
        accepted = await as_dana.post(f"{INVITATIONS}/accept", json=body)
        assert accepted.status_code == 201, accepted.text
        assert accepted.json()["company"]["name"] == "Zapatería Sur"
        assert (await as_dana.post(f"{INVITATIONS}/accept", json=body)).json()["code"] == "invalid_invitation"
        await sign_in(as_dana, "dana@sur.example", NEW)
        me = (await as_dana.get("/api/v1/auth/me")).json()
    assert (me["user"]["role"], me["email_confirmed"]) == ("agent", True)
    assert (await as_alice.get(INVITATIONS)).json()["data"] == []


async def test_a_confirmed_account_accepts_with_its_own_token(as_alice: Client, as_mallory: Client, alice: Actor):
    made = await as_alice.post(INVITATIONS, json={"email": "mallory@junta.example"})
    await mail_invitation(alice.company_id, made.json()["id"])
    body = {"token": token_in_mail()}
    async with make_client() as nobody:
        refused = await nobody.post(f"{INVITATIONS}/accept", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_first")
    accepted = await as_mallory.post(f"{INVITATIONS}/accept", json=body)
    assert accepted.json()["user"]["role"] == "agent"
    assert (await sign_in(as_mallory, "mallory@junta.example"))["company"]["name"] == "Zapatería Sur"  # type: ignore[index]


async def test_an_email_is_confirmed_and_only_then_invitations_go_out(client: Client):
    tokens = (await client.post("/api/v1/auth/register", json=NEWCOMER)).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert not (await client.get("/api/v1/auth/me")).json()["email_confirmed"]
    refused = await client.post(INVITATIONS, json={"email": "dana@norte.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "email_unconfirmed")
    assert (await client.post("/api/v1/channels", json={"kind": "simulator", "name": "One"})).status_code == 201
    assert (await client.post("/api/v1/auth/send-confirmation")).status_code == 202

    await mail_confirmation(tokens["user"]["id"])
    body = {"token": token_in_mail()}
    async with make_client() as nobody:
        asked = await nobody.post("/api/v1/auth/confirm-email", json=body)
        assert (asked.status_code, asked.json()["code"]) == (401, "password_required")
    assert (await client.post("/api/v1/auth/confirm-email", json=body)).status_code == 202
    again = await client.post("/api/v1/auth/confirm-email", json=body)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_confirmation_token")
    assert (await client.get("/api/v1/auth/me")).json()["email_confirmed"]
    assert (await client.post(INVITATIONS, json={"email": "dana@norte.example"})).status_code == 201


async def test_invitations_of_a_network_are_counted(as_alice: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.invitations.OWN_INVITATIONS", Limit("x", 1, timedelta(hours=1)))
    answers = [await as_alice.post(INVITATIONS, json={"email": f"x{n}@sur.example"}) for n in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429]
    assert "retry-after" in answers[1].headers
