"""What is at no address costs nothing: neither the API nor Reflex is asked, nothing is looked up on the disk."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from saasbot import routes
from saasbot.api.gate import Gate
from saasbot.pages.registry import PAGES
from tests.attack.test_routes import routes as served
from tests.gate.asgi import Inner, request

NOT_FOUND = b"<html><body>There is nothing here.</body></html>"


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def gate(inner: Inner, tmp_path: Path) -> Gate:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-1a2b.js").write_text("1")
    (tmp_path / "404.html").write_bytes(NOT_FOUND)
    return Gate(inner, built=tmp_path)


@pytest.mark.parametrize(
    "path",
    [
        "/wp-login.php",
        "/.env",
        "/.git/config",
        "/assets",
        "/assets/",
        "/assets/other.js",
        "/assets/../saasbot.py",
        "/inbox/a/b",
        "/login/x",
        "/loginx",
        "/auth/other",
        "/apix",
        "/mediax",
        "/_event/",
        "/ping",
        "/_health",
        "//login",
        "//evil.example",
        "/\\evil.example",
        "",
        "/INBOX",
        "/\x00",
        "/x" * 5000,
    ],
)
async def test_an_unknown_path_reaches_nothing(gate: Gate, inner: Inner, path: str):
    page = await request(gate, "GET", path)
    assert (page.status, page.body, inner.seen) == (404, NOT_FOUND, [])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["x-frame-options"] == "DENY"
    told = await request(gate, "POST", path, headers={"content-type": "application/json"})
    assert (told.status, told.headers["content-type"], inner.seen) == (404, "application/problem+json", [])


async def test_every_page_is_known(gate: Gate, inner: Inner):
    import saasbot.saasbot  # noqa: F401  registers every page

    pages = {page.route for page in PAGES} - {routes.NOT_FOUND}
    assert len(pages) > 10
    for page in pages:
        path = f"/{page}".replace("//", "/").replace("[conversation_id]", "x").replace("[bot_id]", "x")
        for at in {path, path.rstrip("/") + "/"}:
            assert (await request(gate, "GET", at)).status == 200, at


async def test_every_route_is_known(gate: Gate):
    found = {route.path.replace("{", "").replace("}", "") for route in served()}
    assert len(found) > 30
    for path in found:
        assert (await request(gate, "GET", path)).status == 200, path


async def test_what_was_built_is_known(gate: Gate):
    assert (await request(gate, "GET", "/assets/index-1a2b.js")).status == 200


async def test_a_flood_of_refusals_leaves_one_line(gate: Gate):
    with capture_logs() as lines:
        for number in range(200):
            await request(gate, "GET", f"/{number}.php")
        await request(gate, "POST", "/uploads")
    assert [(line["reason"], line["path"]) for line in lines] == [
        ("not_found", "/0.php"),
        ("foreign_origin", "/uploads"),
    ]
