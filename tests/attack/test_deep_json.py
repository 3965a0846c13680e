"""Brackets without end: every route that reads a body says that this is none, at once."""

import time

import httpx2
import pytest

from saasbot.api.app import api
from tests.attack.belongings import Belongings
from tests.attack.test_routes import Route, routes

LEVELS = 100_000
SECONDS = 2.0
UNREAD = {("POST", "/auth/logout")}
"""Beside the routes that the description of the API gives no body."""


def reading() -> list[Route]:
    """The routes that read a body."""
    described = api.openapi()["paths"]
    return [
        route
        for route in routes()
        if route.method in ("POST", "PUT", "PATCH")
        and route not in UNREAD
        and ":path" not in route.path
        and "requestBody" in described.get(route.path, {}).get(route.method.lower(), {"requestBody": "not described"})
    ]


@pytest.mark.parametrize(
    "body", [b"[" * LEVELS, b'{"a":' * LEVELS, b"[" * LEVELS + b"]" * LEVELS], ids=["open", "objects", "closed"]
)
async def test_depth_is_refused_everywhere(as_alice: httpx2.AsyncClient, hers: Belongings, body: bytes):
    assert len(reading()) > 25
    wrong: list[tuple[Route, int, float]] = []
    for route in reading():
        began = time.monotonic()
        answer = await as_alice.request(
            route.method, route.at(hers.path_ids()), content=body, headers={"content-type": "application/json"}
        )
        seconds = time.monotonic() - began
        refused = 400 <= answer.status_code < 500 and answer.headers["content-type"] == "application/problem+json"
        if not refused or not answer.json()["code"] or seconds > SECONDS:
            wrong.append((route, answer.status_code, seconds))
    assert wrong == []
