"""What does not belong into a request, put into each of them: generated from the routes and handlers there are."""

import asyncio
import re
from urllib.parse import quote

import httpx2

from saasbot.api.app import api
from saasbot.domain.actor import Actor
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings, Ledger
from tests.attack.test_events import HANDLERS, ids_of, payload_of
from tests.attack.test_routes import API, OPEN, Route
from tests.fixtures.server import RunningServer
from tests.gate.tab import Tab
from tests.gate.test_gate import cookie_of
from tests.gate.test_guard_sessions import texts

SMUGGLED = ("company_id", "user_id", "role", "permissions", "is_super_admin", "__proto__")
NAMES_OF_THEIR_OWN = {("PUT", "/policies"): "a company names its policies as it likes; one called company_id is a text"}

TAKEN = {("POST", "/auth/switch"): {"company_id"}}
"""Which of one's own companies to go to: looked up among them (`tests/api/test_switching.py`)."""


def takes_json(route: Route) -> bool:
    operation = api.openapi()["paths"].get(route.path, {}).get(route.method.lower(), {})
    return "application/json" in operation.get("requestBody", {}).get("content", {})


TAKE_JSON = [route for route in API if takes_json(route)]


@attempt(136, "tenancy", "A company, a person or a role is written into the body of every request.")
async def test_no_body_takes_whose_it_is(
    as_alice: httpx2.AsyncClient, hers: Belongings, mallory: Actor, her_rows: Ledger
):
    before, wrong = her_rows.digest(), []
    for route in TAKE_JSON:
        body = dict.fromkeys(SMUGGLED, str(mallory.company_id))
        answer = await as_alice.request(route.method, route.at(hers.path_ids()), json=body)
        refused = {found["field"] for found in answer.json().get("errors", ())}
        smuggled = set(SMUGGLED) - TAKEN.get(route.inside, set())
        if answer.status_code != 422 or not (smuggled <= refused or route.inside in NAMES_OF_THEIR_OWN):
            wrong.append((route, answer.status_code, answer.text))
    assert wrong == []
    assert len(TAKE_JSON) > 15
    assert her_rows.digest() == before


@attempt(137, "guard", "A company, a person or a role is added to the arguments of every event.")
async def test_no_event_takes_whose_it_is(alice: Actor, hers: Belongings, mallory: Actor):
    token = (await cookie_of("alice@sur.example"))[0]
    for handler in HANDLERS:
        tab, payload = Tab(token), payload_of(handler, ids_of(hers, handler))
        for name in [name for name in SMUGGLED if name not in payload]:
            answer = await tab.send(None, handler.name, **payload, **{name: str(mallory.company_id)})
            assert "That did not work." in texts(answer), (handler.short, name)


@attempt(138, "browser", "Every route of the API is asked with the session cookie of a visitor alone.")
async def test_a_cookie_is_no_proof_to_the_api(
    client: httpx2.AsyncClient, alice: Actor, hers: Belongings, her_rows: Ledger
):
    cookie = {"cookie": (await cookie_of("alice@sur.example"))[1]}
    before = her_rows.digest()
    for route in API:
        if route not in OPEN:
            answer = await client.request(route.method, route.at(hers.path_ids()), headers=cookie)
            assert answer.status_code == 401, (route, answer.text)
    assert her_rows.digest() == before


DEEP = ("[" * 50_000, '{"a":' * 50_000, "[" * 5_000 + "]" * 5_000)


@attempt(139, "limits", "JSON of fifty thousand levels is sent to every route that reads any.")
async def test_json_without_a_bottom_is_refused(as_alice: httpx2.AsyncClient, hers: Belongings):
    json = {"content-type": "application/json"}
    for route in TAKE_JSON:
        for body in DEEP:
            answer = await as_alice.request(route.method, route.at(hers.path_ids()), content=body, headers=json)
            assert answer.status_code in (400, 422), (route, answer.status_code, answer.text)


ELSEWHERE = ("//evil.example", "/\\evil.example", "/%2f%2fevil.example", "/%5cevil.example/", "/%09/evil.example")
PARAMETERS = ("next", "redirect_to", "url", "ticket", "return_to")


@attempt(140, "browser", "A link to one of our addresses leads its visitor to another site.")
async def test_no_address_leads_away(server: RunningServer):
    """By its path, by a folder of the built pages, or by a parameter that others use for it."""
    paths = [*ELSEWHERE, *(f"/assets/..{to}" for to in ELSEWHERE), *(f"/inbox/..{to}/" for to in ELSEWHERE)]
    queries = "&".join(
        f"{name}={quote(to)}" for name in PARAMETERS for to in ("https://evil.example", "//evil.example")
    )
    paths += [f"{path}?{queries}" for path in ("/", "/login", "/auth/complete", "/auth/logout", "/assets")]
    for path in paths:
        where = await location(server.port, path)
        assert not re.match(r"(?i)\s*(https?:)?[/\\]{2}", where.removeprefix(server.url)), (path, where)


async def location(port: int, path: str) -> str:
    """Of the answer, to a request whose path no client has put right."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
    head = (await reader.read(100_000)).partition(b"\r\n\r\n")[0].decode()
    writer.close()
    assert head.startswith("HTTP/1.1 "), head
    return next(
        (line.partition(":")[2].strip() for line in head.splitlines() if line.lower().startswith("location:")), ""
    )
