"""Nobody is sent elsewhere: whatever stands in a path or a query, a Location is a path of our own."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from saasbot.api.app import api
from saasbot.api.gate import Gate
from tests.attack.belongings import Belongings
from tests.attack.test_routes import routes

ELSEWHERE = ("//evil.example", "/\\evil.example", "/%2f/evil.example", "https://evil.example", "/\t/evil.example")
NAMES = ("next", "redirect", "redirect_to", "return_to", "url", "continue", "ticket", "step", "filter", "Location")
PATHS = (
    "//evil.example",
    "//evil.example/",
    "///evil.example/..",
    "/%2fevil.example",
    "/%2f/evil.example/",
    "/%5cevil.example",
    "/\\evil.example",
    "/login//evil.example",
    "/inbox/%2f%2fevil.example",
    "/inbox/%2e%2e//evil.example",
    "/bots/https:%2f%2fevil.example",
    "/bots//evil.example/",
    "/auth/complete/%2f/evil.example",
    "/media/%2f%2fevil.example",
    "/assets/%2f%2fevil.example",
    "/assets",
    "/inbox",
    "/inbox/",
)


def location_is_ours(answer: Any) -> bool:
    location = answer.headers.get("location", "/")
    return location.startswith("/") and not location.startswith(("//", "/\\")) and "evil" not in location


async def test_no_route_takes_its_target_from_the_query(as_alice: httpx2.AsyncClient, hers: Belongings):
    headers = {"sec-fetch-site": "same-origin", "referer": "https://evil.example/"}
    seen, wrong = 0, []
    for route in routes():
        if route.method != "GET" or ":path" in route.path:
            continue
        for target in ELSEWHERE:
            answer = await as_alice.get(route.at(hers.path_ids()), params=dict.fromkeys(NAMES, target), headers=headers)
            seen += "location" in answer.headers
            if not location_is_ours(answer):
                wrong.append((route, target, answer.headers["location"]))
    assert wrong == []
    assert seen >= 2 * len(ELSEWHERE)  # the routes of the cookie do redirect


@pytest.fixture
def whole_app(tmp_path: Path) -> Any:
    """The gate, the API and built pages, as the server puts them together."""
    for folder in ("inbox", "login", "bots", "assets"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.html").write_text(folder)
    (tmp_path / "404.html").write_text("There is nothing here.")
    pages = Starlette(routes=[Mount("/", StaticFiles(directory=tmp_path, html=True))])
    return Gate(Starlette(routes=[*api.router.routes, Mount("/", pages)]), built=tmp_path)


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_becomes_another_host(whole_app: Any, app_db: object, path: str):
    transport = httpx2.ASGITransport(whole_app, client=("198.51.100.7", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:3000") as client:
        for method in ("GET", "HEAD", "POST"):
            for host in ("localhost:3000", "evil.example"):
                request = client.build_request(method, "/", headers={"host": host})
                request.url = httpx2.URL("http://localhost:3000").copy_with(raw_path=path.encode())
                answer = await client.send(request)
                assert location_is_ours(answer), answer.headers["location"]
                assert answer.status_code < 500
