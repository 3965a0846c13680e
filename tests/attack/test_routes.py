"""Every route, from the application's own registry: nobody without a token, and all of them known to these tests. What another
company's ids get is in `test_matrix_routes`, with the requests that stand here."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi.routing import iter_route_contexts

from saasbot.api import channels as channel_routes
from saasbot.api.app import api
from saasbot.domain.actor import Actor
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import Media
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings
from tests.media.pictures import picture

V1 = "/api/v1"
OPEN = {
    ("POST", f"{V1}/auth/register"),
    ("POST", f"{V1}/auth/login"),
    ("POST", f"{V1}/auth/two-step"),
    ("POST", f"{V1}/auth/two-step/mail"),
    ("POST", f"{V1}/auth/two-step/enrolment"),
    ("POST", f"{V1}/auth/refresh"),
    ("POST", f"{V1}/auth/forgot-password"),
    ("POST", f"{V1}/auth/reset-password"),
    ("POST", f"{V1}/auth/confirm-email"),
    ("POST", f"{V1}/invitations/accept"),
    ("GET", f"{V1}/terms"),
    ("GET", f"{V1}/health"),
    ("GET", f"{V1}/healthz"),
}
"""Under /api/v1, without a token."""

ELSEWHERE = {
    "/api/openapi.json": "the description of the API",
    "/api/docs": "the same for people",
    "/api/{path:path}": "answers what is at no address",
    "/health": "says that the program lives",
    "/healthz": "the same",
    "/auth/complete": "takes a ticket that works once",
    "/auth/logout": "takes the cookie",
    "/csp-report": "takes what browsers say of our policy, and only counts it",
    "/metrics": "only to this machine, or with its own token",
    "/uploads": "takes the cookie",
    "/media/{key:path}": "takes signed addresses",
    "/dev/mail": "only from this machine, never in production",
    "/demo-model/v1/models": "holds nothing of a company",
    "/demo-model/v1/chat/completions": "holds nothing of a company",
}
"""Outside /api/v1, and what keeps the route. `/sim/v1` has a test of its own."""
SIMULATOR = "/sim/v1/"

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PUT", "/bots/{bot_id}"): {"json": {"name": "Taken"}},
    ("POST", "/bots/{bot_id}/prompts"): {"json": {"text": "Taken"}},
    ("PUT", "/products/{product_id}"): {"json": {"title": "Taken", "price": 1}},
    ("POST", "/products/{product_id}/image"): {"files": {"file": ("taken.jpg", picture(), "image/jpeg")}},
    ("PATCH", "/team/{member_id}"): {"json": {"disabled": True}},
    ("PATCH", "/channels/{channel_id}/settings"): {"json": {"call_message": "Taken"}},
    ("POST", "/channels/{channel_id}/pair-code"): {"json": {"phone": "5491144440000"}},
    ("POST", "/channels/{channel_id}/messages"): {"json": {"to": "5491150000009", "text": "Taken"}},
    ("POST", "/conversations/{conversation_id}/messages"): {"json": {"text": "Taken"}},
    ("POST", "/conversations/{conversation_id}/consents"): {"json": {"granted": False}},
    ("PUT", "/conversations/{conversation_id}/messages/{message_id}/reaction"): {"json": {"emoji": "👍"}},
    ("PUT", "/conversations/{conversation_id}/messages/{message_id}/text"): {"json": {"text": "Taken"}},
}
"""What a route with ids must be sent to be understood."""

NAMED_INSIDE = {
    ("POST", "/agent/think", "bot_id"): {"json": {"user_message": "Hi", "bot_id": "{bot_id}"}},
    ("POST", "/channels", "bot_id"): {"json": {"kind": "simulator", "name": "Mine", "bot_id": "{bot_id}"}},
    ("POST", "/exports", "conversation_id"): {"json": {"conversation_id": "{conversation_id}"}},
    ("POST", "/conversations/{conversation_id}/messages", "media_id"): {"json": {"media_id": "{media_id}"}},
    ("POST", "/conversations/{conversation_id}/messages", "quoted_id"): {
        "json": {"text": "Taken", "quoted_id": "{message_id}"}
    },
    ("POST", "/auth/switch", "company_id"): {"json": {"company_id": "{company_id}", "refresh_token": "taken"}},
    ("GET", "/audit", "user_id"): {"params": {"user_id": "{user_id}"}},
    ("GET", "/conversations", "assignee"): {"params": {"assignee": "{user_id}"}},
}
"""Requests that name somebody else's thing by id in a body or a query, under an address that the caller may use."""


