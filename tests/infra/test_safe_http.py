"""Requests to addresses that a company chose do not reach this machine or its neighbours."""

import asyncio
import contextlib
import gzip
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator

import httpx2
import pytest

from saasbot.infra import safe_http
from saasbot.infra.public_address import is_public
from saasbot.infra.safe_http import RefusedAddress, RefusedAnswer, SafeTransport
from saasbot.infra.settings import settings
from tests.attack.attempts import attempt


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_an_address_of_ours_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


BOMB = gzip.compress(bytes(50_000_000), 9)
"""50 MB in 50 kB."""


@pytest.fixture
async def server() -> AsyncIterator[int]:
    """A server of this machine that answers everything with a little, /big with a lot, and worse by other paths."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = b"x" * 6_000_000 if b"/big" in head else b"hello"
        if b"/bomb" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)
        elif b"/asked" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(head) + head)
        elif b"/cookie" in head:
            cookie = b"Set-Cookie: who=a-company; Path=/\r\nset-cookie: b=c\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n%bX-Kept: yes\r\nContent-Length: 0\r\n\r\n" % cookie)
        elif b"/drip" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.02)
        elif b"/silent" in head:
            await reader.read()
        elif b"/away" in head:
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield running.sockets[0].getsockname()[1]
    running.close()


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=SafeTransport(), timeout=5) as opened:
        yield opened


@attempt(89, "out", "A company's address names this machine by one of its many spellings.")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_refused_by_any_name(client: httpx2.AsyncClient, server: int, host: str) -> None:
    with pytest.raises(RefusedAddress):
        await client.get(f"http://{host}:{server}/")


@attempt(90, "out", "A name resolves to a public and a private address.")
async def test_one_private_answer_among_public_ones_is_refused(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two_answers(*_: object, **__: object) -> list[tuple]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("1.1.1.1", 80)), (*kind, ("10.0.0.1", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two_answers)
    with pytest.raises(RefusedAddress):
        await client.get("http://rebinding.example/")


@attempt(204, "out", "A name is rebound to this machine between two requests.")
async def test_a_name_that_moves_to_this_machine_is_refused_the_second_time(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def moves(host: str, port: int, **_: object) -> list[tuple]:
        asked.append(host)
        address = "1.1.1.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected = []

    async def connect(self: object, host: str, port: int, *_: object) -> None:
        connected.append(host)
        raise OSError("enough: the test is about where, not what")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", moves)
    monkeypatch.setattr("httpcore2.AnyIOBackend.connect_tcp", connect)
    with pytest.raises((httpx2.ConnectError, OSError)):
        await client.get("http://rebinding.example/")
    with pytest.raises(RefusedAddress):
        await client.get("http://rebinding.example/")
    assert (asked, connected) == (["rebinding.example"] * 2, ["1.1.1.1"])


@pytest.fixture
def this_machine_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = settings().model_copy(update={"allow_private_urls": True})
    monkeypatch.setattr(safe_http, "settings", lambda: allowed)


@attempt(91, "out", "A server redirects us elsewhere, or answers without an end.")
@pytest.mark.usefixtures("this_machine_allowed")
async def test_with_the_setting_this_machine_is_reached_but_redirects_are_not_followed_and_answers_have_a_limit(
    client: httpx2.AsyncClient, server: int
) -> None:
    assert (await client.get(f"http://127.0.0.1:{server}/")).text == "hello"
    assert (await client.get(f"http://127.0.0.1:{server}/away")).status_code == 302
    with pytest.raises(RefusedAnswer, match="too large"):
        await client.get(f"http://127.0.0.1:{server}/big")


@attempt(205, "out", "A model server answers with an archive bomb.")
@pytest.mark.usefixtures("this_machine_allowed")
async def test_a_packed_answer_is_refused_before_it_is_unpacked(client: httpx2.AsyncClient, server: int) -> None:
    asked = (await client.get(f"http://127.0.0.1:{server}/asked", headers={"Accept-Encoding": "gzip"})).text
    assert "accept-encoding: identity" in asked.lower()
    assert "gzip" not in asked
    tracemalloc.start()
    try:
        with pytest.raises(RefusedAnswer, match="packed"):
            await client.get(f"http://127.0.0.1:{server}/bomb")
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@attempt(206, "out", "A model server answers a byte at a time.")
@pytest.mark.parametrize("path", ["drip", "silent"])
@pytest.mark.usefixtures("this_machine_allowed")
async def test_an_answer_has_one_deadline_however_it_comes(server: int, path: str) -> None:
    began = time.monotonic()
    async with httpx2.AsyncClient(transport=SafeTransport(total_seconds=1.5), timeout=5) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.get(f"http://127.0.0.1:{server}/{path}")
        assert (await client.get(f"http://127.0.0.1:{server}/")).text == "hello"
    assert time.monotonic() - began < 20


@attempt(255, "out", "A model server sets a cookie, to know the next company by it.")
@pytest.mark.usefixtures("this_machine_allowed")
async def test_a_cookie_of_a_server_is_not_kept(client: httpx2.AsyncClient, server: int) -> None:
    answer = await client.get(f"http://127.0.0.1:{server}/cookie")
    assert (answer.status_code, answer.headers["x-kept"], "set-cookie" in answer.headers) == (200, "yes", False)
    assert list(client.cookies.jar) == []
    assert "cookie" not in (await client.get(f"http://127.0.0.1:{server}/asked")).text.lower()
