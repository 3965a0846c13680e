"""The frames that a real server sends to a socket without a session: whatever page it asks for, nothing of anybody is in them."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from reflex.state import OnLoadInternalState, State
from reflex_base.registry import RegistrationContext
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
from tests.attack.attempts import attempt
from tests.fixtures.browser import NewOwner, Owner
from tests.fixtures.server import RunningServer

MARK = "only-of-alice"
_QUIET_SECONDS, _LONGEST_SECONDS = 0.4, 30.0
LOAD = format_event_handler(State.event_handlers["hydrate_and_load"])
HYDRATED = '"is_hydrated_rx_state_":true'
"""Reflex says so last, when a page's handlers have run."""
NAVIGATE = format_event_handler(OnLoadInternalState.event_handlers["on_load_internal"])


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

    async def load(self, path: str, event: str = "") -> str:
        """What comes until the page at `path` has loaded, and a little longer."""
        await self.send(event or LOAD, path)
        return await self.frames(until=HYDRATED)

    async def frames(self, *, until: str) -> str:
        """All that comes until something holds `until`, and then until it is quiet."""
        found = ""
        end = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        while True:
            try:
                quiet = asyncio.timeout(_QUIET_SECONDS) if until in found else asyncio.timeout_at(end)
                async with quiet:
                    frame = str(await self._socket.recv())
            except TimeoutError:
                assert until in found
                return found
            found += frame
            if frame == "2":
                await self._socket.send("3")


@asynccontextmanager
async def tab(server: RunningServer, cookie: str = "") -> AsyncIterator[Socket]:
    """A new tab in a browser with this cookie."""
    url = f"ws://localhost:{server.port}/_event/?token={uuid4()}&EIO=4&transport=websocket"
    headers = {"Cookie": cookie} if cookie else None
    async with connect(url, origin=server.url, additional_headers=headers, open_timeout=60) as opened:  # type: ignore[arg-type]
        socket = Socket(opened)
        await socket.begin()
        yield socket


async def frames_of(server: RunningServer, path: str, *, cookie: str = "") -> str:
    """What a new tab is sent when it loads the page at `path`."""
    async with tab(server, cookie) as socket:
        return await socket.load(path)


async def answers_to(server: RunningServer, events: Sequence[str]) -> str:
    """What a new tab without a session is sent when it sends these."""
    async with tab(server) as socket:
        await socket.load(routes.LOGIN)
        for name in events:
            await socket.send(name, routes.CATALOGUE)
        return await socket.frames(until="_redirect")


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
    """Where a browser would stand on each page."""
    routes_of_pages = ["/there-is-nothing-here" if page.route == routes.NOT_FOUND else page.route for page in PAGES]
    return [
        route.replace("[conversation_id]", str(new_id())).replace("[bot_id]", str(new_id()))
        for route in routes_of_pages
    ]


@attempt(187, "state", "A socket without a session reads every frame it gets.")
async def test_frames_of_a_socket_without_a_session_hold_nothing_of_anybody(server: RunningServer, owner: Owner):
    forged = f"{session_cookie.name()}={secrets.token_urlsafe(32)}"
    cookies = ["", forged]
    found = await asyncio.gather(*(frames_of(server, path, cookie=cookie) for path in paths() for cookie in cookies))
    assert [frames for frames in found if MARK in frames or owner.email in frames] == []


async def test_nor_do_the_answers_to_any_event(server: RunningServer, owner: Owner):
    """As many events as one tab may send, in as many tabs as that takes."""
    names = [format_event_handler(handler) for handler in _handlers()]
    found = await asyncio.gather(*(answers_to(server, names[first : first + 40]) for first in range(0, len(names), 40)))
    assert [frames for frames in found if MARK in frames or owner.email in frames] == []


async def test_those_of_her_own_do_and_only_of_the_page_on_screen(server: RunningServer, owner: Owner):
    """What the two tests above listen for is really sent to whoever may see it."""
    cookie = session_cookie_of(server, owner)
    pages = {
        routes.CATALOGUE: {"Company", "Product"},
        routes.BOTS: {"Company", "Bot"},
        routes.CHANNELS: {"Company", "Bot", "Number"},
    }
    frames = await asyncio.gather(*(frames_of(server, path, cookie=cookie) for path in pages))
    assert [marked_in(found) for found in frames] == list(pages.values())


async def test_a_tab_that_went_from_page_to_page_is_sent_the_last_one_when_it_reloads(
    server: RunningServer, owner: Owner
):
    async with tab(server, session_cookie_of(server, owner)) as socket:
        assert "Product" in marked_in(await socket.load(routes.CATALOGUE))
        for path in (routes.BOTS, routes.CHANNELS, routes.SETTINGS):
            await socket.load(path, NAVIGATE)
        assert marked_in(await socket.load(routes.SETTINGS)) == {"Company"}


def marked_in(frames: str) -> set[str]:
    return {what for what in ("Company", "Product", "Bot", "Number") if f"{what} {MARK}" in frames}


def _handlers() -> list[Any]:
    ours = set(our_handlers())
    return [found.handler for found in RegistrationContext.get().event_handlers.values() if found.handler.fn in ours]
