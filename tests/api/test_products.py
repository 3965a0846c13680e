"""`/api/v1/products` as its contract says."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import time_machine

from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.infra import session_cookie
from tests.accounts.test_sessions import session_of
from tests.api.conftest import Client, make_client, sign_in
from tests.media.conftest import files  # noqa: F401  # a fixture
from tests.media.pictures import opened, picture

PRODUCTS = "/api/v1/products"


async def add(client: Client, **fields: Any) -> dict[str, Any]:
    answer = await client.post(PRODUCTS, json={"title": "Zapatillas rojas", "price": 4_599_000, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_product_is_made_read_changed_and_deleted(as_alice: Client) -> None:
    made = await add(as_alice, description="De lona", currency="ARS", sku="Z1", stock=3)
    where = f"{PRODUCTS}/{made['id']}"
    assert {key: made[key] for key in ("title", "price", "currency", "sku", "stock", "active", "image_url")} == {
        "title": "Zapatillas rojas",
        "price": 4_599_000,
        "currency": "ARS",
        "sku": "Z1",
        "stock": 3,
        "active": True,
        "image_url": None,
    }
    assert (await as_alice.get(where)).json() == made

    changed = await as_alice.put(where, json={"price": 100, "stock": None, "active": False})
    assert changed.status_code == 200
    assert changed.json() == {
        **made,
        "price": 100,
        "stock": None,
        "active": False,
        "updated_at": changed.json()["updated_at"],
    }

    assert (await as_alice.delete(where)).status_code == 204
    assert (await as_alice.delete(where)).status_code == 204
    assert (await as_alice.get(where)).status_code == 404
    assert (await as_alice.get(PRODUCTS)).json() == {"data": [], "next_cursor": None}


async def test_without_a_currency_the_price_is_in_the_companys(as_alice: Client) -> None:
    assert (await add(as_alice))["currency"] == "ARS"
    assert (await add(as_alice, currency="usd"))["currency"] == "USD"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": ""}, "title"),
        ({"price": -1}, "price"),
        ({"price": 45.99}, "price"),
        ({"price": "4599000"}, "price"),
        ({"price": True}, "price"),
        ({"price": 2**70}, "price"),
        ({"price": None}, "price"),
        ({"currency": "PESOS"}, "currency"),
        ({"stock": -1}, "stock"),
        ({"active": "yes"}, "active"),
        ({"title": "a\x00b"}, ""),
        ({"company_id": str(uuid4())}, "company_id"),
    ],
)
async def test_what_makes_no_sense_is_a_problem_that_names_the_field(
    as_alice: Client, fields: dict[str, Any], field: str
) -> None:
    made = await add(as_alice)
    new = await as_alice.post(PRODUCTS, json={"title": "x", "price": 1, **fields})
    changed = await as_alice.put(f"{PRODUCTS}/{made['id']}", json=fields)
    for answer in (new, changed):
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "invalid_input"
        assert field in [error["field"] for error in answer.json()["errors"]] or not field


async def test_a_code_is_given_once(as_alice: Client) -> None:
    await add(as_alice, sku="Z1")
    answer = await as_alice.post(PRODUCTS, json={"title": "x", "price": 1, "sku": "Z1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "sku_taken")


async def test_pages_follow_one_another(as_alice: Client) -> None:
    ids = [(await add(as_alice, title=f"Bota {n}"))["id"] for n in range(5)]
    for q in ("", "bota"):
        seen, cursor = [], None
        while True:
            page = (
                await as_alice.get(PRODUCTS, params={"limit": 2, "q": q} | ({"cursor": cursor} if cursor else {}))
            ).json()
            seen += [row["id"] for row in page["data"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert seen == ids[::-1]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"cursor": "nonsense"}, {"cursor": "WzEsMl0"}])
async def test_a_wrong_page_is_refused(as_alice: Client, query: dict[str, Any]) -> None:
    assert (await as_alice.get(PRODUCTS, params=query)).status_code == 422


async def test_a_search_forgives_slips(as_alice: Client) -> None:
    await add(as_alice)
    await add(as_alice, title="Botas")
    found = (await as_alice.get(PRODUCTS, params={"q": "sapatilla roja"})).json()["data"]
    assert [row["title"] for row in found] == ["Zapatillas rojas"]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("part", ["file", "image"])
async def test_a_photo_is_uploaded_and_can_be_fetched(as_alice: Client, part: str) -> None:
    made = await add(as_alice)
    answer = await as_alice.post(
        f"{PRODUCTS}/{made['id']}/image", files={part: ("foto.png", picture(800, 400, format="PNG"), "image/png")}
    )
    assert answer.status_code == 200, answer.text
    product = (await as_alice.get(f"{PRODUCTS}/{made['id']}")).json()
    assert answer.json() == product
    del as_alice.headers["Authorization"]
    main = await as_alice.get(product["image_url"])
    thumb = await as_alice.get(product["thumbnail_url"])
    assert (main.headers["content-type"], opened(main.content).size) == ("image/jpeg", (800, 400))
    assert opened(thumb.content).format == "WEBP"
    assert (await as_alice.get(product["image_url"].replace("?e=", "?e=1"))).status_code == 403


@pytest.mark.usefixtures("files")
async def test_an_address_that_has_expired_serves_only_who_is_signed_in_to_its_company(
    as_alice: Client, as_mallory: Client, mallory: Actor
) -> None:
    made = await add(as_alice)
    await as_alice.post(f"{PRODUCTS}/{made['id']}/image", files={"file": ("a.png", picture(format="PNG"), "image/png")})
    url = (await as_alice.get(f"{PRODUCTS}/{made['id']}")).json()["image_url"]
    now, left = time.time(), int(parse_qs(urlsplit(url).query)["e"][0])
    assert 1_800 <= left - now <= 3_600
    hers, foreign = await session_of("alice@sur.example"), await session_of("mallory@junta.example")
    async with make_client() as browser:
        with time_machine.travel(left - 1, tick=False):
            assert (await browser.get(url)).status_code == 200
        for token, status in ((hers, 200), (foreign, 403), ("", 403)):
            with time_machine.travel(left + 60, tick=False):
                answer = await browser.get(url, headers={"Cookie": f"{session_cookie.name()}={token}"})
            assert answer.status_code == status
        await accounts.sign_out(hers)
        with time_machine.travel(left + 60, tick=False):
            answer = await browser.get(url, headers={"Cookie": f"{session_cookie.name()}={hers}"})
        assert answer.status_code == 403, "who was signed out"


@pytest.mark.usefixtures("files")
async def test_a_photo_is_not_read_before_it_is_known_who_sends_it(
    as_alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"{PRODUCTS}/{(await add(as_alice))['id']}/image"
    monkeypatch.setattr("starlette.requests.Request.stream", lambda _request: pytest.fail("a byte of it was read"))
    async with make_client() as nobody:
        answer = await nobody.post(where, files={"file": ("a.png", picture(), "image/png")})
    assert answer.status_code == 401
    missing = f"{PRODUCTS}/{uuid4()}/image"
    assert (await as_alice.post(missing, files={"file": ("a.png", picture(), "image/png")})).status_code == 404


@pytest.mark.usefixtures("files")
async def test_what_is_no_photo_is_refused(as_alice: Client) -> None:
    where = f"{PRODUCTS}/{(await add(as_alice))['id']}/image"
    svg = {"file": ("foto.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/jpeg")}
    large = {"file": ("foto.jpg", bytes(10 * 1024 * 1024 + 1), "image/jpeg")}
    for sent, status, code in (
        (svg, 422, "invalid_input"),
        (large, 413, "upload_too_large"),
        ({}, 422, "invalid_input"),
    ):
        answer = await as_alice.post(where, files=sent)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    not_multipart = await as_alice.post(where, json={"file": "x"})
    assert not_multipart.status_code == 422
    missing = await as_alice.post(f"{PRODUCTS}/{uuid4()}/image", files={"file": ("a.png", picture(), "image/png")})
    assert missing.status_code == 404


async def test_the_same_key_makes_one_product(as_alice: Client) -> None:
    body, key = {"title": "Bota", "price": 1}, {"Idempotency-Key": "one"}
    first = await as_alice.post(PRODUCTS, json=body, headers=key)
    again = await as_alice.post(PRODUCTS, json=body, headers=key)
    other = await as_alice.post(PRODUCTS, json={**body, "price": 2}, headers=key)
    assert (first.json(), other.status_code) == (again.json(), 409)
    assert len((await as_alice.get(PRODUCTS)).json()["data"]) == 1


async def test_another_company_finds_nothing(as_alice: Client, as_mallory: Client) -> None:
    where = f"{PRODUCTS}/{(await add(as_alice))['id']}"
    assert (await as_mallory.get(PRODUCTS)).json()["data"] == []
    answers = [
        await as_mallory.get(where),
        await as_mallory.put(where, json={"price": 1}),
        await as_mallory.delete(where),
        await as_mallory.post(f"{where}/image", files={"file": ("a.png", picture(), "image/png")}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 4


async def test_an_agent_reads_and_changes_nothing(as_alice: Client, bob: Actor) -> None:
    where = f"{PRODUCTS}/{(await add(as_alice))['id']}"
    await sign_in(as_alice, "bob@sur.example")
    assert (await as_alice.get(where)).status_code == 200
    answers = [
        await as_alice.post(PRODUCTS, json={"title": "x", "price": 1}),
        await as_alice.put(where, json={"price": 1}),
        await as_alice.delete(where),
        await as_alice.post(f"{where}/image", files={"file": ("a.png", picture(), "image/png")}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "forbidden")] * 4


async def test_nobody_reads_without_a_token(client: Client) -> None:
    assert (await client.get(PRODUCTS)).status_code == 401
