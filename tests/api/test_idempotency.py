"""The same key and body is done once and answered alike; the same key with something else is a conflict."""

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from saasbot.domain import catalogue, idempotency
from saasbot.domain.accounts import InvalidToken
from saasbot.domain.accounts.limits import TooOften
from saasbot.domain.actor import Actor
from saasbot.domain.idempotency import KEPT
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import AppError
from saasbot.infra.process_identity import this_process
from saasbot.models.table import utcnow
from tests.api.conftest import Client, make_client, sign_in
from tests.attack.attempts import attempt
from tests.media.pictures import picture

SHOE = {"title": "Zapatillas rojas", "description": "", "price": 4599000, "currency": "ARS", "active": True}
PRODUCTS = "/api/v1/products"


def key(value: str = "order-1") -> dict[str, str]:
    return {"Idempotency-Key": value}


async def titles(client: Client) -> list[str]:
    return [product["title"] for product in (await client.get(PRODUCTS)).json()["data"]]


async def test_twice_is_once_with_the_same_answer(as_alice: Client):
    first = await as_alice.post(PRODUCTS, json=SHOE, headers=key())
    again = await as_alice.post(PRODUCTS, json=SHOE, headers=key())
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert await titles(as_alice) == ["Zapatillas rojas"]


async def test_without_a_key_twice_is_twice(as_alice: Client):
    for _ in range(2):
        await as_alice.post(PRODUCTS, json=SHOE)
    assert len(await titles(as_alice)) == 2


async def test_the_same_key_with_another_body_or_path_is_a_conflict(as_alice: Client):
    await as_alice.post(PRODUCTS, json=SHOE, headers=key())
    other_body = await as_alice.post(PRODUCTS, json=SHOE | {"title": "Otra"}, headers=key())
    other_path = await as_alice.post("/api/v1/bots", json={"name": "Bot"}, headers=key())
    for answer in (other_body, other_path):
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert await titles(as_alice) == ["Zapatillas rojas"]


async def test_an_answer_that_refuses_is_repeated_too(as_alice: Client):
    answers = [await as_alice.post(PRODUCTS, json=SHOE | {"price": -1}, headers=key()) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("refusal", [InvalidToken(), TooOften(retry_after=3, minutes=1)])
async def test_what_is_refused_only_now_may_be_tried_again(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch, refusal: AppError
):
    """A token that ran out after the key was claimed, or a budget that was empty."""
    with monkeypatch.context() as now:
        now.setattr(catalogue, "create_product", AsyncMock(side_effect=refusal))
        assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).status_code == refusal.status
    assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).status_code == 201


async def test_a_malformed_body_does_not_use_the_key_up(as_alice: Client):
    assert (await as_alice.post(PRODUCTS, json={"title": 7}, headers=key())).status_code == 422
    assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).status_code == 201


async def test_a_failure_of_ours_may_be_tried_again(as_alice: Client, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("today is not the day")

    with monkeypatch.context() as patch:
        patch.setattr("saasbot.domain.catalogue.create_product", broken)
        answer = await as_alice.post(PRODUCTS, json=SHOE, headers=key())
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "today is not the day" not in answer.text
    assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).status_code == 201


async def test_of_many_at_once_one_is_done_and_all_get_its_answer(as_alice: Client):
    bodies = [SHOE] * 6 + [SHOE | {"title": "Otra"}]
    *answers, other = await asyncio.gather(*(as_alice.post(PRODUCTS, json=body, headers=key()) for body in bodies))
    assert [answer.status_code for answer in answers] == [201] * 6
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await titles(as_alice) == ["Zapatillas rojas"]


async def test_who_waits_too_long_for_the_first_is_told(as_alice: Client, monkeypatch: pytest.MonkeyPatch):
    real, begun, go_on = catalogue.create_product, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await real(*args, **more)

    monkeypatch.setattr(catalogue, "create_product", slow)
    monkeypatch.setattr("saasbot.api.idempotency._PATIENCE_SECONDS", 0.05)
    first = asyncio.create_task(as_alice.post(PRODUCTS, json=SHOE, headers=key()))
    await begun.wait()
    second = await as_alice.post(PRODUCTS, json=SHOE, headers=key())
    go_on.set()
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
    assert (await first).status_code == 201
    assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).json() == (await first).json()


@attempt(75, "tenancy", "An Idempotency-Key of another company is used to get its answer.")
async def test_keys_of_two_companies_do_not_meet(as_alice: Client, as_mallory: Client):
    hers = await as_alice.post(PRODUCTS, json=SHOE, headers=key())
    mine = await as_mallory.post(PRODUCTS, json=SHOE, headers=key())
    assert (hers.status_code, mine.status_code) == (201, 201)
    assert hers.json()["id"] != mine.json()["id"]


@attempt(250, "tenancy", "A colleague sends the same Idempotency-Key and body to get the answer that was another's.")
async def test_a_colleague_does_not_get_the_answer(as_alice: Client, charlie: Actor):
    assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).status_code == 201
    async with make_client() as his:
        await sign_in(his, "charlie@sur.example")
        answer = await his.post(PRODUCTS, json=SHOE, headers=key())
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert await titles(as_alice) == ["Zapatillas rojas"]


