"""Answers that take a while: the tab may be another person's when they come."""

from typing import Any

import pytest
from reflex.state import State

from saasbot.agent.check_key import KeyCheck
from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.infra.db import platform_unit_of_work
from saasbot.state import company
from saasbot.state.errors import show_error
from saasbot.state.one_person import TabChanged
from tests.accounts.test_sessions import session_of
from tests.attack.belongings import Belongings, belongings_of
from tests.attack.test_events import HANDLERS, Handler, InBackground, ids_of, payload_of
from tests.gate.canaries import left_in
from tests.gate.tab import PASS, Tab
from tests.gate.test_open_tabs import clock, demoted  # noqa: F401  # a fixture, and a change

BACKGROUND = [handler for handler in HANDLERS if handler.is_background]


class Interrupted(InBackground):
    """Between the first time that the handler holds the tab and the next, something happens."""

    def __init__(self, state: Any, happens: Any) -> None:
        super().__init__(state)
        object.__setattr__(self, "_happens", happens)

    async def __aexit__(self, *_: object) -> None:
        happens = self.__dict__["_happens"]
        object.__setattr__(self, "_happens", None)
        if happens is not None:
            await happens()


@pytest.fixture(autouse=True)
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check(*_: Any, **_named: Any) -> KeyCheck:
        return KeyCheck(ok=True, milliseconds=12)

    monkeypatch.setattr(company, "check_key", check)


@pytest.fixture
async def hers(alice: Actor) -> Belongings:
    return await belongings_of(alice)


def test_there_is_something_that_takes_a_while():
    assert {handler.short for handler in BACKGROUND} >= {"BotState.try_out", "CompanyState.test_key"}


async def begin(tab: Tab, handler: Handler, hers: Belongings) -> tuple[Any, dict[str, Any]]:
    """The state of the handler in this tab, and what it is called with; the guard has let it pass."""
    tab.open(f"/bots/{hers.bot_id}", route="/bots/[bot_id]")
    payload = payload_of(handler, ids_of(hers, handler))
    assert await tab.send(None, handler.name, **payload) == PASS
    return await tab.state(handler.state), payload


async def test_they_come_to_whoever_asked(hers: Belongings):
    for handler in BACKGROUND:
        tab = Tab(await session_of())
        state, payload = await begin(tab, handler, hers)
        await handler.fn(InBackground(state), **payload)
        assert await left_in(tab, [handler.state]), handler.short


async def test_they_do_not_come_to_the_next_person_of_the_tab(hers: Belongings, bob: Actor):
    for handler in BACKGROUND:
        token = await session_of()
        tab = Tab(token)

        async def the_next_one_sits_down(tab: Tab = tab, token: str = token) -> None:
            await accounts.sign_out(token)
            tab.reconnect(await session_of("bob@sur.example"))
            assert await tab.send(State.event_handlers["hydrate"]) == PASS

        state, payload = await begin(tab, handler, hers)
        with pytest.raises(TabChanged) as raised:
            await handler.fn(Interrupted(state, the_next_one_sits_down), **payload)
        assert await left_in(tab, [handler.state]) == [], handler.short
        assert show_error(raised.value) is None


async def test_they_do_not_come_to_a_tab_whose_session_has_ended(hers: Belongings):
    """Nothing has happened in the tab since: only the session is over."""
    for handler in BACKGROUND:
        token = await session_of()
        tab = Tab(token)
        state, payload = await begin(tab, handler, hers)
        waiting: list[list[str]] = []

        async def it_ends(tab: Tab = tab, token: str = token, waiting: Any = waiting, handler: Any = handler) -> None:
            await accounts.sign_out(token)
            waiting.append(await left_in(tab, [handler.state]))

        with pytest.raises(TabChanged):
            await handler.fn(Interrupted(state, it_ends), **payload)
        assert await left_in(tab, [handler.state]) == waiting[0], handler.short


async def test_they_come_to_who_is_demoted_meanwhile(hers: Belongings, alice: Actor):
    """Still the same person: a tab must not wait for ever for an answer that was allowed when it was asked for."""
    (handler,) = [handler for handler in BACKGROUND if handler.short == "CompanyState.test_key"]
    tab = Tab(await session_of())

    async def demotion() -> None:
        async with platform_unit_of_work("a test"):
            await demoted(alice)

    state, payload = await begin(tab, handler, hers)
    await handler.fn(Interrupted(state, demotion), **payload)
    assert (state.testing, state.test_passed) == (False, True)
