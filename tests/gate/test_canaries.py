"""Nothing of a person, a company or another page stays in a tab: shown by a canary in every var of every state."""

from typing import Any

import pytest
from reflex.state import OnLoadInternalState, State

import saasbot.saasbot  # noqa: F401  # registers every page and state
from saasbot import routes
from saasbot.domain import accounts
from saasbot.domain.actor import Actor
from saasbot.infra.db import platform_unit_of_work
from saasbot.pages.registry import PAGES, Page
from saasbot.state.auth import AuthState
from saasbot.state.companies import CompaniesState
from saasbot.state.locale import LocaleState
from saasbot.state.page_states import states_of
from saasbot.state.session import SessionState
from saasbot.state.shell import ShellState
from tests.accounts.test_sessions import session_of
from tests.attack.attempts import attempt
from tests.gate.canaries import ID, NUMBER, SONG, canary_of, left_in, let_in, our_states, sings, vars_of
from tests.gate.tab import PASS, Tab
from tests.gate.test_open_tabs import clock, moved  # noqa: F401  # a fixture, and a change

OF_THE_FRAME = frozenset({SessionState, ShellState, CompaniesState, LocaleState})
LOADS = [State.event_handlers["hydrate_and_load"], OnLoadInternalState.event_handlers["on_load_internal"]]


@pytest.fixture
async def tab(alice: Actor) -> Tab:
    """Alice's, with a canary in every var."""
    tab = Tab(await session_of())
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    session = await tab.state(SessionState)
    whose = session._session_id, session._company_id
    await let_in(tab, our_states())
    session._session_id, session._company_id = whose
    return tab


WHERE_IT_IS = ["SessionState._network"]
"""What a tab without a session knows, and the browser is not sent."""


async def test_every_var_has_a_canary(tab: Tab):
    kept = ["SessionState._session_id", "SessionState._company_id"]
    silent = [state.__name__ for state in our_states() if list(vars_of(state)) and not await left_in(tab, [state])]
    assert silent == []
    every = [f"{state.__name__}.{name}" for state in our_states() for name, _hint, _first in vars_of(state)]
    assert len(every) > 150
    assert set(every) - set(await left_in(tab, our_states())) == set()
    assert set(kept) <= set(every)
    assert sings(tab.root.dict())


@attempt(181, "state", "The state of a tab is read after its person signed out.")
async def test_nothing_is_left_of_who_signed_out(tab: Tab):
    await accounts.sign_out(_token(tab))
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert await left_in(tab, our_states()) == WHERE_IT_IS
    assert not sings([tab.root.dict(), tab.root.get_delta()])


async def test_nothing_is_left_of_who_was_signed_out_while_the_tab_went_on(tab: Tab):
    """Not a page load, but any click."""
    await accounts.sign_out(_token(tab))
    assert await tab.send(ShellState.event_handlers["load"]) != PASS
    assert await left_in(tab, our_states()) == WHERE_IT_IS
    assert not sings([tab.root.dict(), tab.root.get_delta()])


@attempt(182, "state", "The next person in a tab looks for what the one before saw.")
async def test_nothing_is_left_for_the_next_person(tab: Tab, bob: Actor):
    await accounts.sign_out(_token(tab))
    tab.reconnect(await session_of("bob@sur.example"))
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert {found.partition(".")[0] for found in await left_in(tab, our_states())} == {"SessionState"}
    assert (await tab.state(SessionState)).user_name == "Bob"
    assert not sings([tab.root.dict(), tab.root.get_delta()])


async def test_nothing_is_left_of_the_company_before(clock: Any, tab: Tab, alice: Actor):  # noqa: F811
    async with platform_unit_of_work("a test"):
        await moved(alice)
    clock.now += 1.0
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert {found.partition(".")[0] for found in await left_in(tab, our_states())} == {"SessionState"}
    assert not sings([tab.root.dict(), tab.root.get_delta()])


@attempt(183, "state", "A page is asked for what another page held.")
async def test_every_page_holds_its_own_states_and_the_frames(alice: Actor):
    token = await session_of()
    for page in PAGES:
        for load in LOADS:
            tab = Tab(token)
            await tab.send(State.event_handlers["hydrate"])
            await let_in(tab, [state for state in our_states() if state not in OF_THE_FRAME])
            tab.open("/index" if page.route == routes.DASHBOARD else f"/{page.route.lstrip('/')}")
            assert await tab.send(load) == PASS
            here = states_of(page.route)
            for state in our_states():
                left = await left_in(tab, [state])
                if state in here:
                    assert left or not list(vars_of(state)), (page.route, state)
                elif state not in OF_THE_FRAME:
                    preferences = [f"{state.__name__}.{name}" for name in getattr(state, "PREFERENCES", ())]
                    assert [name for name in left if name not in preferences] == [], page.route


def test_every_state_is_of_a_page_or_of_the_frame():
    """A state that is on no page's list would never be emptied."""
    of_pages = frozenset[Any]().union(*(states_of(page.route) for page in PAGES))
    assert {state.__name__ for state in our_states()} == {state.__name__ for state in of_pages | OF_THE_FRAME}
    assert not of_pages & OF_THE_FRAME


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.route)
def test_a_page_lists_every_state_that_it_shows_or_writes(shown: Page):
    used = {name for part in _parts(shown.draw()) for name in _states_in(part)}
    used |= {_state_of(event) for event in shown.on_load}
    found = {state for state in our_states() if state.get_full_name() in used}
    frame = OF_THE_FRAME | {AuthState}  # the way out is in every frame
    assert {state.__name__ for state in found - frame - states_of(shown.route)} == set()
    assert found - frame or shown.route in (*routes.PUBLIC, routes.NOT_FOUND)


def test_the_song_is_heard_wherever_it_is():
    for hidden in ({"a": [{"b": SONG}]}, [NUMBER], {"id": ID}, [canary_of(list[str], None)]):
        assert sings(hidden)
    assert not sings({"a": [1, "b", None]})


def _token(tab: Tab) -> str:
    return tab._data["headers"]["cookie"].rpartition("=")[2]


def _parts(component: Any) -> Any:
    yield component
    for child in component.children:
        yield from _parts(child)


def _states_in(component: Any) -> set[str]:
    """Full names of the states whose vars a component shows or whose handlers it calls."""
    data = [var._get_all_var_data() for var in component._get_vars(include_children=False)]
    events = [
        event
        for chain in component.event_triggers.values()
        for event in getattr(chain, "events", ())
        if hasattr(event, "handler")
    ]
    return {found.state for found in data if found and found.state} | {_state_of(event) for event in events}


def _state_of(event: Any) -> str:
    handler = getattr(event, "handler", event)
    return getattr(handler, "state_full_name", "")
