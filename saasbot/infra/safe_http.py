"""Outgoing requests to addresses that a company chose: they reach the public internet and nothing of ours.

The name is resolved once, every answer is checked, and the connection goes to a checked address, so that a name cannot
point elsewhere between check and use. No redirects, no proxies of the environment, answers of a limited size.
`SAASBOT_ALLOW_PRIVATE_URLS=1` lifts the check of addresses (tests, one-box installs).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import httpcore2
import httpx2

from saasbot.infra.public_address import addresses_of, are_public
from saasbot.infra.settings import settings

MAX_ANSWER_BYTES = 5_000_000


class RefusedAddress(httpx2.ConnectError):
    """The name leads to an address that is not on the public internet."""


class SafeTransport(httpx2.AsyncHTTPTransport):
    """Connections of one process to such addresses. Keep one and share it: it pools by host."""

    def __init__(self, *, max_connections: int = 50) -> None:
        super().__init__(trust_env=False)
        # httpx2 has no parameter for it, the pool beneath has
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=max_connections,
            max_keepalive_connections=20,
            keepalive_expiry=30.0,
            network_backend=_CheckedNetwork(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises: RefusedAddress, and what httpx2 raises."""
        try:
            response = await super().handle_async_request(request)
        except _Refused as error:
            raise RefusedAddress(str(error), request=request) from None
        stream = response.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Limited(stream, request),
            extensions=response.extensions,
        )


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
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise httpx2.ReadError("the answer is too large", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
