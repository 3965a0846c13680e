"""The second step and the sessions of a person, as a program sees them."""

from uuid import uuid4

from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra import totp
from saasbot.infra.db import platform_unit_of_work, sql
from saasbot.models import Role
from saasbot.models.table import utcnow
from tests.accounts.test_sessions import session_of
from tests.api.conftest import Client, make_client, sign_in
from tests.people import PASSWORD, fresh_code, give_second_factor, make_colleague

V1 = "/api/v1/auth"
ALICE = {"email": "alice@sur.example", "password": PASSWORD}


async def give_alice_an_app() -> list[str]:
    found = await find_account(ALICE["email"])
    assert found is not None
    return await give_second_factor(found[0])


async def test_the_password_of_an_enrolled_account_opens_nothing(client: Client, alice: Actor):
    codes = await give_alice_an_app()
    answer = await client.post(f"{V1}/login", json=ALICE)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (403, "two_step_required")
    assert "token" not in answer.text
    assert problem["expires_at"].endswith("Z")

    wrong = await client.post(f"{V1}/two-step", json={"attempt": problem["attempt"], "code": "000000"})
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["tries_left"]) == (401, "wrong_code", 4)
    mailed = await client.post(f"{V1}/two-step/mail", json={"attempt": problem["attempt"]})
    assert mailed.status_code == 202
    soon = await client.post(f"{V1}/two-step/mail", json={"attempt": problem["attempt"]})
    assert (soon.status_code, soon.json()["code"]) == (429, "mail_code_too_soon")
    assert int(soon.headers["retry-after"]) <= 60

    step = {"attempt": problem["attempt"], "code": await fresh_code(alice.user_id)}
    done = await client.post(f"{V1}/two-step", json=step)
    assert done.status_code == 200, done.text
    assert done.json()["recovery_codes"] == []
    bearer = {"Authorization": f"Bearer {done.json()['access_token']}"}
    assert (await client.get(f"{V1}/me", headers=bearer)).json()["user"]["email"] == ALICE["email"]
    again = await client.post(f"{V1}/two-step", json=step)
    assert (again.status_code, again.json()["code"]) == (401, "invalid_attempt")

    attempt = (await client.post(f"{V1}/login", json=ALICE)).json()["attempt"]
    assert (await client.post(f"{V1}/two-step", json={"attempt": attempt, "code": codes[0]})).status_code == 200


