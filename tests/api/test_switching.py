"""The companies of a person, as a program sees them, and going from one to another."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import update
from sqlmodel import col

from saasbot.domain import accounts, catalogue
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.accounts.open_sessions import end_other_sessions
from saasbot.domain.accounts.switching import ticket_to
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import end_everything_of
from saasbot.infra import session_cookie
from saasbot.infra.crypto import token_hash
from saasbot.infra.db import platform_unit_of_work, run, sql, unit_of_work
from saasbot.models import Membership, Role
from saasbot.models.table import utcnow
from tests.api.conftest import Client, sign_in
from tests.attack.attempts import attempt
from tests.people import give_seat, session_in

V1 = "/api/v1"
ALICE = "alice@sur.example"
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def there(alice: Actor, mallory: Actor) -> Actor:
    """Alice as she is in Mallory's company, which she joined last: an agent. Each company has one product."""
    for owner, title in ((alice, "Zapatillas"), (mallory, "Ganzúas")):
        async with unit_of_work(owner):
            await catalogue.create_product(owner, title=title, price_minor=100)
    return await give_seat(alice, mallory, Role.AGENT)


async def switch(client: Client, company: Actor | str, refresh_token: str) -> httpx2.Response:
    company_id = company if isinstance(company, str) else str(company.company_id)
    return await client.post(f"{V1}/auth/switch", json={"company_id": company_id, "refresh_token": refresh_token})


Ending = Callable[[UUID, UUID, Actor], Coroutine[Any, Any, None]]


async def titles(client: Client) -> list[str]:
    return [product["title"] for product in (await client.get(f"{V1}/products")).json()["data"]]


async def test_the_companies_are_listed_with_the_role_in_each(client: Client, alice: Actor, there: Actor):
    await sign_in(client, ALICE)
    assert (await client.get(f"{V1}/auth/companies")).json() == {
        "data": [
            {"id": str(there.company_id), "name": "Mala Junta", "role": "agent", "current": True},
            {"id": str(alice.company_id), "name": "Zapatería Sur", "role": "owner", "current": False},
        ]
    }


@attempt(228, "tokens", "Tokens of the company that was left are used.")
async def test_new_tokens_are_of_the_other_company_and_those_of_before_are_over(
    client: Client, alice: Actor, there: Actor
):
    old = await sign_in(client, ALICE)
    assert await titles(client) == ["Ganzúas"]
    answer = await switch(client, alice, old["refresh_token"])
    assert answer.status_code == 200, answer.text
    new = answer.json()
    assert (new["company"]["name"], new["user"]["role"]) == ("Zapatería Sur", "owner")
    refused = await client.get(f"{V1}/products")  # with the access token of before, at once
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert (await client.post(f"{V1}/auth/refresh", json={"refresh_token": old["refresh_token"]})).status_code == 401
    assert (await switch(client, alice, old["refresh_token"])).status_code == 401
    client.headers["Authorization"] = f"Bearer {new['access_token']}"
    assert await titles(client) == ["Zapatillas"]
    refreshed = await client.post(f"{V1}/auth/refresh", json={"refresh_token": new["refresh_token"]})
    assert refreshed.json()["company"]["name"] == "Zapatería Sur"


@attempt(229, "tokens", "Who has but an access token makes lasting tokens of it in another company.")
async def test_an_access_token_alone_goes_nowhere(client: Client, alice: Actor, there: Actor):
    other = (await sign_in(client, ALICE))["refresh_token"]
    mine = await sign_in(client, ALICE)
    for token in ("", "made up", other):
        answer = await switch(client, alice, token)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert await titles(client) == ["Ganzúas"], "nothing ended"
    await client.post(f"{V1}/auth/refresh", json={"refresh_token": mine["refresh_token"]})
    assert (await switch(client, alice, mine["refresh_token"])).status_code == 401
    assert (await client.get(f"{V1}/auth/me")).status_code == 401, "it was used twice: one of the two is a thief"
    assert (await client.post(f"{V1}/auth/refresh", json={"refresh_token": other})).status_code == 200


