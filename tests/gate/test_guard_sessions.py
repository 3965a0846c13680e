"""The guard asks the session's row at every event, whatever the socket's cookie said when it was opened."""

from types import SimpleNamespace
from typing import Any

import pytest
import reflex as rx
from reflex.state import OnLoadInternalState, State

import saasbot.saasbot  # noqa: F401  # registers every page and state
from saasbot import routes
from saasbot.domain import accounts
from saasbot.domain.accounts import recent
from saasbot.domain.actor import Actor
from saasbot.infra import mail
from saasbot.pages.registry import PAGES
from saasbot.state import event_budget, policies
from saasbot.state.auth import AuthState
from saasbot.state.errors import show_error
from saasbot.state.event_budget import EventBudget, Spent
from saasbot.state.guard import BURST, NETWORK_BURST, PER_SECOND, TAB_BURST, Guard
from saasbot.state.policy import needs, public, signed_in
from saasbot.state.session import NotSignedIn, SessionState
from tests.attack.attempts import attempt
from tests.gate.tab import PASS, Tab
from tests.gate.test_gate import cookie_of


class ShelfState(rx.State):
    """What a page of a company would hold."""

    secret_of_the_page: str = ""

    @rx.event
    async def load(self): ...

    @rx.event
    async def look(self): ...

    @rx.event
    async def change(self, amount: int): ...

    @rx.event
    async def greet(self): ...

    @rx.event
    async def forgotten(self): ...


@pytest.fixture(autouse=True)
def shelf_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {
        "load": needs("company.secrets"),
        "look": signed_in,
        "change": needs("company.secrets"),
        "greet": public,
    }
    monkeypatch.setitem(policies.POLICIES, "ShelfState", rows)


HANDLERS: dict[str, Any] = ShelfState.event_handlers


def texts(events: Any) -> str:
    return str([event.payload for event in events])


def is_redirect_to_login(events: Any) -> bool:
    return [event.name for event in events] == ["_redirect"] and "/login" in texts(events)


@attempt(12, "guard", "An event of a signed-in page is sent without a session.")
async def test_without_a_session_only_public_handlers_run(app_db: object):
    tab = Tab()
    assert await tab.send(HANDLERS["greet"]) == PASS
    assert is_redirect_to_login(await tab.send(HANDLERS["look"]))
    assert is_redirect_to_login(await tab.send(HANDLERS["change"], amount=1))


async def test_a_session_runs_what_its_role_may(alice: Actor, bob: Actor):
    owner, agent = [Tab((await cookie_of(email))[0]) for email in ("alice@sur.example", "bob@sur.example")]
    assert await owner.send(HANDLERS["look"]) == PASS
    assert await owner.send(HANDLERS["change"], amount=1) == PASS
    assert await agent.send(HANDLERS["look"]) == PASS
    assert "Your role does not allow this." in texts(await agent.send(HANDLERS["change"], amount=1))


async def test_a_page_that_is_not_for_the_role_loads_nothing_and_no_toast_says_what_the_page_says(
    alice: Actor, bob: Actor
):
    owner, agent = [Tab((await cookie_of(email))[0]) for email in ("alice@sur.example", "bob@sur.example")]
    assert await owner.send(HANDLERS["load"]) == PASS
    assert await agent.send(HANDLERS["load"]) == []


@attempt(15, "guard", "A socket that was open before its session ended sends one more event.")
async def test_a_revoked_session_is_refused_on_the_next_event_of_an_open_socket(alice: Actor):
    token, _ = await cookie_of("alice@sur.example")
    tab = Tab(token)
    assert await tab.send(HANDLERS["look"]) == PASS
    await accounts.sign_out(token)
    assert is_redirect_to_login(await tab.send(HANDLERS["look"]))


@attempt(16, "guard", "A thief's open socket goes on after the owner has chosen a new password.")
async def test_a_new_password_ends_every_open_socket(alice: Actor, monkeypatch: Any):
    token, _ = await cookie_of("alice@sur.example")
    tab = Tab(token)
    assert await tab.send(HANDLERS["look"]) == PASS
    links: list[str] = []

    async def keep(*, to: str, subject: str, text: str) -> None:
        links.append(text.partition("token=")[2].split()[0])

    monkeypatch.setattr(mail, "send", keep)
    await accounts.mail_reset("alice@sur.example")
    await accounts.reset_password(token=links[0], password="completely different 7")
    assert is_redirect_to_login(await tab.send(HANDLERS["look"]))


@attempt(9, "guard", "A function of a page that nobody declared as an event is called.")
async def test_an_undeclared_handler_is_refused(alice: Actor):
    tab = Tab((await cookie_of("alice@sur.example"))[0])
    assert await tab.send(HANDLERS["forgotten"]) == []


