"""A body without end, in pieces and without a length: cut at the limit of its path, with flat memory, and nothing is left of it."""

import asyncio
import gc
import os
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from saasbot.api.app import api
from saasbot.api.gate import Gate
from saasbot.api.limits import body_limit
from saasbot.infra import session_cookie
from saasbot.infra.settings import settings
from tests.api.test_browser import Browser, opened
from tests.attack.attempts import attempt
from tests.attack.belongings import Belongings
from tests.gate.asgi import OWN
from tests.people import PASSWORD

ENDLESS = 10 * 1024**3
PIECE = bytes(64 * 1024)
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0'
FLAT = 8 * 1024 * 1024
"""Bytes of Python's memory that one such request may hold, whatever comes."""


class Body:
    """The pieces as a client sends them, and how many bytes of them were taken."""

    def __init__(self, head: bytes) -> None:
        self._head, self.taken = head, 0

    async def receive(self) -> dict[str, object]:
        piece = PIECE if self.taken else self._head
        self.taken += len(piece)
        await asyncio.sleep(0)
        return {"type": "http.request", "body": piece, "more_body": self.taken < ENDLESS}


async def post(path: str, query: str, headers: dict[str, str], body: Body) -> int:
    """Through the gate, as a server hands it over. Returns the status."""
    given: list[int] = []

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            given.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("localhost", 3000),
    }
    async with asyncio.timeout(60):
        await Gate(api)(scope, body.receive, send)  # type: ignore[arg-type]
    return given[0]


def open_files(folder: Path) -> list[str]:
    """What this process holds open there, removed files included."""
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    return [link for link in links if link.startswith(str(folder))]


@pytest.fixture
async def alice_at_her_browser(
    hers: Belongings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Browser]:
    """Whatever is written lies under `tmp_path`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("SAASBOT_DATA_DIR", str(tmp_path))
    async with opened("alice@sur.example") as browser:
        settings.cache_clear()
        yield browser
    monkeypatch.undo()
    settings.cache_clear()


@attempt(175, "files", "A body without end is sent to every route that takes files.")
@pytest.mark.parametrize(
    ("path", "kind", "known"),
    [
        ("/uploads?use=message", "multipart/form-data; boundary=b", True),
        ("/uploads?use=picture", "multipart/form-data; boundary=b", False),
        ("/api/v1/products/{product_id}/image", "multipart/form-data; boundary=b", True),
        ("/api/v1/products/{product_id}/image", "multipart/form-data; boundary=b", False),
        ("/api/v1/products", "application/json", True),
        ("/api/v1/bots", "application/json", False),
        ("/api/v1/auth/login", "application/json", False),
        ("/api/v1/auth/register", "application/json", False),
        ("/demo-model/v1/chat/completions", "application/json", False),
        ("/auth/logout", "text/plain", False),
    ],
)
async def test_a_body_without_end_is_cut_and_nothing_is_left_of_it(
    alice_at_her_browser: Browser, hers: Belongings, tmp_path: Path, path: str, kind: str, known: bool
):
    browser = alice_at_her_browser
    target, _, query = path.format(product_id=hers.product_id).partition("?")
    headers = {"host": "localhost:3000", "origin": OWN, "content-type": kind, "transfer-encoding": "chunked"}
    if known:
        headers |= browser.csrf | {
            "cookie": f"{session_cookie.name()}={browser.token}",
            "authorization": await token_of(browser),
        }
    before = {file for file in tmp_path.rglob("*") if file.is_file()}
    body = Body(HEAD if "multipart" in kind else b'{"title": "')
    gc.collect()
    tracemalloc.start()
    try:
        status = await post(target, query, headers, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    limit = body_limit(target)
    if known or "json" in kind:
        assert status == 413
    else:
        assert status in (303, 401) and body.taken == 0, "nobody's bytes are not even read"
    assert body.taken <= limit + len(PIECE)
    assert peak < FLAT + (2 * limit if "json" in kind else 0), f"{peak / 2**20:.1f} MB"
    gc.collect()
    assert open_files(tmp_path) == []
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == before


async def token_of(browser: Browser) -> str:
    answer = await browser.client.post("/api/v1/auth/login", json={"email": "alice@sur.example", "password": PASSWORD})
    return f"Bearer {answer.json()['access_token']}"
