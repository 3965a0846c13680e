"""Whoever changes how a company works leaves a line in its audit trail: tried with every handler and every route."""

import httpx2
import pytest

from saasbot.api import channels as channel_routes
from saasbot.domain.actor import Actor
from saasbot.realtime.hub import hub
from tests.attack.belongings import Belongings, Ledger
from tests.attack.test_events import HANDLERS, HELD, ids_of, payload_of, run
from tests.attack.test_routes import API, OPEN, Route, send
from tests.gate.tab import PASS, Tab
from tests.gate.test_gate import cookie_of
from tests.people import PASSWORD

AUDITED = {
    "bot",
    "channel",
    "channel_pairing",
    "company",
    "consent",
    "consent_text",
    "invitation",
    "membership",
    "notice",
    "policy",
    "product",
    "prompt_version",
    "sim_number",
}
"""How a company works. Whatever a person does that changes a row of these leaves a line."""

WORK = {
    "agent_turn": "what the bot did",
    "audit_event": "the trail itself",
    "channel_change": "the history of a number, a trail of its own",
    "channel_gap": "what its holder saw",
    "channel_history": "how far the history has come",
    "channel_incident": "what its holder saw",
    "channel_lease": "who holds a number",
    "company_erasure": "asked for and taken back, each with a line",
    "contact": "the inbox: the thread shows what people did",
    "contact_identity": "the inbox",
    "contact_merge": "the inbox: a line in the thread tells it",
    "contact_erasure": "asked for and done, each with a line",
    "conversation": "the inbox",
    "data_export": "asked for and fetched, each with a line",
    "day_figures": "counts",
    "conversation_merge": "the inbox",
    "draft": "the inbox",
    "history_chunk": "what a phone handed over",
    "idempotency_key": "remembered answers",
    "media": "what is attached to something that is audited, or to a message",
    "message": "the inbox",
    "message_act": "the inbox",
    "outgoing_act": "the inbox",
    "refresh_token": "sign-ins have lines of their own",
    "sign_in_ticket": "sign-ins",
    "sim_customer": "the simulated network",
    "sim_event": "the simulated network",
    "sim_message": "the simulated network",
    "sim_presence": "the simulated network",
    "user_session": "sign-ins",
    "wa_event": "the journal",
    "waiting_receipt": "the journal",
}
"""Not part of the trail, and why."""

SILENT = {"status", "reason", "since", "retry_at", "last_inbound_at", "last_receipt_at"}


class Watch:
    """What changed of how the company works, and whether the trail says so."""

    def __init__(self, rows: Ledger) -> None:
        self._rows = rows
        self._seen = rows.read()

    def changed_without_a_line(self) -> tuple[set[str], bool]:
        """The audited tables that changed since the last question, and whether a line is missing."""
        now, before = self._rows.read(), self._seen
        self._seen = now
        changed = {table for table in AUDITED if now[table] != before[table]}
        return changed, bool(changed) and len(now["audit_event"]) == len(before["audit_event"])


def test_every_table_of_a_company_is_audited_or_said_not_to_be(her_rows: Ledger):
    assert set(her_rows.read()) == AUDITED | WORK.keys()
    assert AUDITED.isdisjoint(WORK)


async def test_every_handler_that_changes_how_the_company_works_leaves_a_line(
    hers: Belongings, alice: Actor, her_rows: Ledger
):
    cookie = (await cookie_of("alice@sur.example"))[0]
    watch, silent, told = Watch(her_rows), [], set()
    for handler in sorted(HANDLERS, key=lambda one: any(word in one.short for word in ("delete", "end_", "erase"))):
        tab = Tab(cookie)
        tab.open(f"/bots/{hers.bot_id}", route="/bots/[bot_id]")
        payload = payload_of(handler, ids_of(hers, handler))
        assert await tab.send(None, handler.name, **payload) == PASS, handler.short
        state = await tab.state(handler.state)
        HELD.get(handler.state.__name__, lambda *_: None)(state, hers)
        await run(handler, state, payload)
        hub.forget(tab.token)
        changed, missing = watch.changed_without_a_line()
        told |= {handler.short} if changed else set()
        silent += [(handler.short, changed)] if missing else []
    assert silent == []
    assert len(told) > 20, told
    assert {"CatalogueState.save", "ChannelsState.add", "CompanyState.save_policies"} <= told


async def test_every_route_that_changes_how_the_company_works_leaves_a_line(
    as_alice: httpx2.AsyncClient, hers: Belongings, her_rows: Ledger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(channel_routes, "_CODE_POLLS", 1)
    watch, silent, told = Watch(her_rows), [], set()
    for route in sorted((r for r in API if r not in OPEN and r.method != "GET"), key=lambda r: r.method == "DELETE"):
        if route.inside == ("POST", "/auth/logout"):
            continue
        await send(as_alice, route, hers.path_ids()) if route.inside not in WITHOUT_IDS else await as_alice.request(
            route.method, route.path, **WITHOUT_IDS[route.inside]
        )
        changed, missing = watch.changed_without_a_line()
        told |= {route} if changed else set()
        silent += [(route, changed)] if missing else []
    assert silent == []
    assert len(told) > 12, told
    assert Route("PUT", "/api/v1/company") in told


WITHOUT_IDS = {
    ("PUT", "/company"): {"json": {"industry": "Shoes"}},
    ("PUT", "/company/openai"): {"json": {"api_key": "sk-of-alice-123456"}},
    ("PUT", "/company/bot"): {"json": {"enabled": False}},
    ("PUT", "/policies"): {"json": {"shipping": "Today"}},
    ("PUT", "/consent-text"): {"json": {"text": "Another"}},
    ("POST", "/company/erasure"): {"json": {"name": "Zapatería Sur", "password": PASSWORD}},
    ("DELETE", "/company/erasure"): {},
    ("POST", "/exports"): {"json": {}},
    ("POST", "/bots"): {"json": {"name": "Another"}},
    ("POST", "/products"): {"json": {"title": "Another", "price": 1}},
    ("POST", "/channels"): {"json": {"kind": "simulator", "name": "Another"}},
}
"""Routes without an id in their address, and what they must be sent."""


async def test_what_is_refused_leaves_a_line_of_who_was_refused(
    as_mallory: httpx2.AsyncClient, mallory: Actor, hers: Belongings, her_rows: Ledger
):
    before = her_rows.read()
    assert (await as_mallory.get(f"/api/v1/bots/{hers.bot_id}")).status_code == 404
    lines = (await as_mallory.get("/api/v1/audit", params={"kind": "access"})).json()["data"]
    assert [(line["user_name"], line["network"], line["via"], line["outcome"]) for line in lines] == [
        ("Mallory", "127.0.0.1", "api", "refused")
    ]
    assert lines[0]["details"] == {"code": "not_found", "act": "GET /bots/{bot_id}"}
    assert her_rows.read() == before
