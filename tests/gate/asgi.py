"""Requests and sockets handed to an ASGI application directly, and what it answered."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Headers = dict[str, str]
OWN = "http://localhost:3000"
TAB = "0b9d5a3e-6f0c-4c5e-9d58-0d8c2f5a7b11"


@dataclass
class Answer:
    status: int = 0
    headers: Headers = field(default_factory=dict)
    body: bytes = b""


class Inner:
    """What stands behind the gate: reads the whole body, says OK, and remembers what reached it."""

    def __init__(self, headers: Headers | None = None) -> None:
        self.seen: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.messages: list[dict[str, Any]] = []
        self._headers = headers or {}

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        self.seen.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] != "websocket.disconnect":
                self.messages.append(message)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the client is gone")
            body += message["body"]
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": _raw(self._headers)})
        await send({"type": "http.response.body", "body": b"OK"})


async def request(
    app: Any,
    method: str,
    path: str,
    *,
    headers: Headers | None = None,
    body: Iterable[bytes] = (),
    client: str = "198.51.100.7",
) -> Answer:
    """One HTTP request; the body comes in the given pieces."""
    pieces = list(body) or [b""]
    queue = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces)}
        for number, piece in enumerate(pieces, 1)
    ]
    answer = Answer()

    async def receive() -> Any:
        return queue.pop(0) if queue else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            for name, value in message["headers"]:
                answer.headers[name.decode()] = value.decode("latin-1")
        else:
            answer.body += message.get("body", b"")

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": _raw({"host": "localhost:3000"} | (headers or {})),
        "client": (client, 40000),
        "scheme": "http",
    }
    await app(scope, receive, send)
    return answer


async def connect(
    app: Any,
    *,
    path: str = "/_event/",
    query: str = f"token={TAB}&transport=websocket",
    origin: str | None = OWN,
    cookie: str = "",
    messages: Iterable[dict[str, Any]] = (),
    client: str = "198.51.100.7",
) -> list[dict[str, Any]]:
    """Open a socket, send the messages, leave. Returns what the application sent."""
    queue = [{"type": "websocket.connect"}, *messages]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return queue.pop(0) if queue else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = (
        {"host": "localhost:3000"} | ({"origin": origin} if origin else {}) | ({"cookie": cookie} if cookie else {})
    )
    scope = {
        "type": "websocket",
        "path": path,
        "query_string": query.encode(),
        "headers": _raw(headers),
        "client": (client, 40000),
        "subprotocols": [],
    }
    await app(scope, receive, send)
    return sent


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