@attempt(19, "guard", "A live session sends misfitting arguments to see what the handler does with them.")
async def test_arguments_that_do_not_fit_do_not_reach_the_handler(alice: Actor):
    tab = Tab((await cookie_of("alice@sur.example"))[0])
    bad: list[dict[str, Any]] = [{}, {"amount": "1"}, {"amount": 1, "company_id": "x"}, {"amount": {"$gt": 0}}]
    for payload in bad:
        assert "That did not work." in texts(await tab.send(HANDLERS["change"], **payload))


@attempt(10, "guard", "Reflex's own setters write a var of the tab, the role among them.")
async def test_nothing_can_be_set_from_outside(app_db: object):
    tab = Tab()
    for state in (State, SessionState, ShelfState):
        name = f"{state.get_full_name()}.setvar"
        assert await tab.send(None, name, var_name="secret_of_the_page", value="x") == []
    variables = {f"{SessionState.get_full_name()}.role": "owner"}
    assert await tab.send(State.event_handlers["hydrate_and_load"], vars=variables) == []
    assert await tab.send(State.event_handlers["hydrate_and_load"], vars={}, hashes=["a"]) == PASS
    assert await tab.send(State.event_handlers["set_is_hydrated"], value={"a": 1}) == []


@attempt(17, "guard", "An event arrives by another way than a tab's socket.")
async def test_an_event_that_came_by_no_socket_is_refused(alice: Actor):
    tab = Tab((await cookie_of("alice@sur.example"))[0])
    tab._data = {}
    assert await tab.send(HANDLERS["look"]) == []


@attempt(22, "state", "The next person signs in within a tab that another one has used.")
async def test_the_next_person_in_a_tab_sees_nothing_of_the_one_before(alice: Actor, mallory: Actor):
    tab = Tab((await cookie_of("alice@sur.example"))[0])
    await tab.send(State.event_handlers["hydrate"])
    (await tab.state(ShelfState)).secret_of_the_page = "Alice's"
    (await tab.state(AuthState)).failure = "Alice's"

    tab.reconnect((await cookie_of("mallory@junta.example"))[0])
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert (await tab.state(ShelfState)).secret_of_the_page == ""
    assert (await tab.state(AuthState)).failure == ""
    assert (await tab.state(SessionState)).user_name == "Mallory"

    (await tab.state(ShelfState)).secret_of_the_page = "Mallory's"
    tab.reconnect("")
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert (await tab.state(ShelfState)).secret_of_the_page == ""
    assert (await tab.state(SessionState)).csrf_token == ""


