"""Every connection of one library client goes through here, because the library's own dialing can neither time out nor be
cancelled: it hangs behind a silent network, and cancelling it freezes the event loop.

A dialer is an HTTP CONNECT proxy on a loopback port, one per client, open to that client alone (password) and to WhatsApp's
hosts alone. It connects with a deadline, through the proxy of the number, else the machine's own (`HTTPS_PROXY`, `NO_PROXY`)
if there is one. What stands and carries nothing is cut, and `abort` cuts everything at once: to the library that is a refused or
lost connection, which it handles well.

The library keeps a file in memory as far as it comes, and looks at its announced length only then. So what comes while a file is
fetched is counted here, and too much of it is cut (`fetching`).
"""

import asyncio
import base64
import contextlib
import hmac
import secrets
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.proxies import ProxyFailed, Streams, ask_http, dial_through

log = get_logger(__name__)

DIAL_SECONDS = 15
IDLE_SECONDS = 90
"""A connection on which nothing moves for so long is dead: WhatsApp's own has pings, and what carries files is made anew."""
_HOSTS = (".whatsapp.com", ".whatsapp.net")
_FILE_HOSTS = ".whatsapp.net"
"""The library's own connection is to the others."""
BESIDE_A_FILE = 32 * 1024 * 1024
"""Bytes that may come from there while a file does: a part of the phone's history, which the library fetches by itself."""
_PORT = 443
_HEADER_LIMIT = 16 * 1024
_CHUNK = 64 * 1024


class DialRefused(Exception):
    """The connection is not made; the message is for the log."""


@dataclass(slots=True, eq=False)
class _Allowance:
    left: int
    """Bytes."""


class Dialer:
    """`on_dial` is told of each connection that is asked for, `before_answer` is awaited before the client learns that one
    stands."""

    def __init__(
        self,
        *,
        on_dial: Callable[[], None] = lambda: None,
        before_answer: Callable[[], Awaitable[None]] | None = None,
        proxy: str | None = None,
    ) -> None:
        self._on_dial = on_dial
        self._before_answer = before_answer
        self._proxy = proxy
        self.proxy_failed = False
        """The last connection that was asked for failed at the number's proxy."""
        self._secret = secrets.token_urlsafe(18)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._refusing = False
        self._allowance: _Allowance | None = None

    async def start(self) -> str:
        """The proxy's URL for the client, with its password."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_HEADER_LIMIT)
        port = self._server.sockets[0].getsockname()[1]
        return f"http://saasbot:{self._secret}@127.0.0.1:{port}"

    @contextlib.contextmanager
    def fetching(self, size: int) -> Iterator[None]:
        """While a file of so many bytes comes: once, and once more where the library begins anew. One at a time."""
        allowance = self._allowance = _Allowance(2 * size + BESIDE_A_FILE)
        try:
            yield
        finally:
            if self._allowance is allowance:  # one that was given up may end while the next one comes
                self._allowance = None

    def abort(self) -> None:
        """Cut what stands, fail what is being dialed, refuse what comes."""
        self._refusing = True
        for task in self._open:
            task.cancel()

    async def close(self) -> None:
        """Afterwards nothing listens and no connection stands."""
        self.abort()
        if self._server is not None:
            self._server.close()
        if self._open:
            await asyncio.wait(self._open)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client went away, or `abort` was called: both ends are closed below
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        try:
            host = self._authorised_host(request)
            self._on_dial()
            upstream = await self._dial(host)
        except (DialRefused, ProxyFailed, OSError, TimeoutError) as error:
            log.info("dialer.refused", error=str(error) or type(error).__name__)
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        try:
            if self._before_answer is not None:
                await self._before_answer()
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _relay((reader, writer), upstream, partial(self._may_pass, host))
        except TimeoutError:
            log.info("dialer.cut", host=host, silent_seconds=IDLE_SECONDS)
        finally:
            upstream[1].close()

    def _may_pass(self, host: str, size: int) -> bool:
        """Whether the client may have so many bytes more from this host."""
        if self._allowance is None or not host.endswith(_FILE_HOSTS):
            return True
        self._allowance.left -= size
        if self._allowance.left < 0:
            log.warning("dialer.file_too_long", host=host)
        return self._allowance.left >= 0

    async def _dial(self, host: str) -> Streams:
        """Raises: DialRefused, OSError, ProxyFailed, TimeoutError."""
        if self._proxy is None:
            async with asyncio.timeout(DIAL_SECONDS):
                return await _dial(host)
        self.proxy_failed = True
        async with asyncio.timeout(DIAL_SECONDS):
            streams = await dial_through(self._proxy, host, _PORT)
        self.proxy_failed = False
        return streams

    def _authorised_host(self, request: bytes) -> str:
        """The WhatsApp host that this client may reach. Raises: DialRefused."""
        line, *headers = request.decode("latin-1").split("\r\n")
        method, target, *_ = [*line.split(" "), "", ""]
        host, _, port = target.rpartition(":")
        given = next((h.partition(":")[2].strip() for h in headers if h.lower().startswith("proxy-authorization:")), "")
        expected = "Basic " + base64.b64encode(f"saasbot:{self._secret}".encode()).decode()
        if self._refusing:
            raise DialRefused("this number is being disconnected")
        if not hmac.compare_digest(given, expected):
            raise DialRefused("not our client")
        if method != "CONNECT" or port != str(_PORT) or not host.endswith(_HOSTS):
            raise DialRefused("not a host of WhatsApp")
        return host


async def _dial(host: str) -> Streams:
    """A connection to the host, through the machine's proxy if it has one. Raises: DialRefused, OSError, ProxyFailed."""
    proxy = None if proxy_bypass(host) else getproxies().get("https")
    if not proxy:
        return await asyncio.open_connection(host, _PORT, happy_eyeballs_delay=0.25)
    url = urlsplit(proxy)
    if url.scheme not in ("http", "https") or url.hostname is None:
        raise DialRefused("HTTPS_PROXY must be an http:// or https:// proxy")
    tls = ssl.create_default_context() if url.scheme == "https" else None
    reader, writer = await asyncio.open_connection(url.hostname, url.port or (443 if tls else 80), ssl=tls)
    try:
        await ask_http((reader, writer), url, host, _PORT)
    except BaseException:
        writer.close()
        raise
    return reader, writer


async def _relay(client: Streams, upstream: Streams, may_pass: Callable[[int], bool]) -> None:
    """Carry bytes both ways until either side ends, or so many come that they may not pass. Raises: TimeoutError, when nothing
    moves."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(IDLE_SECONDS) as patience:

        def moved() -> None:
            patience.reschedule(loop.time() + IDLE_SECONDS)

        ways = {
            asyncio.ensure_future(_copy(client[0], upstream[1], moved)),
            asyncio.ensure_future(_copy(upstream[0], client[1], moved, may_pass)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


async def _copy(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    moved: Callable[[], None],
    may_pass: Callable[[int], bool] = lambda _size: True,
) -> None:
    with contextlib.suppress(OSError):
        while (data := await reader.read(_CHUNK)) and may_pass(len(data)):
            writer.write(data)
            await writer.drain()
            moved()
