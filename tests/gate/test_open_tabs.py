"""What happens to a tab that is open while its person signs out, is demoted, removed, disabled or moved to another company.

The change is written as rows: the tab has to notice at its next event, at most a second later, whoever made the change. Where
the change is told over the bus, the tab follows at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from reflex.state import State
from reflex_base.registry import RegistrationContext
from sqlalchemy import update
from sqlmodel import col

from saasbot.domain import accounts
from saasbot.domain.accounts import hear_endings, recent
from saasbot.domain.actor import Actor
from saasbot.domain.admin import sessions as rows
from saasbot.infra import db, events
from saasbot.infra.crypto import token_hash
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.events import Listener
from saasbot.models import Company, Membership, Role, UserAccount, UserSession
from saasbot.models.table import utcnow
from saasbot.realtime.hub import Hub
from saasbot.state import live, one_person
from saasbot.state.catalogue import CatalogueState
from saasbot.state.one_person import Renewal
from saasbot.state.session import SessionState
from tests.accounts.test_sessions import session_of
from tests.attack.attempts import attempt
from tests.gate.tab import PASS, Tab
from tests.gate.test_guard_sessions import is_redirect_to_login, texts

LOOK, CHANGE = CatalogueState.event_handlers["turn_page"], CatalogueState.event_handlers["open_new"]
SECRET = "only charlie's company"


async def signed_out(charlie: Actor) -> None:
    await run(update(UserSession).where(col(UserSession.user_id) == charlie.user_id).values(revoked_at=utcnow()))


async def demoted(charlie: Actor) -> None:
    await run(update(Membership).where(col(Membership.user_id) == charlie.user_id).values(role=Role.AGENT))


async def removed(charlie: Actor) -> None:
    await run(update(Membership).where(col(Membership.user_id) == charlie.user_id).values(removed_at=utcnow()))


async def disabled(charlie: Actor) -> None:
    await run(update(UserAccount).where(col(UserAccount.id) == charlie.user_id).values(disabled_at=utcnow()))


async def moved(charlie: Actor) -> None:
    company = Company(name="Mala Junta")
    db.session().add(company)
    await db.session().flush()
    for table in (Membership, UserSession):
        await run(update(table).where(col(table.user_id) == charlie.user_id).values(company_id=company.id))


Change = Callable[[Actor], Awaitable[None]]
ENDINGS = [signed_out, removed, disabled]


@pytest.fixture
async def token(charlie: Actor) -> str:
    return await session_of("charlie@sur.example")


@pytest.fixture
async def tab(token: str) -> Tab:
    """Charlie's, with something of the company on screen."""
    tab = Tab(token)
    assert await tab.send(LOOK, forward=True) == PASS
    assert await tab.send(CHANGE) == PASS
    (await tab.state(CatalogueState)).query = SECRET
    return tab


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of what is remembered of sessions; `now` is in seconds."""
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(recent, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


async def make(change: Change, charlie: Actor) -> None:
    async with platform_unit_of_work("a test"):
        await change(charlie)


@attempt(198, "guard", "Somebody who was disabled, removed or signed out goes on in an open tab.")
@pytest.mark.parametrize("change", ENDINGS)
async def test_who_may_no_longer_be_here_is_out_within_a_second(
    clock: SimpleNamespace, tab: Tab, charlie: Actor, change: Change
):
    await make(change, charlie)
    clock.now += 1.0
    assert is_redirect_to_login(await tab.send(LOOK, forward=True))
    assert (await tab.state(CatalogueState)).query == ""
    assert (await tab.state(SessionState)).permissions == []


@attempt(199, "guard", "Somebody who was demoted goes on in an open tab.")
async def test_who_is_demoted_may_less_within_a_second_and_sees_so(clock: SimpleNamespace, tab: Tab, charlie: Actor):
    await make(demoted, charlie)
    clock.now += 1.0
    assert "Your role does not allow this." in texts(await tab.send(CHANGE))
    assert await tab.send(LOOK, forward=True) == PASS
    shown = await tab.state(SessionState)
    assert (shown.role, "catalogue.write" in shown.permissions) == ("agent", False)
    assert (await tab.state(CatalogueState)).query == SECRET


async def test_who_is_moved_begins_anew_in_the_other_company(clock: SimpleNamespace, tab: Tab, charlie: Actor):
    """The event was meant for a thing of the old company: it is not run in the new one."""
    await make(moved, charlie)
    clock.now += 1.0
    answer = await tab.send(LOOK, forward=True)
    assert answer != PASS
    assert "window.location.assign" in texts(answer)
    assert (await tab.state(CatalogueState)).query == ""
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert (await tab.state(SessionState))._company_id not in ("", str(charlie.company_id))


class Tabs:
    """Open tabs as the app holds them: the hub's Tabs, and what Renewal needs of `rx.App`."""

    def __init__(self, *tabs: Tab) -> None:
        self.tabs = {tab.token: tab for tab in tabs}
        self.sent: dict[str, str] = {}
        self.event_namespace = self
        self._registration = RegistrationContext.get()

    @contextmanager
    def set_contexts(self) -> Iterator[None]:
        reset = RegistrationContext.set(self._registration)
        yield
        RegistrationContext.reset(reset)

    def connected(self) -> set[str]:
        return set(self.tabs)

    @asynccontextmanager
    async def modify_state(self, token: Any) -> AsyncIterator[Any]:
        yield self.tabs[token.ident].root

    @asynccontextmanager
    async def modify(self, tab: str, _state: Any) -> AsyncIterator[Any]:
        yield SimpleNamespace(page="/catalogue", get=self.tabs[tab].state)

    async def emit_update(self, update: Any, token: str) -> None:
        self.sent[token] = texts(update.events)


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    made = Hub()
    for module in (live, one_person):
        monkeypatch.setattr(module, "hub", made)
    yield made
    await made.stop()


