"""Going from one of one's companies to another: what ends, what begins, and who does not get there."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from reflex.state import State
from sqlalchemy import update
from sqlmodel import col

import saasbot.saasbot  # noqa: F401  # registers every page and state
from saasbot.domain import accounts
from saasbot.domain.accounts import Cookie, InvalidTicket, authenticate
from saasbot.domain.accounts.members import remove_member
from saasbot.domain.accounts.open_sessions import end_other_sessions
from saasbot.domain.accounts.switching import AlreadyThere, TwoStepNeeded, companies_of, ticket_to
from saasbot.domain.actor import Actor
from saasbot.domain.admin.seats import find_seat
from saasbot.infra.db import platform_unit_of_work, run, sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.models import Membership, Role, UserAccount
from saasbot.models.table import new_id, utcnow
from saasbot.realtime.hub import Hub
from saasbot.state import leaving
from saasbot.state.catalogue import CatalogueState
from saasbot.state.companies import CompaniesState
from saasbot.state.session import SessionState
from tests.attack.attempts import attempt
from tests.audit.test_trail import lines
from tests.gate.canaries import left_in, let_in, our_states, sings
from tests.gate.tab import PASS, Tab
from tests.gate.test_guard_sessions import is_redirect_to_login
from tests.gate.test_open_tabs import SECRET, Tabs, hub, listening, until, watching
from tests.people import give_seat, give_second_factor, session_in, sign_in_as

__all__ = ["hub"]

LOOK, READ, ENTER = (
    CatalogueState.event_handlers["turn_page"],
    CompaniesState.event_handlers["read"],
    CompaniesState.event_handlers["enter"],
)
TICKET = re.compile(r"/auth/complete\?ticket=([\w-]{43})")


@pytest.fixture
async def there(alice: Actor, mallory: Actor) -> Actor:
    """Alice as she is in Mallory's company: an agent."""
    return await give_seat(alice, mallory, Role.AGENT)


@pytest.fixture
async def token(alice: Actor, there: Actor) -> str:
    """Of a browser in which Alice is in her own company."""
    return await session_in(alice)


async def asked(tab: Tab, company_id: object) -> str:
    """The ticket that the tab is sent away with."""
    assert await tab.send(ENTER, company_id=str(company_id)) == PASS
    answer = str(await ENTER.fn(await tab.state(CompaniesState), company_id=str(company_id)))
    found = TICKET.search(answer)
    assert found, answer
    return found[1]


async def exchanged(ticket: str, held: str) -> str:
    """As the route does it: the token of the new cookie."""
    return await accounts.start_session(ticket, network="home", user_agent="a browser", held=held)


async def company_of(token: str) -> object:
    found = await authenticate(Cookie(token))
    return found and found.actor.company_id


async def test_the_menu_lists_the_companies_of_a_person_by_name(alice: Actor, there: Actor, token: str):
    tab = Tab(token)
    assert await tab.send(READ) == PASS
    state = await tab.state(CompaniesState)
    await READ.fn(state)
    assert [(row.name, row.role, row.here) for row in state.rows] == [
        ("Mala Junta", "agent", False),
        ("Zapatería Sur", "owner", True),
    ]
    assert state.rows[0].id == str(there.company_id)
    assert [seat.company_id for seat in await companies_of(there)] == [there.company_id, alice.company_id]


async def test_who_has_one_company_sees_no_list(alice: Actor, mallory: Actor, bob: Actor):
    tab = Tab(await session_in(bob))
    await tab.send(READ)
    state = await tab.state(CompaniesState)
    await READ.fn(state)
    assert state.rows == []
    assert [seat.company_name for seat in await companies_of(bob)] == ["Zapatería Sur"]


async def test_the_session_ends_in_the_one_and_begins_in_the_other(alice: Actor, there: Actor, token: str):
    ticket = await asked(Tab(token), there.company_id)
    assert await company_of(token) == alice.company_id, "not before the ticket is used"
    new = await exchanged(ticket, token)
    assert await company_of(token) is None
    assert await company_of(new) == there.company_id
    found = await accounts.signed_in(new)
    assert found is not None
    assert found.actor == there, "with the role and the permissions of there"
    with pytest.raises(InvalidTicket):
        await exchanged(ticket, token)


