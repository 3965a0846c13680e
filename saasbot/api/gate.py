"""The gate in front of everything, http and websocket alike: pure ASGI, so that nothing passes beside it.

It refuses before Reflex or the API see a request: foreign origins, Reflex's own upload, too much, too often. It puts the
client's real address into the scope (proxies are believed only as far as `SAASBOT_TRUSTED_PROXY_HOPS` says) and the
security headers onto every answer.
"""

import ipaddress
import itertools
import math
import os
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saasbot.api.headers import Header, SecurityHeaders
from saasbot.api.limits import (
    LONGEST_MESSAGE,
    MESSAGES,
    MOST_SOCKETS,
    OWN_MACHINE,
    SOCKETS,
    Buckets,
    body_limit,
    rate_of,
)
from saasbot.api.problems import problem
from saasbot.api.tab_bindings import TabBindings, is_tab_token
from saasbot.infra import session_cookie
from saasbot.infra.logging import get_logger
from saasbot.infra.origins import is_loopback_host, is_own_origin
from saasbot.infra.settings import settings

log = get_logger(__name__)

_ROOT = Path(__file__).resolve().parents[2]
_SOCKET_PATH = "/_event"
_BLOCKED = ("/_upload", "/uploaded_files", "/_all_routes", "/auth-codespace")
_ONLY_HERE = ("/sim/", "/dev/")
_COOKIE_PATHS = ("/uploads", "/auth/")
_BEARER_PATHS = ("/api/v1/",)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_sockets_numbered = itertools.count()
_TOO_BIG, _POLICY_VIOLATION = 1009, 1008  # RFC 6455 §7.4.1


def built_pages() -> Path:
    """Where Reflex leaves the built pages."""
    return Path(os.environ.get("REFLEX_WEB_WORKDIR", str(_ROOT / ".web"))) / "build" / "client"


