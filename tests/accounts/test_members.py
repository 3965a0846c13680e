"""The team: who may decide about whom, that an owner remains, and that open pages know at once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidCredentials, InvalidTicket, InvalidToken, hear_endings, invitations, members
from saasbot.domain.accounts.members import LastOwner, Member
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra import db
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.infra.events import Listener
from saasbot.models import Role
from saasbot.state.team import TeamState
from tests.accounts.test_sessions import session_of, ticket_of
from tests.attack.attempts import attempt
from tests.gate.tab import PASS, Tab
from tests.gate.test_guard_sessions import is_redirect_to_login, texts
from tests.people import PASSWORD, make_colleague

ACTS: dict[str, Any] = {
    "owner": lambda actor, id: members.change_role(actor, id, "owner"),
    "admin": lambda actor, id: members.change_role(actor, id, "admin"),
    "agent": lambda actor, id: members.change_role(actor, id, "agent"),
    "disable": members.disable_member,
    "enable": members.enable_member,
    "remove": members.remove_member,
}


async def team(actor: Actor) -> dict[str, Member]:
    async with unit_of_work(actor):
        return {member.name: member for member in await members.list_members(actor, limit=100)}


async def act(actor: Actor, what: str, whom: UUID) -> Any:
    async with unit_of_work(actor):
        return await ACTS[what](actor, whom)


async def test_the_team_is_listed_as_it_joined(alice: Actor, bob: Actor, charlie: Actor, mallory: Actor):
    found = await team(alice)
    assert [(name, member.role, member.email, member.disabled) for name, member in found.items()] == [
        ("Alice", Role.OWNER, "alice@sur.example", False),
        ("Bob", Role.AGENT, "bob@sur.example", False),
        ("Charlie", Role.ADMIN, "charlie@sur.example", False),
    ]
    async with unit_of_work(charlie):
        first = await members.list_members(charlie, limit=2)
        rest = await members.list_members(charlie, limit=2, after=(first[1].joined_at, first[1].id))
    assert [member.name for member in (*first, *rest)] == ["Alice", "Bob", "Charlie"]


async def test_rank_decides(alice: Actor, bob: Actor, charlie: Actor):
    """Every act of an admin and of an agent on everybody, each undone; the owner's are in the tests below."""
    ids = {name: member.id for name, member in (await team(alice)).items()}
    allowed = set()
    for actor in (charlie, bob):
        for name, id in ids.items():
            for what in ("owner", "admin", "agent", "disable", "enable"):
                try:
                    await act(actor, what, id)
                except Forbidden:
                    continue
                allowed.add((actor.name, name, what))
    assert allowed == {("Charlie", "Bob", "agent"), ("Charlie", "Bob", "disable"), ("Charlie", "Bob", "enable")}
    for name in ("Alice", "Charlie"):
        with pytest.raises(Forbidden):
            await act(charlie, "remove", ids[name])
    await act(charlie, "remove", ids["Bob"])
    assert "Bob" not in await team(alice)


async def test_an_agent_does_not_even_see_the_list(bob: Actor):
    with pytest.raises(Forbidden):
        await team(bob)


async def test_the_system_gives_no_roles(alice: Actor, bob: Actor):
    with pytest.raises(Forbidden):
        await act(Actor.system(alice.company_id), "admin", (await team(alice))["Bob"].id)


async def test_an_unknown_role_is_named(alice: Actor, bob: Actor):
    async with unit_of_work(alice):
        with pytest.raises(InvalidInput) as error:
            await members.change_role(alice, (await members.list_members(alice, limit=9))[1].id, "super_admin")
    assert error.value.field == "role"


@attempt(154, "tenancy", "The role of somebody in another company is changed.")
async def test_people_of_another_company_do_not_exist(alice: Actor, bob: Actor, mallory: Actor):
    bob_id = (await team(alice))["Bob"].id
    for what in ACTS:
        with pytest.raises(NotFound):
            await act(mallory, what, bob_id)
    assert (await team(alice))["Bob"].role == Role.AGENT