async def test_both_trails_have_it_and_the_one_left_does_not_say_where_to(
    alice: Actor, there: Actor, mallory: Actor, token: str
):
    await exchanged(await asked(Tab(token), there.company_id), token)
    left, entered = (await lines(alice, kind="session"))[0], (await lines(mallory, kind="session"))[0]
    assert (left.action, left.user_name) == ("session.switched", "Alice")
    assert (entered.action, entered.user_name) == ("session.opened", "Alice")
    assert left.details == {}
    assert str(there.company_id) not in repr(left)


async def test_the_company_entered_last_is_where_the_next_sign_in_leads(alice: Actor, there: Actor, token: str):
    new = await exchanged(await asked(Tab(token), there.company_id), token)
    back = await exchanged(await asked(Tab(new), alice.company_id), new)
    assert await company_of(back) == alice.company_id
    assert (await sign_in_as("alice@sur.example")).company_id == alice.company_id


async def test_nothing_is_left_in_the_tab_of_the_company_before(there: Actor, token: str):
    """A canary in every var of every state."""
    tab = Tab(token)
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    session = await tab.state(SessionState)
    whose = session._session_id, session._company_id
    ticket = await asked(tab, there.company_id)
    await let_in(tab, our_states())
    session._session_id, session._company_id = whose
    tab.reconnect(await exchanged(ticket, token))
    assert await tab.send(State.event_handlers["hydrate"]) == PASS
    assert {found.partition(".")[0] for found in await left_in(tab, our_states())} == {"SessionState"}
    assert (await tab.state(SessionState))._company_id == str(there.company_id)
    assert not sings([tab.root.dict(), tab.root.get_delta()])


async def test_other_tabs_of_the_browser_are_emptied_at_once_and_pushed_nothing_more(
    hub: Hub,  # the fixture
    alice: Actor,
    there: Actor,
    token: str,
    monkeypatch: pytest.MonkeyPatch,
):
    """The tab that goes is told nothing: it would be led to the sign-in, away from the new cookie."""
    monkeypatch.setattr(leaving, "hub", hub)
    here, other = Tab(token), Tab(token)
    tabs = Tabs(here, other)
    for tab in (here, other):
        assert await tab.send(LOOK, forward=True) == PASS
        await watching(hub, tab)
        (await tab.state(CatalogueState)).query = "Alice's"
    async with listening(hub, tabs):
        await exchanged(await asked(here, there.company_id), token)
        await until(lambda: _is(other.token in tabs.sent))
    assert "/login" in tabs.sent[other.token]
    assert (await other.state(CatalogueState)).query == ""
    assert here.token not in tabs.sent
    assert not hub.watches(here.token, "catalogue")
    assert not hub.watches(other.token, "catalogue")
    assert (await here.state(CatalogueState)).query != SECRET
    assert is_redirect_to_login(await here.send(LOOK, forward=True))
    assert (await here.state(CatalogueState)).query == ""


async def _is(value: bool) -> bool:
    return value


# who does not get there


@attempt(221, "accounts", "Somebody asks to go to a company that is not theirs.")
async def test_a_company_that_is_not_theirs_is_as_one_that_does_not_exist(alice: Actor, bob: Actor, mallory: Actor):
    tab, said = Tab(await session_in(bob)), []
    for company_id in (mallory.company_id, new_id()):
        assert await tab.send(ENTER, company_id=str(company_id)) == PASS
        with pytest.raises(NotFound) as error:
            await ENTER.fn(await tab.state(CompaniesState), company_id=str(company_id))
        said.append(str(error.value))
    assert said[0] == said[1]
    refusals = await lines(alice, kind="access")
    assert [(line.user_name, line.details["code"]) for line in refusals] == [("Bob", "not_found")] * 2
    assert await lines(mallory, kind="access") == []
    with pytest.raises(AlreadyThere):
        await ticket_to(bob, alice.company_id, leaves="x")


async def removed(there: Actor, mallory: Actor) -> None:
    async with unit_of_work(mallory):
        rows = await sql("SELECT id FROM membership WHERE user_id = :user", user=there.user_id)
        await remove_member(mallory, rows.scalar_one())


async def disabled_there(there: Actor, _mallory: Actor) -> None:
    async with platform_unit_of_work("a test"):
        mine = (col(Membership.user_id) == there.user_id, col(Membership.company_id) == there.company_id)
        await run(update(Membership).where(*mine).values(disabled_at=utcnow()))


