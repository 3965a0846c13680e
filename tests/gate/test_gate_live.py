"""The gate as it stands before the real server: sockets opened by hand."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.attack.attempts import attempt
from tests.fixtures.server import RunningServer


async def opened(server: RunningServer, *, tab: str | None = None, origin: str | None = None, **more: Any) -> str:
    """`open` with the first frame of Engine.IO, or the status of the refusal."""
    url = f"ws://localhost:{server.port}/_event/?token={tab or uuid4()}&EIO=4&transport=websocket"
    try:
        async with connect(url, origin=origin or server.url, **more) as socket:  # type: ignore[arg-type]
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


@attempt(7, "gate", "Reflex's own upload is called on the running server with a made-up tab.")
async def test_the_upload_of_reflex_is_not_there(server: RunningServer):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.post("/_upload", headers={"reflex-client-token": str(uuid4())})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_pages_come_with_their_policy(server: RunningServer):
    async with httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.get("/login")
    policy = answer.headers["content-security-policy"]
    assert "'sha256-" in policy
    assert "script-src 'self' 'unsafe-eval' 'sha256-" in policy