class Gate:
    """Wraps the whole application: the last of `rx.App(api_transformer=[…, Gate])`."""

    def __init__(self, app: ASGIApp, built: Path | None = None) -> None:
        self._app = app
        self._headers = SecurityHeaders(settings(), built or built_pages())
        self._buckets = Buckets()
        self._tabs = TabBindings()
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(_with_real_client(scope), receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(_with_real_client(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, send = scope["path"], self._with_headers(scope, send)
        if refusal := self._refusal(scope):
            status, code, detail, retry_after = refusal
            log.info("gate.refused", code=code, path=path, client=_client(scope))
            headers = {"Retry-After": str(retry_after)} if retry_after else None
            await problem(status, code, detail, headers=headers)(scope, receive, send)
            return
        body = _LimitedBody(receive, send, body_limit(path))
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if not body.overflowed:
                raise
        if body.overflowed and not body.answered:
            await problem(413, "too_large", "This is larger than what is accepted here.")(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, str, int] | None:
        """Status, code, sentence and seconds to wait, when the request must not pass."""
        path = scope["path"]
        if path.startswith(_BLOCKED):
            return 404, "not_found", "There is nothing at this address.", 0
        if path.startswith(_ONLY_HERE) and not is_loopback_host(_header(scope, b"host")):
            return 403, "foreign_host", "This address only answers by the name of this machine.", 0
        if not _origin_may(scope):
            return 403, "foreign_origin", "Requests from other sites are refused.", 0
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > body_limit(path):
            return 413, "too_large", "This is larger than what is accepted here.", 0
        if wait := self._wait(scope):
            return 429, "too_many_requests", "Too many requests. Try again in a moment.", math.ceil(wait)
        return None

    def _wait(self, scope: Scope) -> float:
        """Seconds until the address, and the session if there is one, may ask this again; 0 for now."""
        if (budget := rate_of(scope["path"])) is None:
            return 0.0
        name, rate = budget
        client = _client(scope)
        asking = [client]
        if session := session_cookie.token_in(_header(scope, b"cookie")):
            asking.append(f"session {session}")
        return max(self._buckets.spend(name, whose, rate, factor=_factor(client)) for whose in asking)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = _client(scope)
        if reason := await self._socket_refusal(scope):
            log.warning("gate.socket_refused", reason=reason, client=client)
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        messages = _LimitedMessages(receive, send, self._buckets, _factor(client))
        self._sockets[client] += 1
        try:
            await self._app(scope, messages.receive, messages.send)
        finally:
            self._sockets[client] -= 1
            if self._sockets[client] <= 0:
                del self._sockets[client]

    async def _socket_refusal(self, scope: Scope) -> str | None:
        client = _client(scope)
        if not scope["path"].startswith(_SOCKET_PATH):
            return "path"
        if not is_own_origin(_header(scope, b"origin")):
            return "origin"
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if len(tokens) != 1 or not is_tab_token(tokens[0]):
            return "tab_token"
        if self._sockets[client] >= MOST_SOCKETS * _factor(client):
            return "too_many_sockets"
        if self._buckets.spend("sockets", client, SOCKETS, factor=_factor(client)):
            return "too_often"
        if not await self._tabs.allows(tokens[0], session_cookie.token_in(_header(scope, b"cookie"))):
            return "foreign_tab"
        return None

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._headers.add(scope["path"], message.get("headers", ()))
                message = {**message, "headers": [*headers, *_renewed_cookie(scope, message)]}
            await send(message)

        return send_with_headers


class _LimitedBody:
    """A request's body up to a limit, counted as it arrives; what comes after counts as a lost client and answers 413."""

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send, self._left = receive, send, limit
        self.overflowed = self.answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.overflowed = True
                return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        if self.overflowed and not self.answered:
            return  # what the application says about the cut body is not the reason
        self.answered = True
        await self._send(message)


class _LimitedMessages:
    """A socket's messages up to a size and a rate; one too many closes it."""

    def __init__(self, receive: Receive, send: Send, buckets: Buckets, factor: float) -> None:
        self._receive, self._send, self._buckets, self._factor = receive, send, buckets, factor
        self._number = str(next(_sockets_numbered))
        self._closed = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        size = len(message.get("text") or "") or len(message.get("bytes") or b"")
        if size > LONGEST_MESSAGE:
            return await self._close(_TOO_BIG)
        if self._buckets.spend("messages", self._number, MESSAGES, factor=self._factor):
            return await self._close(_POLICY_VIOLATION)
        return message

    async def send(self, message: Message) -> None:
        if not self._closed:
            await self._send(message)

    async def _close(self, code: int) -> Message:
        if not self._closed:
            log.warning("gate.socket_closed", code=code)
            self._closed = True
            await self._send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}


def _origin_may(scope: Scope) -> bool:
    """Whether the request's origin may do this. Where a cookie is the proof, unsafe methods must name our own origin."""
    path, origin = scope["path"], _header(scope, b"origin")
    if scope["method"] in _SAFE_METHODS or path.startswith(_BEARER_PATHS):
        return True
    if not origin:
        return not path.startswith(_COOKIE_PATHS)
    return is_own_origin(origin)


def _with_real_client(scope: Scope) -> Scope:
    """The scope with the client's address: the peer's, or what the outermost trusted proxy saw."""
    hops = settings().trusted_proxy_hops
    if not hops:
        return scope
    forwarded = [part.strip() for part in _header(scope, b"x-forwarded-for").split(",") if part.strip()]
    if len(forwarded) < hops:
        return scope
    try:
        address = str(ipaddress.ip_address(forwarded[-hops]))
    except ValueError:
        return scope
    return {**scope, "client": (address, 0)}


def _client(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "unknown"


def _factor(client: str) -> float:
    try:
        here = ipaddress.ip_address(client).is_loopback
    except ValueError:
        return 1.0
    return OWN_MACHINE if here and not settings().is_production else 1.0


def _header(scope: Scope, name: bytes) -> str:
    """The header's value, repeated ones joined as HTTP says; empty when it is absent."""
    separator = b"; " if name == b"cookie" else b", "
    return separator.join(value for key, value in scope["headers"] if key == name).decode("latin-1")


def _renewed_cookie(scope: Scope, message: Message) -> list[Header]:
    """With every page the cookie lives 30 days more, as the session does; a page that sets it itself is left alone."""
    names = {name.lower(): value for name, value in message.get("headers", ())}
    if b"set-cookie" in names or not names.get(b"content-type", b"").startswith(b"text/html"):
        return []
    token = session_cookie.token_in(_header(scope, b"cookie"))
    if not token or scope["method"] != "GET" or message["status"] != 200:
        return []
    return [(b"set-cookie", session_cookie.set_cookie(token).encode("latin-1"))]