async def watching(hub: Hub, tab: Tab) -> None:
    async def load(*_: Any) -> str:
        return SECRET

    def show(state: Any, data: str) -> None:
        state.query = data

    state = await tab.state(CatalogueState)
    await live.watch(state, "catalogue", topics=("product",), load=load, show=show)


@asynccontextmanager
async def listening(hub: Hub, tabs: Tabs) -> AsyncIterator[None]:
    listener = Listener(db.app_dsn())
    hear_endings(listener)
    hub.start(tabs, listener, Renewal(tabs))  # type: ignore[arg-type]
    await listener.start()
    try:
        yield
    finally:
        await listener.stop()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():
            await asyncio.sleep(0.005)


async def test_tabs_of_a_session_that_ended_elsewhere_are_emptied_and_leave_at_once(
    hub: Hub, tab: Tab, token: str, alice: Actor
):
    """Without an event of theirs: they may stand on a screen that nobody touches."""
    other = Tab(await session_of("alice@sur.example"))
    await other.send(LOOK, forward=True)
    (await other.state(CatalogueState)).query = "Alice's"
    tabs = Tabs(tab, other)
    await watching(hub, tab)
    await watching(hub, other)
    async with listening(hub, tabs):
        await rows.revoke_session(token_hash(token))  # as another process does it
        await until(lambda: _is_true(tab.token in tabs.sent))
    assert "/login" in tabs.sent[tab.token]
    assert (await tab.state(CatalogueState)).query == ""
    assert (await tab.state(SessionState)).user_name == ""
    assert not hub.watches(tab.token, "catalogue")
    assert other.token not in tabs.sent
    assert (await other.state(CatalogueState)).query == "Alice's"
    assert hub.watches(other.token, "catalogue")


async def _is_true(value: bool) -> bool:
    return value


async def test_a_demotion_shows_in_an_open_tab_at_once(hub: Hub, tab: Tab, charlie: Actor):
    tabs = Tabs(tab)
    await watching(hub, tab)

    async def is_shown() -> bool:
        return (await tab.state(SessionState)).role == "agent"

    async with listening(hub, tabs):
        async with platform_unit_of_work("a test"):
            await demoted(charlie)
            assert charlie.user_id is not None
            events.publish("session", company_id=charlie.company_id, user=charlie.user_id)
        await until(is_shown)
    assert tabs.sent == {}
    assert hub.watches(tab.token, "catalogue")


@attempt(200, "guard", "An open tab waits for pushes after its rights ended.")
@pytest.mark.parametrize("change", [*ENDINGS, moved])
async def test_nothing_is_pushed_to_whoever_may_no_longer_see_it(
    clock: SimpleNamespace, hub: Hub, tab: Tab, charlie: Actor, change: Change
):
    """Nobody told of the change; something happens in the company a second later."""
    tabs = Tabs(tab)
    await watching(hub, tab)
    (await tab.state(CatalogueState)).query = "before"
    hub.start(tabs, Listener(""), Renewal(tabs))  # type: ignore[arg-type]
    await make(change, charlie)
    clock.now += 1.0
    hub.tell(events.Event("product", charlie.company_id))
    await until(lambda: _is_true(tab.token in tabs.sent))
    assert (await tab.state(CatalogueState)).query == ""
    assert not hub.watches(tab.token, "catalogue")


async def test_who_signs_out_while_a_page_is_read_is_not_shown_it(hub: Hub, tab: Tab, token: str):
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def load(*_: Any) -> str:
        reading.set()
        await go_on.wait()
        return SECRET

    shown: list[str] = []
    state = await tab.state(CatalogueState)
    await live.watch(state, "slow", topics=("product",), load=load, show=lambda _state, data: shown.append(data))
    tabs = Tabs(tab)
    hub.start(tabs, Listener(""), Renewal(tabs))  # type: ignore[arg-type]
    session = await accounts.signed_in(token)
    assert session is not None
    hub.tell(events.Event("product", session.actor.company_id))
    await reading.wait()
    await accounts.sign_out(token)
    go_on.set()
    await until(lambda: _is_true(tab.token in tabs.sent))
    assert shown == []