async def test_of_two_at_once_one_goes(client: Client, alice: Actor, there: Actor):
    token = (await sign_in(client, ALICE))["refresh_token"]
    answers = await asyncio.gather(*(switch(client, alice, token) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]


async def signed_out(family: UUID, _user_id: UUID, _alice: Actor) -> None:
    await accounts.end_tokens(family=family)


async def ended_elsewhere(_family: UUID, _user_id: UUID, alice: Actor) -> None:
    await end_other_sessions(alice, current=uuid4())


async def everything_ended(_family: UUID, user_id: UUID, _alice: Actor) -> None:
    async with platform_unit_of_work("a test"):
        await end_everything_of(user_id, utcnow())


@attempt(259, "tokens", "A refresh token is used at the very moment in which its family ends.")
@pytest.mark.parametrize("end", [signed_out, ended_elsewhere, everything_ended])
async def test_a_link_that_is_added_at_the_same_moment_ends_too(client: Client, alice: Actor, end: Ending):
    """Whatever ends the family waits for the refresh that holds the link, and must see the link that it adds."""
    old = await sign_in(client, ALICE)
    async with platform_unit_of_work("a test"):
        held = await sql(
            "UPDATE refresh_token SET used_at = now() WHERE token_hash = :hash RETURNING family, user_id, company_id",
            hash=token_hash(old["refresh_token"]),
        )
        family, user_id, company_id = held.one()
        ending = asyncio.create_task(end(family, user_id, alice), context=Context())
        async with asyncio.timeout(10):
            while not await _somebody_waits():
                await asyncio.sleep(0.01)
        await sql(
            "INSERT INTO refresh_token (id, created_at, company_id, user_id, family, network, user_agent, token_hash, expires_at) "
            "VALUES (gen_random_uuid(), now(), :company, :user, :family, '', '', :hash, now() + interval '1 day')",
            company=company_id,
            user=user_id,
            family=family,
            hash=token_hash("the next link"),
        )
    await ending
    forget_everybody()
    assert (await client.post(f"{V1}/auth/refresh", json={"refresh_token": "the next link"})).status_code == 401
    assert (await client.get(f"{V1}/auth/me")).status_code == 401


async def _somebody_waits() -> bool:
    return (await sql("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one() > 0


@attempt(230, "tokens", "A program asks for tokens of a company that is not its caller's, or no longer.")
async def test_who_has_no_seat_there_is_told_what_is_told_of_nothing(client: Client, alice: Actor, mallory: Actor):
    token = (await sign_in(client, ALICE))["refresh_token"]
    nothing = await switch(client, str(uuid4()), token)
    assert nothing.status_code == 404
    await give_seat(alice, mallory, Role.AGENT)
    mine = (col(Membership.user_id) == alice.user_id, col(Membership.company_id) == mallory.company_id)
    for ending in ("removed_at", "disabled_at"):
        async with platform_unit_of_work("a test"):
            await run(update(Membership).where(*mine).values(removed_at=None, disabled_at=None))
            await run(update(Membership).where(*mine).values(**{ending: utcnow()}))
        answer = await switch(client, mallory, token)
        assert (answer.status_code, answer.text) == (404, nothing.text)
        listed = (await client.get(f"{V1}/auth/companies")).json()["data"]
        assert [found["name"] for found in listed] == ["Zapatería Sur"]
    assert (await client.post(f"{V1}/auth/refresh", json={"refresh_token": token})).status_code == 200, "nothing ended"


async def test_a_role_that_needs_two_step_sign_in_is_said_so(client: Client, alice: Actor, mallory: Actor):
    token = (await sign_in(client, ALICE))["refresh_token"]
    await give_seat(alice, mallory, Role.ADMIN)
    answer = await switch(client, mallory, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "two_step_needed")
    here = await switch(client, alice, token)
    assert (here.status_code, here.json()["code"]) == (409, "already_there")
    assert (await switch(client, "1", token)).status_code == 422


@attempt(231, "browser", "The old cookie is sent to the browser's own routes after a change of company.")
async def test_the_route_changes_the_cookie_and_the_old_one_opens_nothing(client: Client, alice: Actor, there: Actor):
    old = await session_in(alice)
    client.cookies.set(session_cookie.name(), old)
    ticket = await ticket_to(alice, there.company_id, leaves=old)
    foreign = await client.get("/auth/complete", params={"ticket": ticket}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, foreign.headers["location"]) == (303, "/login")
    answer = await client.get("/auth/complete", params={"ticket": ticket}, headers=OUR_PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    new = answer.headers.get_list("set-cookie")[0].partition("=")[2].partition(";")[0]
    session = await accounts.signed_in(new)
    assert session is not None
    assert session.actor.company_id == there.company_id
    client.cookies.clear()
    upload = await client.post(
        "/uploads", headers={"Cookie": f"{session_cookie.name()}={old}"}, files={"file": ("x.jpg", b"x", "image/jpeg")}
    )
    assert (upload.status_code, upload.json()["code"]) == (401, "not_signed_in")
