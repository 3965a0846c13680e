"""Outgoing requests to addresses that a company chose: they reach the public internet and nothing of ours.

The name is resolved once, every answer is checked, and the connection goes to a checked address, so that a name cannot
point elsewhere between check and use. No redirects, no proxies of the environment. An answer has a limited size and comes
as it is: a packed one is refused, because a few hundred kilobytes of it unpack to gigabytes. All of it, from the first
byte asked to the last byte read, has one deadline, which a server that drips does not extend.
`SAASBOT_ALLOW_PRIVATE_URLS=1` lifts the check of addresses (tests, one-box installs).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import httpcore2
import httpx2

from saasbot.infra.public_address import addresses_of, are_public
from saasbot.infra.settings import settings

MAX_ANSWER_BYTES = 5_000_000
TOTAL_SECONDS = 40.0
"""Of one request and its answer: a model that thinks for 20 seconds and then writes is within it."""


class RefusedAddress(httpx2.ConnectError):
    """The name leads to an address that is not on the public internet."""


class RefusedAnswer(httpx2.ReadError):
    """The answer is packed or too large. Asking again would bring the same."""


class SafeTransport(httpx2.AsyncHTTPTransport):
    """Connections of one process to such addresses. Keep one and share it: it pools by host."""

    def __init__(self, *, max_connections: int = 50, total_seconds: float = TOTAL_SECONDS) -> None:
        super().__init__(trust_env=False)
        self._total_seconds = total_seconds
        # httpx2 has no parameter for it, the pool beneath has
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=max_connections,
            max_keepalive_connections=20,
            keepalive_expiry=30.0,
            network_backend=_CheckedNetwork(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises: RefusedAddress, RefusedAnswer, and what httpx2 raises (ReadTimeout when all of it takes too long)."""
        request.headers["Accept-Encoding"] = "identity"
        ends = asyncio.get_running_loop().time() + self._total_seconds
        try:
            async with _until(ends, request):
                response = await super().handle_async_request(request)
        except _Refused as error:
            raise RefusedAddress(str(error), request=request) from None
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            await stream.aclose()
            raise RefusedAnswer("the answer is packed, which was not asked for", request=request)
        # clients are shared: a cookie would be kept for ever, and go out with another company's requests
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"set-cookie"]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            stream=_Limited(stream, request, ends),
            extensions=response.extensions,
        )


@asynccontextmanager
async def _until(ends: float, request: httpx2.Request) -> AsyncIterator[None]:
    """What is inside ends at this time of the loop's clock. Raises: ReadTimeout."""
    try:
        async with asyncio.timeout_at(ends):
            yield
    except TimeoutError:
        raise httpx2.ReadTimeout("the answer took too long", request=request) from None


class _Refused(Exception):
    pass


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._inner = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if not settings().allow_private_urls:
            host = await _resolve(host, port, timeout)
        return await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise _Refused("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def _resolve(host: str, port: int, timeout: float | None) -> str:
    """The first address of the host, all of which are public."""
    try:
        async with asyncio.timeout(timeout):
            addresses = await addresses_of(host, port)
    except TimeoutError:
        raise httpcore2.ConnectTimeout from None
    except OSError as error:
        raise httpcore2.ConnectError(str(error)) from None
    if not are_public(addresses):
        raise _Refused(f"{host} is not on the public internet")
    return addresses[0]


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request, ends: float) -> None:
        self._stream = stream
        self._request = request
        self._ends = ends

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        chunks = aiter(self._stream)
        while True:
            # around each chunk and not around the loop: a timeout must not be open while others run
            async with _until(self._ends, self._request):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise RefusedAnswer("the answer is too large", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