async def disabled(there: Actor, _mallory: Actor) -> None:
    async with platform_unit_of_work("a test"):
        await run(update(UserAccount).where(col(UserAccount.id) == there.user_id).values(disabled_at=utcnow()))


async def made_admin(there: Actor, _mallory: Actor) -> None:
    """Whose role needs a second factor, which Alice has not."""
    async with platform_unit_of_work("a test"):
        mine = (col(Membership.user_id) == there.user_id, col(Membership.company_id) == there.company_id)
        await run(update(Membership).where(*mine).values(role=Role.ADMIN))


Change = Callable[[Actor, Actor], Awaitable[None]]


@attempt(222, "accounts", "Somebody goes to a company that has removed or disabled them.")
@pytest.mark.parametrize(
    ("change", "refusal"),
    [(removed, NotFound), (disabled_there, NotFound), (disabled, NotFound), (made_admin, TwoStepNeeded)],
)
async def test_who_may_not_act_there_gets_no_ticket(
    alice: Actor, there: Actor, mallory: Actor, change: Change, refusal: type[Exception]
):
    await change(there, mallory)
    with pytest.raises(refusal):
        await ticket_to(alice, there.company_id, leaves="x")


@attempt(223, "accounts", "Somebody is removed, disabled or made an administrator between the ticket and its use.")
@pytest.mark.parametrize("change", [removed, disabled_there, disabled, made_admin])
async def test_the_seat_is_looked_at_again_when_the_ticket_is_used(
    alice: Actor, there: Actor, mallory: Actor, token: str, change: Change
):
    ticket = await asked(Tab(token), there.company_id)
    await change(there, mallory)
    with pytest.raises(InvalidTicket):
        await exchanged(ticket, token)
    if change is not disabled:
        assert await company_of(token) == alice.company_id, "they stay where they are"


async def test_with_a_second_factor_an_administrator_gets_there(alice: Actor, there: Actor, mallory: Actor):
    await made_admin(there, mallory)
    found = await find_seat(alice.person_id, alice.company_id)
    assert found is not None
    await give_second_factor(found[0])
    token = await session_in(alice)
    new = await accounts.signed_in(await exchanged(await asked(Tab(token), there.company_id), token))
    assert new is not None
    assert (new.actor.company_id, new.actor.role) == (there.company_id, Role.ADMIN)


@attempt(224, "accounts", "The ticket of a change of company is used in another browser.")
async def test_the_ticket_is_good_for_the_browser_that_asked_only(
    alice: Actor, there: Actor, mallory: Actor, token: str
):
    ticket = await asked(Tab(token), there.company_id)
    for held in ("", "nonsense", await session_in(alice), await session_in(mallory)):
        with pytest.raises(InvalidTicket):
            await exchanged(ticket, held)
    assert await company_of(await exchanged(ticket, token)) == there.company_id, "and it was not spoiled"


@attempt(225, "accounts", "A stolen session gets itself a ticket to another company before its owner ends it.")
async def test_a_session_that_was_ended_takes_its_tickets_with_it(alice: Actor, there: Actor, token: str):
    ticket, own = await asked(Tab(token), there.company_id), await accounts.signed_in(await session_in(alice))
    assert own is not None
    await end_other_sessions(alice, current=own.session_id)
    with pytest.raises(InvalidTicket):
        await exchanged(ticket, token)


async def test_of_two_tickets_of_a_session_one_is_used(there: Actor, token: str):
    tickets = [await asked(Tab(token), there.company_id) for _ in range(3)]
    outcomes = await asyncio.gather(*(exchanged(ticket, token) for ticket in tickets), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidTicket", "InvalidTicket", "str"]


@attempt(226, "accounts", "The cookie, or an open tab, of the company that was left goes on.")
async def test_the_old_cookie_and_the_old_tab_are_over(alice: Actor, there: Actor, token: str):
    tab = Tab(token)
    assert await tab.send(LOOK, forward=True) == PASS
    await exchanged(await asked(tab, there.company_id), token)
    assert await company_of(token) is None
    assert is_redirect_to_login(await tab.send(LOOK, forward=True))
    assert is_redirect_to_login(await tab.send(ENTER, company_id=str(alice.company_id)))
    assert is_redirect_to_login(await Tab(token).send(LOOK, forward=True))