async def test_an_administrator_makes_a_second_factor_first(client: Client, alice: Actor):
    await make_colleague(alice, "Dora", Role.AGENT, email="dora@sur.example")
    async with platform_unit_of_work("a test"):
        await sql("UPDATE membership SET role = 'admin' WHERE role = 'agent'")
    answer = await client.post(f"{V1}/login", json={"email": "dora@sur.example", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "two_step_enrolment_required")
    attempt = answer.json()["attempt"]
    no_mail = await client.post(f"{V1}/two-step/mail", json={"attempt": attempt})
    assert (no_mail.status_code, no_mail.json()["code"]) == (409, "mail_code_unavailable")
    begun = (await client.post(f"{V1}/two-step/enrolment", json={"attempt": attempt})).json()
    assert begun["secret"] in begun["otpauth_uri"]
    assert begun["png_data_uri"].startswith("data:image/png;base64,")
    code = totp.code_at(begun["secret"], int(utcnow().timestamp()) // 30)
    done = await client.post(f"{V1}/two-step", json={"attempt": attempt, "code": code})
    assert (done.status_code, len(done.json()["recovery_codes"]), done.json()["user"]["role"]) == (200, 10, "admin")


async def test_a_person_turns_it_on_renews_the_codes_and_turns_it_off(as_alice: Client, alice: Actor):
    stands = (await as_alice.get(f"{V1}/two-step")).json()
    assert stands == {"on": False, "mandatory": False, "since": None, "recovery_codes_left": 0}
    wrong = await as_alice.post(f"{V1}/two-step/app", json={"password": "not the password"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "password")
    begun = (await as_alice.post(f"{V1}/two-step/app", json={"password": PASSWORD})).json()
    assert begun["secret"] in begun["otpauth_uri"]
    assert begun["png_data_uri"].startswith("data:image/png;base64,")
    no_code = await as_alice.post(f"{V1}/two-step/app/confirm", json={"code": "000000"})
    assert (no_code.status_code, no_code.json()["errors"][0]["field"]) == (422, "code")
    on = await as_alice.post(f"{V1}/two-step/app/confirm", json={"code": code_of(begun)})
    assert (on.status_code, len(on.json()["recovery_codes"])) == (200, 10)
    stands = (await as_alice.get(f"{V1}/two-step")).json()
    assert (stands["on"], stands["recovery_codes_left"], stands["since"][-1]) == (True, 10, "Z")
    again = await as_alice.post(f"{V1}/two-step/app", json={"password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (409, "two_step_is_on")

    first, second, *_ = on.json()["recovery_codes"]
    guess = await as_alice.post(f"{V1}/two-step/recovery-codes", json={"password": PASSWORD, "code": "000000"})
    assert (guess.status_code, guess.json()["errors"][0]["field"]) == (422, "code")
    renewed = await as_alice.post(f"{V1}/two-step/recovery-codes", json={"password": PASSWORD, "code": first})
    assert (renewed.status_code, len(renewed.json()["recovery_codes"])) == (200, 10)
    old = await as_alice.post(f"{V1}/two-step/off", json={"password": PASSWORD, "code": second})
    assert old.status_code == 422
    code = renewed.json()["recovery_codes"][0]
    assert (await as_alice.post(f"{V1}/two-step/off", json={"password": PASSWORD, "code": code})).status_code == 204
    off = await as_alice.post(f"{V1}/two-step/off", json={"password": PASSWORD, "code": code})
    assert (off.status_code, off.json()["code"]) == (409, "two_step_is_off")
    actions = [
        line["action"] for line in (await as_alice.get("/api/v1/audit", params={"kind": "session"})).json()["data"]
    ]
    assert actions[:3] == ["session.two_step_off", "session.codes_renewed", "session.two_step_on"]


async def test_who_must_have_it_replaces_the_app_and_cannot_turn_it_off(client: Client, charlie: Actor):
    other = await session_of("charlie@sur.example")
    await sign_in(client, "charlie@sur.example")
    proof = {"password": PASSWORD, "code": await fresh_code(charlie.user_id)}
    off = await client.post(f"{V1}/two-step/off", json=proof)
    assert (off.status_code, off.json()["code"]) == (403, "two_step_mandatory")
    begun = await client.post(f"{V1}/two-step/app/replacement", json=proof)
    assert begun.status_code == 200, begun.text
    done = await client.post(f"{V1}/two-step/app/confirm", json={"code": code_of(begun.json())})
    assert (done.status_code, len(done.json()["recovery_codes"])) == (200, 10)
    assert (await client.get(f"{V1}/me")).status_code == 200, "the sign-in that did it goes on"
    assert await accounts.signed_in(other) is None
    step = (await client.post(f"{V1}/login", json={"email": "charlie@sur.example", "password": PASSWORD})).json()
    answer = await client.post(
        f"{V1}/two-step", json={"attempt": step["attempt"], "code": done.json()["recovery_codes"][0]}
    )
    assert answer.status_code == 200


def code_of(begun: dict[str, str]) -> str:
    return totp.code_at(begun["secret"], int(utcnow().timestamp()) // 30)


async def test_a_person_sees_where_they_are_signed_in_and_ends_it(as_alice: Client, alice: Actor, as_mallory: Client):
    await session_of(ALICE["email"])
    async with make_client() as other:
        await sign_in(other, ALICE["email"])
        sessions = (await as_alice.get(f"{V1}/sessions")).json()["data"]
        assert [session["current"] for session in sessions] == [True, False, False]
        assert sorted(session["kind"] for session in sessions) == ["api", "api", "browser"]
        assert {session["network"] for session in sessions if session["kind"] == "api"} == {"127.0.0.1"}
        theirs = (await other.get(f"{V1}/sessions")).json()["data"][0]
        assert (await as_mallory.delete(f"{V1}/sessions/{theirs['id']}")).status_code == 404
        assert (await other.get(f"{V1}/me")).status_code == 200
        assert (await as_alice.delete(f"{V1}/sessions/{theirs['id']}")).status_code == 204
        assert (await other.get(f"{V1}/me")).status_code == 401
    assert (await as_alice.delete(f"{V1}/sessions/{uuid4()}")).status_code == 404
    assert (await as_alice.delete(f"{V1}/sessions")).json() == {"ended": 1}
    assert [session["current"] for session in (await as_alice.get(f"{V1}/sessions")).json()["data"]] == [True]
