"""The frames that a real server sends to a socket without a session: whatever page it asks for, nothing of anybody is in them."""

import asyncio
import json
import secrets
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from reflex.state import State
from reflex_base.utils.format import format_event_handler
from websockets.asyncio.client import ClientConnection, connect

import saasbot.saasbot  # noqa: F401  # registers every page and state
from saasbot import routes
from saasbot.infra import session_cookie
from saasbot.infra.crypto import token_hash
from saasbot.infra.roles import libpq_url
from saasbot.models.table import new_id
from saasbot.pages.registry import PAGES
from saasbot.state.policies import our_handlers
from tests.fixtures.browser import NewOwner, Owner
from tests.fixtures.server import RunningServer

MARK = "only-of-alice"
_QUIET_SECONDS = 0.7
LOAD = format_event_handler(State.event_handlers["hydrate_and_load"])


class Socket:
    """A tab's connection without a browser: Socket.IO by hand."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def begin(self) -> None:
        await self._socket.recv()
        await self._socket.send("40/_event,")

    async def send(self, name: str, path: str, **payload: Any) -> None:
        page = {"pathname": path, "asPath": path, "query": {}}
        event = {"name": name, "payload": payload, "router_data": page, "token": str(uuid4())}
        await self._socket.send("42/_event," + json.dumps(["event", event]))

    async def frames(self) -> list[str]:
        """All that comes until it is quiet."""
        found: list[str] = []
        while True:
            try:
                async with asyncio.timeout(_QUIET_SECONDS):
                    found.append(str(await self._socket.recv()))
            except TimeoutError:
                return found
            if found[-1] == "2":
                await self._socket.send("3")


async def frames_of(server: RunningServer, path: str, *, cookie: str = "", events: list[str] | None = None) -> str:
    """What a new tab is sent when it loads the page at `path`, and then sends these events."""
    url = f"ws://localhost:{server.port}/_event/?token={uuid4()}&EIO=4&transport=websocket"
    headers = {"Cookie": cookie} if cookie else None
    async with connect(url, origin=server.url, additional_headers=headers) as opened:  # type: ignore[arg-type]
        socket = Socket(opened)
        await socket.begin()
        await socket.send(LOAD, path)
        found = await socket.frames()
        for name in events or []:
            await socket.send(name, path)
        return "".join(found + (await socket.frames() if events else []))


@pytest.fixture
async def owner(new_owner: NewOwner) -> Owner:
    """Of a company in which everything says whose it is."""
    owner = await new_owner(f"Company {MARK}", "Alice")
    for path, body in (
        ("/products", {"title": f"Product {MARK}", "price": 100}),
        ("/bots", {"name": f"Bot {MARK}"}),
        ("/channels", {"kind": "simulator", "name": f"Number {MARK}"}),
    ):
        answer = await owner.api.post(path, json=body)
        assert answer.is_success, answer.text
    owner.company = (await owner.api.get("/auth/me")).json()
    return owner


def session_cookie_of(server: RunningServer, owner: Owner) -> str:
    """A session of hers, as if she had signed in."""
    token = secrets.token_urlsafe(32)
    with psycopg.connect(libpq_url(server.database.platform), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO user_session (id, created_at, company_id, user_id, token_hash, csrf_token, network, user_agent, "
            "last_seen_at, expires_at) SELECT %s, now(), m.company_id, a.id, %s, 'csrf', '', '', now(), now() + '1 day' "
            "FROM user_account a JOIN membership m ON m.user_id = a.id WHERE a.email = %s",
            [new_id(), token_hash(token), owner.email],
        )
    return f"{session_cookie.name()}={token}"


def paths() -> list[str]:
    return [page.route.replace("[conversation_id]", str(new_id())).replace("[bot_id]", str(new_id())) for page in PAGES]


async def test_frames_of_a_socket_without_a_session_hold_nothing_of_anybody(server: RunningServer, owner: Owner):
    forged = f"{session_cookie.name()}={secrets.token_urlsafe(32)}"
    cookies = ["", forged]
    found = await asyncio.gather(*(frames_of(server, path, cookie=cookie) for path in paths() for cookie in cookies))
    assert all(len(frames) > 1_000 for frames in found)
    assert [frames for frames in found if MARK in frames or owner.email in frames] == []


async def test_nor_do_the_answers_to_any_event(server: RunningServer, owner: Owner):
    """As many events as one tab may send, in as many tabs as that takes."""
    names = [format_event_handler(saas) for saas in _handlers()]
    found = await asyncio.gather(
        *(frames_of(server, routes.CATALOGUE, events=names[first : first + 40]) for first in range(0, len(names), 40))
    )
    assert [frames for frames in found if MARK in frames or owner.email in frames] == []
    assert all("_redirect" in frames for frames in found)


async def test_those_of_her_own_do_and_only_of_the_page_on_screen(server: RunningServer, owner: Owner):
    """What the two tests above listen for is really sent to whoever may see it."""
    cookie = session_cookie_of(server, owner)
    pages = {routes.CATALOGUE: "Product", routes.BOTS: "Bot", routes.CHANNELS: "Number"}
    frames = await asyncio.gather(*(frames_of(server, path, cookie=cookie) for path in pages))
    for found, shown in zip(frames, pages.values(), strict=True):
        assert f"Company {MARK}" in found
        assert {what for what in pages.values() if f"{what} {MARK}" in found} == {shown}


def _handlers() -> list[Any]:
    from reflex_base.registry import RegistrationContext

    ours = set(our_handlers())
    return [found.handler for found in RegistrationContext.get().event_handlers.values() if found.handler.fn in ours]
