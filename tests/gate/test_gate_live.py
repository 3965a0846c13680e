"""The gate as it stands before the real server: sockets opened by hand."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from saasbot.domain.accounts.endings import forget_everybody
from saasbot.infra import db
from tests.attack.attempts import attempt
from tests.fixtures.server import RunningServer
from tests.gate.test_gate import cookie_of
from tests.people import make_company


def socket_url(server: RunningServer, tab: str) -> str:
    return f"ws://localhost:{server.port}/_event/?token={tab}&EIO=4&transport=websocket"


async def opened(server: RunningServer, *, tab: str | None = None, origin: str | None = None, **more: Any) -> str:
    """`open` with the first frame of Engine.IO, or the status of the refusal."""
    try:
        async with connect(socket_url(server, tab or str(uuid4())), origin=origin or server.url, **more) as socket:  # type: ignore[arg-type]
            return f"open {str(await socket.recv())[:1]}"
    except InvalidStatus as refused:
        return str(refused.response.status_code)


async def test_a_socket_of_our_page_opens(server: RunningServer):
    assert await opened(server) == "open 0"


async def test_other_names_of_this_machine_open_too(server: RunningServer):
    assert await opened(server, origin=f"http://127.0.0.1:{server.port}") == "open 0"


@attempt(2, "gate", "A page of another site opens a socket of the running server.")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
async def test_a_socket_of_another_site_gets_403(server: RunningServer, origin: str):
    assert await opened(server, origin=origin) == "403"


@pytest.mark.parametrize("tab", ["xxxxxxxx", "1", "%00"])
async def test_a_token_that_is_no_uuid_gets_403(server: RunningServer, tab: str):
    assert await opened(server, tab=tab) == "403"


NONCE = re.compile('nonce="[^"]+"')


@attempt(194, "gate", "Reflex's own upload is asked of the running server.")
@pytest.mark.parametrize("path", ["/_upload", "/uploaded_files/x", "/auth-codespace", "/_all_routes", "/_event/"])
async def test_what_reflex_brings_along_is_not_there(server: RunningServer, path: str):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.post(path, headers={"reflex-client-token": str(uuid4())})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        page = await client.get(path, params={"redirect_to": "javascript:alert(1)"})
        nowhere = await client.get("/nothing-here")
        assert (page.status_code, NONCE.sub("", page.text)) == (404, NONCE.sub("", nowhere.text))
        assert "<html" in page.text


@pytest.mark.parametrize("path", ["//evil.example/", "/%2f/evil.example", "/%5cevil.example", "/inbox", "/assets"])
async def test_nobody_is_sent_elsewhere(server: RunningServer, path: str):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.get(
            httpx2.URL(server.url).copy_with(raw_path=path.encode()), headers={"host": "evil.example"}
        )
    assert "location" not in answer.headers


@pytest.fixture
async def its_database(server: RunningServer) -> AsyncIterator[None]:
    """This process sees what the server sees."""
    db.connect(app_url=server.database.app, platform_url=server.database.platform)
    forget_everybody()
    yield
    await db.disconnect()


@attempt(195, "gate", "A live tab's token is used by another session on the running server.")
async def test_a_tab_stays_with_its_session(server: RunningServer, its_database: None):
    """Nobody else gets in while the first is connected, nor afterwards."""
    tab, cookies = str(uuid4()), []
    for name in ("First", "Second"):
        email = f"{name.lower()}-{tab}@doors.example"
        await make_company(f"{name} Door", name, email=email)
        cookies.append((await cookie_of(email))[1])
    hers, foreign = ({"Cookie": cookie} for cookie in cookies)
    async with connect(socket_url(server, tab), origin=server.url, additional_headers=hers) as socket:  # type: ignore[arg-type]
        assert str(await socket.recv())[:1] == "0"
        assert await opened(server, tab=tab, additional_headers=foreign) == "403"
        assert await opened(server, tab=tab) == "403"
    assert await opened(server, tab=tab, additional_headers=foreign) == "403"
    assert await opened(server, tab=tab, additional_headers=hers) == "open 0"
    assert await opened(server, additional_headers=foreign) == "open 0"


async def test_pages_come_with_their_policy(server: RunningServer):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/login")
    policy = answer.headers["content-security-policy"]
    assert "'sha256-" in policy
    assert "script-src 'self' 'unsafe-eval' 'sha256-" in policy
