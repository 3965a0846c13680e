"""The part of the gate before the socket of the pages: who may open one, how many, and how much may come through it."""

import asyncio
import itertools
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saasbot.api import limits
from saasbot.api.clients import client_of, header, session_of
from saasbot.api.limits import Buckets, Held
from saasbot.api.refusals import RefusalLog
from saasbot.api.tab_bindings import TabBindings, is_tab_token
from saasbot.api.tab_frames import TabFrames
from saasbot.infra.db import UNAVAILABLE
from saasbot.infra.logging import get_logger
from saasbot.infra.origins import is_own_origin

log = get_logger(__name__)

_PATH = "/_event"
_TOO_BIG, _POLICY_VIOLATION = 1009, 1008  # RFC 6455 §7.4.1
_numbered = itertools.count()


class SocketGate:
    """Refuses before Reflex sees anything of the handshake."""

    def __init__(self, app: ASGIApp, buckets: Buckets, refusals: RefusalLog) -> None:
        self._app, self._buckets, self._refusals = app, buckets, refusals
        self._tabs = TabBindings()
        self._open = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, network: str, factor: float) -> None:
        counted: list[str] = []
        try:
            if reason := await self._refusal(scope, counted, network=network, factor=factor):
                self._refusals.note("gate.socket_refused", reason, client=client_of(scope))
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
                return
            messages = _LimitedMessages(receive, send, self._buckets, self._refusals, network=network, factor=factor)
            await self._app(scope, messages.receive, messages.send)
        finally:
            for whose in counted:
                self._open.give_back(whose)

    async def _refusal(self, scope: Scope, counted: list[str], *, network: str, factor: float) -> str | None:
        """Why this socket may not open. Whom it was counted for meanwhile is in `counted`."""
        tab = _tab_of(scope)
        if not scope["path"].startswith(_PATH):
            return "path"
        if not is_own_origin(header(scope, b"origin")):
            return "origin"
        if tab is None:
            return "tab_token"
        if reason := self._one_too_many(network, limits.MOST_SOCKETS, counted, factor):
            return reason
        try:
            session = await session_of(scope)
            if session is not None:
                whose = f"session {session.session_id}"
                if reason := self._one_too_many(whose, limits.MOST_SOCKETS_OF_A_SESSION, counted, factor):
                    return reason
            return None if await self._tabs.allow(tab, session.session_id if session else None) else "foreign_tab"
        except UNAVAILABLE:  # the page tries again in a moment; without the database it could show nothing either
            return "database_away"

    def _one_too_many(self, whose: str, most: int, counted: list[str], factor: float) -> str | None:
        if not self._open.take(whose, most * factor):
            return "too_many_sockets"
        counted.append(whose)
        return "too_often" if self._buckets.spend("sockets", whose, limits.SOCKETS, factor=factor) else None


class _LimitedMessages:
    """A socket's messages up to a size and a rate; one too many closes it. Those of its network come at the network's rate, and
    what Reflex could not read does not come."""

    def __init__(
        self, receive: Receive, send: Send, buckets: Buckets, refusals: RefusalLog, *, network: str, factor: float
    ) -> None:
        self._receive, self._send = receive, send
        self._buckets, self._refusals, self._network, self._factor = buckets, refusals, network, factor
        self._number = str(next(_numbered))
        self._frames = TabFrames()
        self._closed = False

    async def receive(self) -> Message:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            size = len(message.get("text") or "") or len(message.get("bytes") or b"")
            if size > limits.LONGEST_MESSAGE:
                return await self._close(_TOO_BIG)
            if self._buckets.spend("messages", self._number, limits.MESSAGES, factor=self._factor):
                return await self._close(_POLICY_VIOLATION)
            if wait := self._wait(size):
                await asyncio.sleep(wait)
            if (fault := self._frames.fault(message.get("text"))) is None:
                return message
            self._refusals.note("gate.frame_refused", fault.value, network=self._network)

    def _wait(self, size: int) -> float:
        """Seconds until the network's turn."""
        draw, network, factor = self._buckets.draw, self._network, self._factor
        wait = draw("network_messages", network, limits.NETWORK_MESSAGES, 1, factor=factor)
        if size <= limits.SHORT_MESSAGE:
            return wait
        return max(wait, draw("long_messages", network, limits.LONG_MESSAGES, size, factor=factor))

    async def send(self, message: Message) -> None:
        if not self._closed:
            await self._send(message)

    async def _close(self, code: int) -> Message:
        if not self._closed:
            log.warning("gate.socket_closed", code=code)
            self._closed = True
            await self._send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}


def _tab_of(scope: Scope) -> str | None:
    """The token by which Reflex would find the tab's state; nothing unless there is exactly one of the form that browsers make."""
    tokens: Sequence[str] = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
    return tokens[0] if len(tokens) == 1 and is_tab_token(tokens[0]) else None
