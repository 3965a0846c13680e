"""A connection through the proxy that a number's owner chose: SOCKS5 (RFC 1928, 1929) or HTTP CONNECT, host names resolved there.

The proxy's own address must be on the public internet, as every address that a company chose (`infra/public_address.py`).
"""

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import SplitResult, unquote, urlsplit

from saasbot.infra.public_address import checked_address

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PORTS = {"socks5": 1080, "socks5h": 1080, "http": 80, "https": 443}
_SOCKS, _CONNECT, _DOMAIN = 5, 1, 3
_ANONYMOUS, _PASSWORD = 0, 2
_BOUND_LENGTHS = {1: 4, 4: 16}


class ProxyFailed(Exception):
    """The proxy cannot be reached, is not allowed, or does not connect; the message is for the log and holds no secret."""


async def dial_through(proxy: str, host: str, port: int) -> Streams:
    """A connection to the host, from the proxy on. Raises: ProxyFailed. The caller sets the deadline."""
    try:
        url = urlsplit(proxy)
        streams = await _reach(url)
    except (OSError, ValueError) as error:
        raise ProxyFailed(str(error) or type(error).__name__) from error
    greet: Callable[[Streams, SplitResult, str, int], Awaitable[None]]
    greet = _socks if url.scheme.startswith("socks5") else ask_http
    try:
        await greet(streams, url, host, port)
    except (OSError, EOFError, asyncio.LimitOverrunError, IndexError) as error:
        streams[1].close()
        raise ProxyFailed(str(error) or "the proxy hung up") from error
    except BaseException:
        streams[1].close()
        raise
    return streams


async def _reach(url: SplitResult) -> Streams:
    if url.scheme not in _PORTS or url.hostname is None:
        raise ValueError("a proxy is socks5://, http:// or https:// and a host")
    port = url.port or _PORTS[url.scheme]
    address = await checked_address(url.hostname, port)
    if url.scheme != "https":
        return await asyncio.open_connection(address, port)
    tls = ssl.create_default_context()
    return await asyncio.open_connection(address, port, ssl=tls, server_hostname=url.hostname)


async def ask_http(streams: Streams, url: SplitResult, host: str, port: int) -> None:
    """HTTP CONNECT with the URL's name and password. Raises: ProxyFailed, OSError, EOFError."""
    authority = f"{host}:{port}"
    head = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n"
    if url.username is not None:
        pair = f"{unquote(url.username)}:{unquote(url.password or '')}"
        head += f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
    streams[1].write(head.encode("latin-1") + b"\r\n")
    answer = await streams[0].readuntil(b"\r\n\r\n")
    status = answer.split(b"\r\n", 1)[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        raise ProxyFailed(f"the proxy answered {status!r}")


async def _socks(streams: Streams, url: SplitResult, host: str, port: int) -> None:
    reader, writer = streams
    methods = [_ANONYMOUS] if url.username is None else [_ANONYMOUS, _PASSWORD]
    writer.write(bytes([_SOCKS, len(methods), *methods]))
    version, method = await reader.readexactly(2)
    if version != _SOCKS or method not in methods:
        raise ProxyFailed("the proxy takes no SOCKS5, or not with these credentials")
    if method == _PASSWORD:
        name, password = (unquote(part or "").encode()[:255] for part in (url.username, url.password))
        writer.write(b"\x01" + bytes([len(name)]) + name + bytes([len(password)]) + password)
        if (await reader.readexactly(2))[1] != 0:
            raise ProxyFailed("the proxy refused the name and password")
    domain = host.encode("idna")
    writer.write(bytes([_SOCKS, _CONNECT, 0, _DOMAIN, len(domain)]) + domain + port.to_bytes(2, "big"))
    _, reply, _, kind = await reader.readexactly(4)
    if reply != 0:
        raise ProxyFailed(f"the proxy did not connect: SOCKS5 reply {reply}")
    bound = _BOUND_LENGTHS.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(bound + 2)
