"""What the doors cost: the gate and the guard for each event, and row-level security for each transaction."""

import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

import saasbot.saasbot  # noqa: F401  # registers every page and state, which the guard knows by name
from bench.cast import own_database
from bench.crowd import analyze, fill
from bench.report import Figure, percentile
from saasbot.api.gate import Gate
from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.reads import list_conversations
from saasbot.infra import db, logging
from saasbot.infra.db import unit_of_work
from saasbot.infra.roles import DatabaseUrls, embedded_cluster, libpq_url
from saasbot.infra.settings import settings
from saasbot.state.inbox import InboxState
from tests.gate.asgi import OWN, connect, request
from tests.gate.tab import PASS, Tab

ROUNDS, EACH = 40, 40
"""Addresses, tabs or connections, and how often each is used: fewer than any of them may in a burst."""
WARM_UP = 8
"""Transactions of a new connection that are not counted: PostgreSQL plans a prepared statement anew for the first few."""
CONVERSATIONS = 1_000
CLICK = f"{InboxState.get_full_name()}.choose_tab"


def measure() -> list[Figure]:
    logging.configure(json=False, level="WARNING")  # forty sign-ins are no news
    with own_database() as urls, tempfile.TemporaryDirectory() as built:
        actor = Actor.system(fill(libpq_url(urls.app), conversations=CONVERSATIONS, messages_each=4))
        analyze(libpq_url(urls.owner))
        return asyncio.run(_measure(urls, actor, Path(built)))


async def _measure(urls: DatabaseUrls, actor: Actor, built: Path) -> list[Figure]:
    db.connect(app_url=urls.app, platform_url=urls.platform)
    cookies = await _sessions()
    requests = await _gate_requests(built)
    messages = await _gate_messages(built)
    guarded = await _guard_events(cookies)
    await db.disconnect()
    kept, bare = await _transactions(urls, actor)
    event = statistics.median(messages) + statistics.median(guarded)
    security = statistics.median(kept) - statistics.median(bare)
    return [
        *_costs("gate: an http request", requests, target="≤ 1"),
        *_costs("gate: a socket message", messages),
        *_costs("guard: an event", guarded),
        Figure("gate and guard: an event p50", round(event, 3), "ms", len(guarded), "≤ 1"),
        *_costs("a page of 50 conversations, row-level security", kept),
        *_costs("raw: the same without it", bare),
        Figure("row-level security: a transaction p50", round(security, 3), "ms", len(kept), "≤ 0.5"),
    ]


def _costs(name: str, milliseconds: list[float], *, target: str = "") -> list[Figure]:
    """As `latencies`, to the microsecond."""
    return [
        Figure(f"{name} p50", round(percentile(milliseconds, 50), 3), "ms", len(milliseconds), target),
        Figure(f"{name} p95", round(percentile(milliseconds, 95), 3), "ms", len(milliseconds)),
    ]


async def _sessions() -> list[str]:
    """A cookie's token for each round, of one owner."""
    person = await accounts.register(
        company_name="Bench", name="Bea", email="bea@bench.example", password="doors 7 of a bench", accept_terms=True
    )
    return [
        await accounts.start_session(await accounts.issue_ticket(person), network="bench", user_agent="")
        for _ in range(ROUNDS)
    ]


async def _gate_requests(built: Path) -> list[float]:
    """Milliseconds that a request takes longer with the gate than without it; nothing stands behind."""

    async def nothing(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    gate, headers = Gate(nothing, built=built), {"origin": OWN, "authorization": "Bearer x.y.z", "accept": "*/*"}
    taken = []
    for round_ in range(ROUNDS):
        address = f"198.51.100.{round_}"
        for _ in range(EACH):
            bare, _ = await _timed(request(nothing, "POST", "/api/v1/agent/think", headers=headers, client=address))
            kept, answer = await _timed(request(gate, "POST", "/api/v1/agent/think", headers=headers, client=address))
            assert answer.status == 200
            taken.append(kept - bare)
    return taken


async def _gate_messages(built: Path) -> list[float]:
    """Milliseconds from the server's message to the same in Reflex's hands."""
    taken: list[float] = []

    async def take(_scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await receive()
        await receive()  # that the tab joins
        while True:
            spent, message = await _timed(receive())
            if message["type"] == "websocket.disconnect":
                return
            taken.append(spent)

    gate = Gate(take, built=built)
    for round_ in range(ROUNDS):
        tab = f"0b9d5a3e-6f0c-4c5e-9d58-{round_:012x}"
        click = {
            "name": CLICK,
            "payload": {"tab": "mine"},
            "router_data": {"pathname": "/inbox", "asPath": "/inbox", "query": {}},
            "token": tab,
        }
        frames = ["40/_event,", *["42/_event," + json.dumps(["event", click])] * EACH]
        messages = [{"type": "websocket.receive", "text": frame} for frame in frames]
        query = f"token={tab}&transport=websocket"
        await connect(gate, query=query, client=f"198.51.100.{round_}", messages=messages)
    assert len(taken) == ROUNDS * EACH
    return taken


async def _guard_events(cookies: list[str]) -> list[float]:
    """Milliseconds of a click that a live session may do, in an open tab."""
    taken = []
    for cookie in cookies:
        tab = Tab(cookie)
        await tab.send(None, CLICK, tab="all")
        for _ in range(EACH):
            spent, answer = await _timed(tab.send(None, CLICK, tab="mine"))
            assert answer == PASS
            taken.append(spent)
    return taken


async def _transactions(urls: DatabaseUrls, actor: Actor) -> tuple[list[float], list[float]]:
    """The same page, by turns: in a transaction as everywhere, and as a superuser without a company set for it."""
    superuser = _superuser(urls)
    kept: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS // 2):
        for url, tenant, taken in ((urls.app, actor, kept), (superuser, _NoCompany(), bare)):
            db.connect(app_url=url, platform_url=urls.platform)
            for number in range(WARM_UP + EACH):
                spent, rows = await _timed(_page(tenant, actor))
                assert rows == 50
                if number >= WARM_UP:
                    taken.append(spent)
            await db.disconnect()
    return kept, bare


def _superuser(urls: DatabaseUrls) -> str:
    """Whom no policy concerns, in the same database."""
    found = make_url(embedded_cluster(settings()).ensure_running().superuser_url(make_url(urls.owner).database or ""))
    return found.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


class _NoCompany:
    company_id: Any = None
    """So that none is set."""


async def _page(tenant: Any, actor: Actor) -> int:
    async with unit_of_work(tenant):
        return len((await list_conversations(actor)).conversations)


async def _timed(work: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    result = await work
    return (time.perf_counter() - started) * 1000, result
