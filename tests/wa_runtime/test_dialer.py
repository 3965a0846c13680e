"""Connections of the library: only to WhatsApp, only for our client, never longer than we want."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from saasbot.wa_runtime import dialer
from saasbot.wa_runtime.dialer import Dialer
from tests.attack.attempts import attempt


class Server:
    """The machine's own proxy, and WhatsApp behind it: answers what it is asked, keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        self.url = ""
        self.deaf = False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self.answer)
        if self.deaf:
            await asyncio.Event().wait()
        while data := await reader.read(1000):
            writer.write(data.upper())
        writer.close()


@pytest.fixture
async def behind(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    proxy = Server()
    listening = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.url = f"http://user:secret@127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield proxy
    listening.close()


class Client:
    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)

    async def ask(
        self, target: str, *, password: str | None = None
    ) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
        """CONNECT to a target; the status of the answer."""
        import base64

        reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port)
        secret = base64.b64encode(f"{self._url.username}:{password or self._url.password}".encode()).decode()
        writer.write(f"CONNECT {target} HTTP/1.1\r\nProxy-Authorization: Basic {secret}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        return head.split(" ")[1], reader, writer


async def test_bytes_pass_both_ways_through_the_machines_proxy(behind: Server):
    ours = Dialer()
    status, reader, writer = await Client(await ours.start()).ask("web.whatsapp.com:443")
    writer.write(b"hello")
    assert (status, await reader.readexactly(5)) == ("200", b"HELLO")
    assert behind.asked[0].startswith("CONNECT web.whatsapp.com:443 HTTP/1.1")
    assert "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=" in behind.asked[0]
    await ours.close()


@pytest.mark.parametrize(
    "target", ["example.com:443", "web.whatsapp.com:22", "whatsapp.com.example.com:443", "127.0.0.1:443"]
)
async def test_nothing_but_whatsapp_is_reached(behind: Server, target: str):
    ours = Dialer()
    status, *_ = await Client(await ours.start()).ask(target)
    assert (status, behind.asked) == ("502", [])
    await ours.close()


async def test_nobody_else_may_use_it(behind: Server):
    ours = Dialer()
    status, *_ = await Client(await ours.start()).ask("web.whatsapp.com:443", password="guess")
    assert (status, behind.asked) == ("502", [])
    await ours.close()


async def test_a_proxy_that_refuses_is_a_failed_dial(behind: Server):
    behind.answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
    ours = Dialer()
    assert (await Client(await ours.start()).ask("web.whatsapp.com:443"))[0] == "502"
    await ours.close()


async def test_a_silent_network_is_a_failed_dial(behind: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dialer, "DIAL_SECONDS", 0.05)
    behind.answer = b""
    ours = Dialer()
    assert (await Client(await ours.start()).ask("web.whatsapp.com:443"))[0] == "502"
    await ours.close()


async def test_aborting_cuts_what_stands_and_refuses_what_comes(behind: Server):
    ours = Dialer()
    client = Client(await ours.start())
    _, reader, _writer = await client.ask("web.whatsapp.com:443")
    ours.abort()
    assert await reader.read() == b""
    assert (await client.ask("web.whatsapp.com:443"))[0] == "502"
    await ours.close()


async def test_a_connection_on_which_nothing_moves_is_cut(behind: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dialer, "IDLE_SECONDS", 2)
    ours = Dialer()
    began = time.monotonic()
    _, reader, writer = await Client(await ours.start()).ask("mmg.whatsapp.net:443")
    for _ in range(3):  # what moves stands
        await asyncio.sleep(0.1)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"X"
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    assert time.monotonic() - began > 2.3
    await ours.close()


async def test_a_host_that_takes_nothing_more_is_cut(behind: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dialer, "IDLE_SECONDS", 0.2)
    behind.deaf = True
    ours = Dialer()
    _, reader, writer = await Client(await ours.start()).ask("mmg.whatsapp.net:443")
    writer.write(b"x" * 20_000_000)  # more than the buffers between hold
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
    await ours.close()


@attempt(283, "limits", "A customer sends a file that is much longer than it says.")
async def test_a_file_that_goes_on_and_on_is_cut(behind: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dialer, "BESIDE_A_FILE", 50_000)
    ours = Dialer()
    client = Client(await ours.start())

    async def comes(host: str) -> int:
        _, reader, writer = await client.ask(f"{host}:443")
        writer.write(b"x" * 200_000)
        try:
            async with asyncio.timeout(5):
                return len(await reader.readexactly(200_000))
        except asyncio.IncompleteReadError as cut:
            return len(cut.partial)
        except ConnectionError:
            return 0
        finally:
            writer.close()

    with ours.fetching(1):
        assert await comes("mmg.whatsapp.net") <= 50_002
        assert await comes("media.fna.whatsapp.net") == 0  # the library tries again, elsewhere
        assert await comes("web.whatsapp.com") == 200_000
    assert await comes("mmg.whatsapp.net") == 200_000
    with ours.fetching(100_000):
        assert await comes("mmg.whatsapp.net") == 200_000
    await ours.close()


async def test_the_client_learns_of_a_connection_only_when_we_let_it(behind: Server):
    order: list[str] = []

    async def before_answer() -> None:
        order.append("before answer")

    ours = Dialer(on_dial=lambda: order.append("dial"), before_answer=before_answer)
    await Client(await ours.start()).ask("web.whatsapp.com:443")
    assert order == ["dial", "before answer"]
    await ours.close()