@pytest.mark.parametrize("what", ["admin", "agent", "disable", "remove"])
async def test_the_last_owner_stays(alice: Actor, what: str):
    [me] = (await team(alice)).values()
    with pytest.raises(LastOwner):
        await act(alice, what, me.id)
    dana = await make_colleague(alice, "Dana", Role.OWNER)
    await act(alice, "disable", (await team(alice))["Dana"].id)
    with pytest.raises(LastOwner):  # one who cannot act is none
        await act(alice, what, me.id)
    await act(alice, "enable", (await team(alice))["Dana"].id)
    await act(alice, what, me.id)
    with pytest.raises(LastOwner):
        await act(dana, what, (await team(dana))["Dana"].id)


@attempt(155, "accounts", "Two owners remove one another at once.")
async def test_of_two_owners_that_remove_one_another_at_once_one_remains(alice: Actor):
    dana = await make_colleague(alice, "Dana", Role.OWNER)
    ids = {name: member.id for name, member in (await team(alice)).items()}
    outcomes = await asyncio.gather(
        act(alice, "remove", ids["Dana"]), act(dana, "remove", ids["Alice"]), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) in (
        ["LastOwner", "NoneType"],
        ["NoneType", "NotFound"],
    )


async def heard(listener: Listener) -> asyncio.Event:
    event = asyncio.Event()
    listener.on_event(lambda found: event.set() if found.kind == "session" else None)
    await listener.start()
    return event


@pytest.mark.parametrize("what", ["disable", "remove", "agent"])
async def test_on_an_open_page_it_counts_within_a_second(alice: Actor, charlie: Actor, what: str):
    """Charlie's tab is open and warm; another process decides, and this one only hears of it."""
    tab, withdraw = Tab(await session_of("charlie@sur.example")), TeamState.event_handlers["withdraw"]
    assert await tab.send(withdraw, invitation_id="x") == PASS
    listener = Listener(db.app_dsn())
    hear_endings(listener)
    told = await heard(listener)
    try:
        await act(alice, what, (await team(alice))["Charlie"].id)
        await asyncio.wait_for(told.wait(), 20)
        answer = await tab.send(withdraw, invitation_id="x")
    finally:
        await listener.stop()
    if what == "agent":
        assert "Your role does not allow this." in texts(answer)
    else:
        assert is_redirect_to_login(answer)


@pytest.mark.parametrize("what", ["disable", "remove"])
async def test_whatever_opened_the_company_before_is_over_for_good(alice: Actor, bob: Actor, what: str):
    session, ticket = await session_of("bob@sur.example"), await ticket_of("bob@sur.example")
    found = await find_account("bob@sur.example")
    assert found is not None
    pair = await accounts.issue_tokens(found[0])
    bob_id = (await team(alice))["Bob"].id
    await act(alice, what, bob_id)
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="bob@sur.example", password=PASSWORD, network="x")
    async with unit_of_work(alice):
        if what == "disable":
            await members.enable_member(alice, bob_id)
        else:
            await db.sql("UPDATE membership SET removed_at = NULL WHERE id = :id", id=bob_id)
    await accounts.sign_in(email="bob@sur.example", password=PASSWORD, network="x")
    assert await accounts.signed_in(session) is None
    with pytest.raises(InvalidTicket):
        await accounts.start_session(ticket, network="", user_agent="")
    for use in (accounts.caller_of(pair.access_token), accounts.refresh_tokens(pair.refresh_token)):
        with pytest.raises(InvalidToken):
            await use


@pytest.mark.parametrize(("what", "left"), [("disable", []), ("agent", []), ("owner", ["x@sur.example"])])
async def test_invitations_that_one_may_no_longer_send_are_withdrawn(
    alice: Actor, charlie: Actor, what: str, left: list[str]
):
    await accounts.invite(charlie, email="x@sur.example", role="agent")
    await act(alice, what, (await team(alice))["Charlie"].id)
    async with unit_of_work(alice):
        waiting = await invitations.list_invitations(alice, limit=9)
    assert [invitation.email for invitation in waiting] == left