@attempt(251, "secrets", "A copy of the database is searched for a request by the hash of its body.")
async def test_what_a_request_is_compared_by_is_keyed(as_alice: Client, alice: Actor, charlie: Actor):
    body = json.dumps(SHOE).encode()
    headers = {"content-type": "application/json"}
    async with make_client() as his:
        await sign_in(his, "charlie@sur.example")
        await as_alice.post(PRODUCTS, content=body, headers=key("hers") | headers)
        await his.post(PRODUCTS, content=body, headers=key("his") | headers)
    async with unit_of_work(alice):
        hers, his_hash = (await sql("SELECT request_hash FROM idempotency_key ORDER BY key")).scalars()
    assert hers != his_hash
    for head in ("", f"POST {PRODUCTS}? application/json\n", f"{alice.user_id} POST {PRODUCTS}? application/json\n"):
        plain = (head.encode() + body, head.encode() + hashlib.sha256(body).hexdigest().encode())
        assert hers not in [hashlib.sha256(text).hexdigest() for text in plain]


async def test_a_key_is_remembered_for_a_day(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        async with unit_of_work(alice):
            assert await idempotency.claim(alice, key="k", request_hash="a") is None
        async with unit_of_work(alice):
            await idempotency.remember(alice, key="k", answer=idempotency.Answer(201, {"id": 1}))
        clock.shift(KEPT - timedelta(seconds=1))
        async with unit_of_work(alice):
            assert await idempotency.claim(alice, key="k", request_hash="a") == idempotency.Answer(201, {"id": 1})
        clock.shift(timedelta(seconds=2))
        async with unit_of_work(alice):
            assert await idempotency.claim(alice, key="k", request_hash="b") is None


async def test_a_request_whose_process_died_can_be_done_again(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        async with unit_of_work(alice):
            await idempotency.claim(alice, key="k", request_hash="a")
            await sql("UPDATE idempotency_key SET holder = 'another machine/1/1'")
        with pytest.raises(idempotency.StillRunning):
            async with unit_of_work(alice):
                await idempotency.claim(alice, key="k", request_hash="a")
        clock.shift(timedelta(minutes=6))
        async with unit_of_work(alice):
            assert await idempotency.claim(alice, key="k", request_hash="a") is None


async def test_a_request_of_a_dead_process_of_this_machine_can_be_done_again_at_once(alice: Actor):
    async with unit_of_work(alice):
        await idempotency.claim(alice, key="k", request_hash="a")
        boot = this_process().split("/")[0]
        await sql("UPDATE idempotency_key SET holder = :dead", dead=f"{boot}/4194303/1")
    with pytest.raises(idempotency.KeyReused):
        async with unit_of_work(alice):
            await idempotency.claim(alice, key="k", request_hash="another")
    async with unit_of_work(alice):
        assert await idempotency.claim(alice, key="k", request_hash="a") is None
        assert (await sql("SELECT holder FROM idempotency_key")).scalar() == this_process()


async def test_a_request_cut_off_by_the_database_can_be_done_again(as_alice: Client, monkeypatch: pytest.MonkeyPatch):
    """Neither its work nor its end could be written; the process lives on, and says so when it is asked again."""

    async def away(*_args: Any, **_more: Any) -> None:
        raise OperationalError("SELECT 1", None, Exception("the database system is starting up"))

    with monkeypatch.context() as patched:
        patched.setattr(catalogue, "create_product", away)
        patched.setattr(idempotency, "forget", away)
        refused = await as_alice.post(PRODUCTS, json=SHOE, headers=key())
    assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
    assert (await as_alice.post(PRODUCTS, json=SHOE, headers=key())).status_code == 201
    assert await titles(as_alice) == ["Zapatillas rojas"]


@pytest.mark.parametrize("bad", ["", "x" * 201, "with space", "ñ"])
async def test_a_key_is_short_printable_ascii(as_alice: Client, bad: str):
    answer = await as_alice.post(PRODUCTS, json=SHOE, headers=[(b"Idempotency-Key", bad.encode("latin-1"))])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_a_photo_sent_twice_is_stored_once(as_alice: Client):
    """The boundary of a form is another one at each try."""
    product = (await as_alice.post(PRODUCTS, json=SHOE)).json()["id"]
    photo = {"file": ("a.jpg", picture(), "image/jpeg")}
    answers = [await as_alice.post(f"{PRODUCTS}/{product}/image", files=photo, headers=key("photo")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [answers[0].status_code] * 2, answers[0].text
    assert answers[0].status_code < 300, answers[0].text
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert answers[0].json() == answers[1].json()


async def test_a_message_whose_answer_was_never_remembered_is_still_sent_once(as_alice: Client, alice: Actor):
    """The process died after the message was queued and before its answer was kept; the client asks again."""
    channel = (await as_alice.post("/api/v1/channels", json={"kind": "simulator", "name": "Tienda"})).json()
    where, body = f"/api/v1/channels/{channel['id']}/messages", {"to": "+5491155550001", "text": "Hola"}
    first = await as_alice.post(where, json=body, headers=key())
    async with unit_of_work(alice):
        await idempotency.forget(alice, key="order-1")
    again = await as_alice.post(where, json=body, headers=key())
    assert again.json() == first.json()
    (conversation,) = (await as_alice.get("/api/v1/conversations")).json()["data"]
    messages = (await as_alice.get(f"/api/v1/conversations/{conversation['id']}/messages")).json()["data"]
    assert [m["text"] for m in messages if m["type"] == "text"] == ["Hola"]


async def test_two_first_messages_to_one_phone_at_once_share_a_conversation(as_alice: Client):
    channel = (await as_alice.post("/api/v1/channels", json={"kind": "simulator", "name": "Tienda"})).json()
    where = f"/api/v1/channels/{channel['id']}/messages"
    sends = (as_alice.post(where, json={"to": "+5491155550001", "text": f"Hola {n}"}) for n in range(6))
    assert {answer.status_code for answer in await asyncio.gather(*sends)} == {202}
    assert len((await as_alice.get("/api/v1/conversations")).json()["data"]) == 1