async def test_a_reload_keeps_what_the_tab_held(alice: Actor):
    token, _ = await cookie_of("alice@sur.example")
    tab = Tab(token)
    await tab.send(State.event_handlers["hydrate"])
    (await tab.state(ShelfState)).secret_of_the_page = "Alice's"
    tab.reconnect(token)
    await tab.send(State.event_handlers["hydrate"])
    assert (await tab.state(ShelfState)).secret_of_the_page == "Alice's"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of the budgets; `now` is in seconds."""
    clock = SimpleNamespace(now=1_000.0)
    monkeypatch.setattr(event_budget, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@attempt(196, "guard", "A tab floods the server with events.")
async def test_a_flood_of_events_is_dropped_and_said_once(app_db: object, clock: SimpleNamespace):
    tab = Tab()
    answers = [await tab.send(HANDLERS["greet"]) for _ in range(int(TAB_BURST * 2))]
    assert answers[: int(BURST)] == [PASS] * int(BURST)
    refused = [answer for answer in answers if answer != PASS]
    assert len(refused) == 2 * TAB_BURST - BURST
    assert "Too fast" in texts(refused[0])
    assert refused[1:] == [[]] * (len(refused) - 1)
    assert await Tab(guard=tab.guard).send(HANDLERS["greet"]) == PASS


@attempt(197, "guard", "One session floods the server from many tabs.")
async def test_all_tabs_of_a_session_share_its_events(alice: Actor, bob: Actor, clock: SimpleNamespace):
    guard, token = Guard(), (await cookie_of("alice@sur.example"))[0]
    tabs = [Tab(token, guard=guard) for _ in range(6)]
    for number in range(int(BURST)):
        assert await tabs[number % 6].send(HANDLERS["look"]) == PASS
    answers = [await tab.send(HANDLERS["look"]) for tab in tabs]
    assert PASS not in answers
    other = Tab((await cookie_of("bob@sur.example"))[0], guard=guard)
    assert await other.send(HANDLERS["look"]) == PASS


@attempt(254, "guard", "Somebody who is not signed in floods the server from tabs without end.")
async def test_tabs_without_a_session_share_the_events_of_their_network(alice: Actor, clock: SimpleNamespace):
    guard, member = Guard(), (await cookie_of("alice@sur.example"))[0]
    assert await Tab(member, guard=guard).send(HANDLERS["look"]) == PASS
    answers = []
    for _ in range(int(NETWORK_BURST // BURST) + 2):
        tab = Tab(guard=guard)
        answers += [await tab.send(HANDLERS["greet"]) for _ in range(int(BURST))]
    assert answers == [PASS] * int(NETWORK_BURST) + [[]] * (len(answers) - int(NETWORK_BURST))
    assert await Tab(guard=guard).send(State.event_handlers["hydrate"]) == []
    signed_in = Tab(member, guard=guard)
    assert [await signed_in.send(HANDLERS["look"]) for _ in range(int(BURST) - 1)] == [PASS] * (int(BURST) - 1)
    assert await Tab(guard=guard, ip="203.0.113.9").send(HANDLERS["greet"]) == PASS
    clock.now += 1
    assert await Tab(guard=guard).send(HANDLERS["greet"]) == PASS


@attempt(0, "guard", "Events with a cookie that somebody made up cost a look-up each.")
@pytest.mark.parametrize(("cookie", "most"), [("aaaa", 0), ("a" * 43, 1), ("á" * 43, 0), ("a" * 64, 0)])
async def test_an_invented_cookie_costs_one_query_at_most(
    app_db: object, monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace, cookie: str, most: int
):
    asked: list[bytes] = []

    async def nobody(token_hash: bytes) -> None:
        asked.append(token_hash)

    monkeypatch.setattr("saasbot.domain.admin.sessions.find_session", nobody)
    monkeypatch.setattr(recent, "time", clock)
    clock.monotonic = lambda: clock.now
    guard = Guard()
    for _ in range(20):
        tab = Tab(cookie, guard=guard)
        assert [await tab.send(HANDLERS["greet"]) for _ in range(5)] == [PASS] * 5
    assert len(asked) == most
    clock.now += recent.SECONDS
    await Tab(cookie, guard=guard).send(HANDLERS["greet"])
    assert len(asked) == 2 * most


def test_twenty_a_second_go_on_for_ever(clock: SimpleNamespace):
    budget = EventBudget(per_second=PER_SECOND, burst=BURST)
    for _ in range(2_000):
        clock.now += 1 / PER_SECOND
        assert budget.spend("alice") is Spent.GRANTED
    fast = [Spent.GRANTED]
    while fast[-1] is Spent.GRANTED:
        clock.now += 1 / (2 * PER_SECOND)
        fast.append(budget.spend("alice"))
    assert 2 * BURST - 5 < len(fast) < 2 * BURST + 5
    assert (fast[-1], budget.spend("alice")) == (Spent.FIRST_REFUSED, Spent.REFUSED)


async def test_all_tabs_of_a_person_may_load_at_once(alice: Actor, clock: SimpleNamespace):
    """A restart of the server makes every open tab say hello and load its page in the same second."""
    guard, token = Guard(), (await cookie_of("alice@sur.example"))[0]
    for _ in range(12):
        tab = Tab(token, guard=guard)
        assert [await tab.send(event, **arguments(event)) for event in page_load()] == [PASS] * len(page_load())


def page_load() -> list[Any]:
    """The most that any page brings: Reflex's own events around the handlers of ours."""
    theirs = [State.event_handlers["hydrate_and_load"], OnLoadInternalState.event_handlers["on_load_internal"]]
    ours = max(len(page.on_load) for page in PAGES)
    return [*theirs, *[HANDLERS["look"]] * ours, OnLoadInternalState.event_handlers["set_is_hydrated"]]


def test_who_steps_through_the_inbox_by_keyboard_is_not_stopped(clock: SimpleNamespace):
    """Ten seconds of five conversations a second; a key that is held down does not repeat (keyboard.js). Each is opened, said to
    be seen, and what was typed in the one before is kept."""
    budget = EventBudget(per_second=PER_SECOND, burst=BURST)
    opened = next(page for page in PAGES if page.route == routes.CONVERSATION)
    for _ in range(50):
        clock.now += 0.2
        assert {budget.spend("alice") for _ in [*opened.on_load, "seen", "keep_draft"]} == {Spent.GRANTED}


def arguments(handler: Any) -> dict[str, Any]:
    return {"value": True} if handler.fn.__name__ == "set_is_hydrated" else {}


async def test_what_reflex_sends_by_itself_has_an_end_too(app_db: object, clock: SimpleNamespace):
    tab = Tab()
    answers = [await tab.send(State.event_handlers["hydrate"]) for _ in range(int(TAB_BURST) + 5)]
    assert answers[: int(TAB_BURST)] == [PASS] * int(TAB_BURST)
    assert answers[-1] == []


async def test_an_error_is_told_in_the_language_of_the_tab(app_db: object):
    from reflex_base.event.context import EventContext

    tab = Tab(language="es")
    await tab.send(HANDLERS["greet"])
    context = EventContext(token=tab.token, state_manager=None, enqueue_impl=None)  # type: ignore[arg-type]
    reset = EventContext.set(context)
    try:
        assert "El correo o la contraseña no son correctos." in str(show_error(accounts.InvalidCredentials()))
        assert "Algo salió mal de nuestro lado." in str(show_error(ZeroDivisionError("secret detail")))
        assert "secret detail" not in str(show_error(ZeroDivisionError("secret detail")))
        assert "login" in str(show_error(NotSignedIn()))
    finally:
        EventContext.reset(reset)
