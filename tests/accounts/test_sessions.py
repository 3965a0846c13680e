"""Browser sessions: opened by a ticket, kept as a hash, ended at once everywhere."""

import asyncio
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update
from sqlmodel import col

from saasbot.domain import accounts
from saasbot.domain.accounts import InvalidTicket, hear_endings
from saasbot.domain.accounts.recent import Recent
from saasbot.domain.accounts.sessions import LIFETIME, TICKET_LIFETIME, recent_sessions
from saasbot.domain.actor import Actor
from saasbot.domain.admin import sessions as rows
from saasbot.domain.admin.credentials import find_account
from saasbot.infra import db
from saasbot.infra.crypto import token_hash
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.events import Listener
from saasbot.models import Membership, Role, SignInTicket, UserSession
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt
from tests.people import session_in


async def ticket_of(email: str) -> str:
    found = await find_account(email)
    assert found is not None
    return await accounts.issue_ticket(found[0])


async def session_of(email: str = "alice@sur.example") -> str:
    return await accounts.start_session(await ticket_of(email), network="home", user_agent="a browser")


async def test_a_session_knows_who_acts(alice: Actor):
    token = await session_of()
    session = await accounts.signed_in(token)
    assert session is not None
    assert session.actor == alice
    assert (session.email, session.company_name) == ("alice@sur.example", "Zapatería Sur")


async def test_a_ticket_opens_one_session(alice: Actor):
    ticket = await ticket_of("alice@sur.example")
    await accounts.start_session(ticket, network="", user_agent="")
    with pytest.raises(InvalidTicket):
        await accounts.start_session(ticket, network="", user_agent="")


@attempt(43, "accounts", "One sign-in ticket is used by two at once.")
async def test_of_two_at_once_one_uses_the_ticket(alice: Actor):
    ticket = await ticket_of("alice@sur.example")
    outcomes = await asyncio.gather(
        *(accounts.start_session(ticket, network="", user_agent="") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1


@attempt(44, "accounts", "A sign-in ticket is used minutes later.")
async def test_a_late_ticket_opens_nothing(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        ticket = await ticket_of("alice@sur.example")
        clock.shift(TICKET_LIFETIME + timedelta(seconds=1))
        with pytest.raises(InvalidTicket):
            await accounts.start_session(ticket, network="", user_agent="")


@attempt(45, "accounts", "A session cookie is made up.")
@pytest.mark.parametrize("token", ["", "nonsense", "x" * 1000, "ñ", "\x00", "\ud800"])
async def test_nonsense_is_nobody(app_db: object, token: str):
    assert await accounts.signed_in(token) is None
    await accounts.sign_out(token)
    with pytest.raises(InvalidTicket):
        await accounts.start_session(token, network="", user_agent="")


@attempt(96, "secrets", "A copy of the database is searched for tokens that open something.")
async def test_the_database_holds_only_hashes(alice: Actor):
    ticket = await ticket_of("alice@sur.example")
    token = await accounts.start_session(ticket, network="", user_agent="")
    async with platform_unit_of_work("a test looks"):
        sessions = (await run(select(UserSession.__table__))).all()  # type: ignore[attr-defined]
        tickets = (await run(select(SignInTicket.__table__))).all()  # type: ignore[attr-defined]
    stored = repr((sessions, tickets))
    assert token not in stored
    assert ticket not in stored
    assert repr(token_hash(token)) in stored


async def test_signing_out_ends_it_at_once_and_twice_is_once(alice: Actor):
    token, other = await session_of(), await session_of()
    assert await accounts.signed_in(token)
    await accounts.sign_out(token)
    await accounts.sign_out(token)
    assert await accounts.signed_in(token) is None
    assert await accounts.signed_in(other)


async def test_a_session_lives_thirty_days_from_its_last_use(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = await session_of()
        for _ in range(3):
            clock.shift(LIFETIME - timedelta(hours=2))
            recent_sessions.forget_all()
            assert await accounts.signed_in(token)
        clock.shift(LIFETIME + timedelta(seconds=1))
        recent_sessions.forget_all()
        assert await accounts.signed_in(token) is None


@attempt(46, "accounts", "Somebody who was removed goes on with an open session.")
async def test_who_is_removed_from_the_company_acts_no_more(alice: Actor, bob: Actor):
    token = await session_of("bob@sur.example")
    async with platform_unit_of_work("a test looks"):
        await run(update(Membership).where(col(Membership.user_id) == bob.user_id).values(removed_at=utcnow()))
    assert await accounts.signed_in(token) is None


@attempt(47, "accounts", "Somebody who was demoted goes on with the rights of before.")
async def test_a_role_that_changed_counts_from_the_next_reading(alice: Actor, charlie: Actor):
    token = await session_in(charlie)
    for role, may in ((Role.ADMIN, True), (Role.AGENT, False), (Role.ADMIN, True)):
        async with platform_unit_of_work("a test looks"):
            await run(update(Membership).where(col(Membership.user_id) == charlie.user_id).values(role=role))
        recent_sessions.forget_all()  # as the news of it does
        found = await accounts.signed_in(token)
        assert found is not None
        assert (found.actor.role, "channels.write" in found.actor.permissions) == (role, may)


@attempt(48, "accounts", "A session that was ended on one process is used on another.")
async def test_what_another_process_ended_is_forgotten_at_once(alice: Actor):
    listener = Listener(db.app_dsn())
    heard = asyncio.Event()
    hear_endings(listener)
    listener.on_event(lambda _event: heard.set())
    await listener.start()
    try:
        token = await session_of()
        assert await accounts.signed_in(token)
        await rows.revoke_session(token_hash(token))  # as another process does it: our memory is not told directly
        await asyncio.wait_for(heard.wait(), 10)
        assert await accounts.signed_in(token) is None
    finally:
        await listener.stop()


@attempt(49, "accounts", "A look-up races the end of the session and would be remembered.")
async def test_an_answer_that_was_on_its_way_when_rights_ended_is_not_kept(alice: Actor):
    token = await session_of()
    session = await accounts.signed_in(token)
    assert session is not None
    recent: Recent[accounts.SignedIn] = Recent()

    async def slow(_key: bytes) -> accounts.SignedIn:
        recent.forget(session.user_id)
        return session

    async def nobody(_key: bytes) -> None:
        return None

    assert await recent.get(b"key", slow) is session
    assert await recent.get(b"key", nobody) is None


@attempt(110, "browser", "A CSRF token of another session is presented.")
async def test_the_csrf_token_belongs_to_its_session(alice: Actor, mallory: Actor):
    hers, mine = [await accounts.signed_in(await session_of(e)) for e in ("alice@sur.example", "mallory@junta.example")]
    assert hers is not None
    assert mine is not None
    assert accounts.csrf_matches(hers, hers.csrf_token)
    for wrong in ("", mine.csrf_token, "ñ", "\ud800"):
        assert not accounts.csrf_matches(hers, wrong)
