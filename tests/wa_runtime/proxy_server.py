"""A small proxy in front of the wire lab: HTTP CONNECT or SOCKS5, with a name and password, that counts what passes."""

import asyncio
import base64
from urllib.parse import urlsplit

NAME, PASSWORD = "tienda", "se:creto"


class ProxyServer:
    """Goes on through the lab's own proxy, as the internet would be behind a real one."""

    def __init__(self, kind: str, beyond: str) -> None:
        self._kind, self._beyond = kind, urlsplit(beyond)
        self.asked: list[str] = []
        """`host:port` of every connection that was asked for."""
        self.carried = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"{self._kind}://{NAME}:{PASSWORD.replace(':', '%3A')}@127.0.0.1:{port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            target = await (self._socks(reader, writer) if self._kind == "socks5" else self._http(reader))
            if target is None:
                return
            self.asked.append(target)
            beyond = await asyncio.open_connection(self._beyond.hostname, self._beyond.port)
            beyond[1].write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            await beyond[0].readuntil(b"\r\n\r\n")
            writer.write(b"\5\0\0\1\0\0\0\0\0\0" if self._kind == "socks5" else b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(self._carry(reader, beyond[1]), self._carry(beyond[0], writer))
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _http(self, reader: asyncio.StreamReader) -> str | None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        expected = base64.b64encode(f"{NAME}:{PASSWORD}".encode()).decode()
        return head.split(" ")[1] if f"Proxy-Authorization: Basic {expected}" in head else None

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
        _, count = await reader.readexactly(2)
        await reader.readexactly(count)
        writer.write(b"\5\2")
        _, length = await reader.readexactly(2)
        name = await reader.readexactly(length)
        password = await reader.readexactly((await reader.readexactly(1))[0])
        known = (name.decode(), password.decode()) == (NAME, PASSWORD)
        writer.write(b"\1\0" if known else b"\1\1")
        if not known:
            return None
        await reader.readexactly(4)
        host = await reader.readexactly((await reader.readexactly(1))[0])
        return f"{host.decode()}:{int.from_bytes(await reader.readexactly(2), 'big')}"

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.carried += len(data)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()
