"""The gate in front of everything, http and websocket alike: pure ASGI, so that nothing passes beside it.

It refuses before Reflex or the API see a request: what is at no address, foreign origins, too much, too often. It answers with the
built pages, puts the client's real address into the scope (`clients.py`) and the security headers onto every answer.
"""

import math
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saasbot.api.bodies import ArrivingBody, Sender, Traffic
from saasbot.api.built_pages import BuiltPages, built_pages
from saasbot.api.clients import client_of, header, is_from_this_machine, network_of, session_of, with_real_client
from saasbot.api.headers import Header, SecurityHeaders
from saasbot.api.known_paths import KnownPaths
from saasbot.api.limits import (
    MOST_BODIES,
    MOST_BODIES_OF_A_SESSION,
    OWN_MACHINE,
    Buckets,
    Budget,
    body_limit,
    is_json,
    rate_of,
    rate_of_refusals,
)
from saasbot.api.refusals import FOREIGN_HOST, FOREIGN_ORIGIN, NOTHING_HERE, TOO_LARGE, Refusal, RefusalLog, too_often
from saasbot.api.socket_gate import SocketGate
from saasbot.infra import session_cookie
from saasbot.infra.db import UNAVAILABLE
from saasbot.infra.origins import is_loopback_host, is_own_origin
from saasbot.infra.settings import settings

_ONLY_HERE = ("/sim/", "/dev/")
_COOKIE_PATHS = ("/uploads", "/auth/")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Wraps the whole application: the last of `rx.App(api_transformer=[…, Gate])`."""

    def __init__(self, app: ASGIApp, built: Path | None = None) -> None:
        self._app = app
        built = built or built_pages()
        self._headers = SecurityHeaders(settings())
        self._pages = BuiltPages(settings(), built)
        self._paths = KnownPaths(built, self._pages)
        self._buckets, self._refusals = Buckets(), RefusalLog()
        self._traffic = Traffic(self._buckets)
        self._sockets = SocketGate(app, self._buckets, self._refusals)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = with_real_client(scope)
        network, factor = network_of(client_of(scope)), _factor(scope)
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send, network=network, factor=factor)
        else:
            await self._http(scope, receive, self._with_headers(scope, send), network=network, factor=factor)

    async def _http(self, scope: Scope, receive: Receive, send: Send, *, network: str, factor: float) -> None:
        path = scope["path"]
        refusal = self._refusal(scope)
        budget = rate_of_refusals() if refusal else rate_of(path)
        if refusal := self._too_often(budget, network, factor) or refusal:
            await self._refuse(refusal, scope, receive, send)
            return
        if page := self._pages.answer(scope):
            await page(scope, receive, send)
            return
        senders: list[Sender] = [(network, MOST_BODIES)]
        if path.startswith(_COOKIE_PATHS) and (session := await _known_session(scope)):
            senders.append((session, MOST_BODIES_OF_A_SESSION))
            if refusal := self._too_often(rate_of(path), session, factor):
                await self._refuse(refusal, scope, receive, send)
                return
        body = ArrivingBody(
            receive,
            send,
            self._traffic,
            senders,
            limit=body_limit(path),
            is_json=is_json(path),
            factor=factor,
        )
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if not body.refusal:
                raise
        finally:
            body.end()
        if body.refusal and not body.answered:
            await self._refuse(body.refusal, scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        """Why the request must not pass, whoever asks."""
        path = scope["path"]
        if not self._paths.know(path) or (path.startswith("/demo-model/") and not settings().demo):
            return NOTHING_HERE
        if path.startswith(_ONLY_HERE) and not is_loopback_host(header(scope, b"host")):
            return FOREIGN_HOST
        if not _origin_may(scope):
            return FOREIGN_ORIGIN
        length = header(scope, b"content-length")
        if length.isdigit() and int(length) > body_limit(path):
            return TOO_LARGE
        return None

    def _too_often(self, budget: Budget | None, whose: str, factor: float) -> Refusal | None:
        if budget is None:
            return None
        wait = self._buckets.spend(budget[0], whose, budget[1], factor=factor)
        return too_often(math.ceil(wait)) if wait else None

    async def _refuse(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        self._refusals.note("gate.refused", refusal.code, path=scope["path"][:200], client=client_of(scope))
        page = self._pages.not_found(scope) if refusal is NOTHING_HERE else None
        await (page or refusal.answer())(scope, receive, send)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._headers.add(scope["path"], message.get("headers", ()))
                message = {**message, "headers": [*headers, *_renewed_cookie(scope, message)]}
            await send(message)

        return send_with_headers


def _origin_may(scope: Scope) -> bool:
    """Whether a page of this origin may do this. Where a cookie is the proof, unsafe methods must name our own origin."""
    path, origin = scope["path"], header(scope, b"origin")
    if scope["method"] in _SAFE_METHODS:
        return True
    return is_own_origin(origin) if origin else not path.startswith(_COOKIE_PATHS)


async def _known_session(scope: Scope) -> str:
    """A name for the live session of the cookie, empty without one: a cookie that anybody can invent has no budget."""
    try:
        session = await session_of(scope)
    except UNAVAILABLE:  # the application says so better
        return ""
    return f"session {session.session_id}" if session else ""


def _factor(scope: Scope) -> float:
    return OWN_MACHINE if not settings().is_production and is_from_this_machine(scope) else 1.0


def _renewed_cookie(scope: Scope, message: Message) -> list[Header]:
    """With every page the cookie lives 30 days more, as the session does; a page that sets it itself is left alone."""
    names = {name.lower(): value for name, value in message.get("headers", ())}
    if b"set-cookie" in names or not names.get(b"content-type", b"").startswith(b"text/html"):
        return []
    token = session_cookie.token_in(header(scope, b"cookie"))
    if not token or scope["method"] != "GET" or message["status"] != 200:
        return []
    return [(b"set-cookie", session_cookie.set_cookie(token).encode("latin-1"))]