class Route(NamedTuple):
    method: str
    path: str

    @property
    def inside(self) -> tuple[str, str]:
        return self.method, self.path.removeprefix(V1)

    @property
    def ids(self) -> list[str]:
        return re.findall(r"{(\w+)", self.path)

    def at(self, ids: dict[str, str]) -> str:
        """Raises: KeyError, when the test has no thing of that kind: give it to `Belongings`."""
        return self.path.format(**ids)


def routes() -> Iterator[Route]:
    for found in iter_route_contexts(api.routes):
        for method in sorted(found.methods or ()):
            yield Route(method, str(found.path))


API = [route for route in routes() if route.path.startswith(f"{V1}/")]
WITH_IDS = sorted((route for route in API if route.ids), key=lambda route: route.method == "DELETE")


async def send(client: httpx2.AsyncClient, route: Route, ids: dict[str, str]) -> httpx2.Response:
    return await client.request(route.method, route.at(ids), **BODIES.get(route.inside, {}))


def test_every_route_is_one_that_these_tests_know():
    assert len(API) > 30
    described = {Route(method.upper(), path) for path, methods in api.openapi()["paths"].items() for method in methods}
    assert described == set(API) - {("GET", f"{V1}/healthz")}
    others = {route.path for route in routes() if not route.path.startswith((f"{V1}/", SIMULATOR))}
    assert others == ELSEWHERE.keys()
    assert set(API) >= OPEN


@attempt(60, "tokens", "Every route is asked without a token, with a broken one, and with a password instead.")
@pytest.mark.parametrize("route", [route for route in API if route not in OPEN], ids=lambda r: f"{r.method} {r.path}")
async def test_nobody_gets_in_without_a_token(client: httpx2.AsyncClient, route: Route):
    anything = dict.fromkeys(route.ids, "00000000-0000-7000-8000-000000000000") | {"version": "1"}
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"}):
        answer = await client.request(route.method, route.at(anything), headers=headers)
        assert answer.status_code == 401, (headers, answer.text)
        assert answer.json()["code"]


async def test_the_same_requests_are_answered_to_their_owner(
    as_alice: httpx2.AsyncClient, hers: Belongings, monkeypatch: pytest.MonkeyPatch
):
    """So that a 404 to others says whose the thing is, not that the request was wrong."""
    monkeypatch.setattr(channel_routes, "_CODE_POLLS", 1)  # no network shows a code here
    wrong = []
    for route in WITH_IDS:
        answer = await send(as_alice, route, hers.path_ids())
        if not (answer.is_success or answer.status_code == 409):
            wrong.append((route, answer.status_code, answer.text))
    assert wrong == []


def test_every_id_inside_a_body_or_a_query_is_attacked():
    document = api.openapi()
    named = set()
    for route in API:
        operation = document["paths"].get(route.path, {}).get(route.method.lower(), {})
        fields = {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        for content in operation.get("requestBody", {}).get("content", {}).values():
            fields |= _fields(document, content["schema"])
        named |= {(*route.inside, name) for name, schema in fields.items() if "'format': 'uuid'" in str(schema)}
    assert named == NAMED_INSIDE.keys()


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {name: s for choice in schema["anyOf"] for name, s in _fields(document, choice).items()}
    if "$ref" in schema:
        return _fields(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return schema.get("properties", {})


async def test_the_simulator_answers_nobody_elsewhere_and_nobody_when_it_is_off(
    client: httpx2.AsyncClient, hers: Belongings, monkeypatch: pytest.MonkeyPatch
):
    controls = [route for route in routes() if route.path.startswith(SIMULATOR)]
    assert len(controls) > 5
    far = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(api, client=("192.0.2.7", 50000)), base_url="http://localhost:3000"
    )
    async with far:
        for simulator, caller, status in (("1", far, 403), ("0", client, 404)):
            monkeypatch.setenv("SAASBOT_SIMULATOR", simulator)
            settings.cache_clear()
            for route in controls:
                answer = await caller.request(route.method, route.at(hers.path_ids()))
                assert answer.status_code == status, (route, answer.text)
    settings.cache_clear()


@attempt(76, "files", "A file of another company is fetched by its key, and one is uploaded without a session.")
async def test_her_files_and_the_upload_are_closed(as_mallory: httpx2.AsyncClient, hers: Belongings, alice: Actor):
    async with unit_of_work(alice):
        media = await session().get_one(Media, hers.media_id)
    assert media.storage_key
    assert (await as_mallory.get(f"/media/{media.storage_key}")).status_code == 403
    upload = await as_mallory.post("/uploads", files={"file": ("x.jpg", picture(), "image/jpeg")})
    assert upload.status_code == 401
