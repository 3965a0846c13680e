"""A tab's token belongs to the session that used it first: while it lives, wherever it is asked, and after a restart."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select, update

from saasbot.api import tab_bindings
from saasbot.api.tab_bindings import TabBindings
from saasbot.domain import accounts
from saasbot.domain.accounts.sessions import LIFETIME
from saasbot.domain.actor import Actor
from saasbot.domain.admin.expired import remove_expired
from saasbot.infra.crypto import token_hash
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.models import TabBinding, UserSession
from saasbot.models.table import utcnow
from tests.attack.attempts import attempt
from tests.gate.test_gate import cookie_of


async def session_of(email: str) -> tuple[str, UUID]:
    """The token and the id of a fresh session."""
    token, _ = await cookie_of(email)
    found = await accounts.signed_in(token)
    assert found is not None
    return token, found.session_id


async def bindings() -> Sequence[Any]:
    """What the table holds: hashes and the ids of sessions."""
    async with platform_unit_of_work("a test"):
        return (await run(select(col(TabBinding.token_hash), col(TabBinding.session_id)))).all()


async def test_another_session_is_refused_while_the_first_lives(alice: Actor, mallory: Actor):
    _, hers = await session_of("alice@sur.example")
    _, foreign = await session_of("mallory@junta.example")
    tabs, tab = TabBindings(), str(uuid4())
    assert await tabs.allow(tab, hers)
    assert not await tabs.allow(tab, foreign)
    assert not await tabs.allow(tab, None)
    assert await tabs.allow(tab, hers)


@attempt(201, "gate", "A tab's token is taken after a restart emptied the state.")
async def test_a_restart_changes_nothing(alice: Actor, mallory: Actor):
    """Nor does a state store that was emptied, nor another process: what counts is in the database."""
    _, hers = await session_of("alice@sur.example")
    _, foreign = await session_of("mallory@junta.example")
    tab = str(uuid4())
    assert await TabBindings().allow(tab, hers)
    assert not await TabBindings().allow(tab, foreign)
    assert not await TabBindings().allow(tab, None)
    assert await TabBindings().allow(tab, hers)


async def test_after_signing_out_the_tab_is_free(alice: Actor, mallory: Actor):
    token, hers = await session_of("alice@sur.example")
    _, foreign = await session_of("mallory@junta.example")
    tabs, tab = TabBindings(), str(uuid4())
    assert await tabs.allow(tab, hers)
    await accounts.sign_out(token)
    assert await tabs.allow(tab, None)
    assert await tabs.allow(tab, foreign)
    assert not await TabBindings().allow(tab, hers)


async def test_it_is_free_whoever_else_is_here(alice: Actor, mallory: Actor):
    """It is about the session of this tab: those of other tabs live on."""
    token, hers = await session_of("alice@sur.example")
    _, foreign = await session_of("mallory@junta.example")
    tabs, tab = TabBindings(), str(uuid4())
    assert await tabs.allow(str(uuid4()), foreign)
    assert await tabs.allow(tab, hers)
    await accounts.sign_out(token)
    _, anew = await session_of("alice@sur.example")
    assert await tabs.allow(tab, anew)


async def test_a_tab_without_a_session_binds_nothing(alice: Actor):
    _, hers = await session_of("alice@sur.example")
    tabs, tab = TabBindings(), str(uuid4())
    assert await tabs.allow(tab, None)
    assert await bindings() == []
    assert await tabs.allow(tab, hers)


@attempt(202, "gate", "Two sessions claim one tab at once.")
async def test_of_two_that_claim_a_tab_at_once_one_gets_it(alice: Actor, mallory: Actor):
    sessions = [(await session_of(email))[1] for email in ("alice@sur.example", "mallory@junta.example")]
    for _ in range(5):
        tab = str(uuid4())
        assert sorted(await asyncio.gather(*(TabBindings().allow(tab, one) for one in sessions))) == [False, True]


async def test_a_tab_that_comes_again_asks_no_database(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    _, hers = await session_of("alice@sur.example")
    tabs, tab = TabBindings(), str(uuid4())
    assert await tabs.allow(tab, hers)

    async def asked(*_: object) -> bool:
        raise AssertionError("asked")

    monkeypatch.setattr(tab_bindings, "claim_tab", asked)
    assert await tabs.allow(tab, hers)


@attempt(203, "secrets", "A copy of the database is searched for tokens of tabs.")
async def test_no_token_is_stored(alice: Actor):
    _, hers = await session_of("alice@sur.example")
    tab = str(uuid4())
    await TabBindings().allow(tab, hers)
    (row,) = await bindings()
    assert (row.token_hash, row.session_id) == (token_hash(tab), hers)
    assert tab.encode() not in row.token_hash


async def test_what_has_ended_is_removed(alice: Actor):
    token, ended = await session_of("alice@sur.example")
    _, living = await session_of("alice@sur.example")
    tabs, unseen, kept = TabBindings(), str(uuid4()), str(uuid4())
    for tab, one in ((str(uuid4()), ended), (unseen, living), (kept, living)):
        await tabs.allow(tab, one)
    await accounts.sign_out(token)
    async with platform_unit_of_work("a test"):
        long_ago = utcnow() - LIFETIME * 1.1
        await run(update(TabBinding).where(col(TabBinding.token_hash) == token_hash(unseen)).values(seen_at=long_ago))
    await remove_expired()
    assert [row.token_hash for row in await bindings()] == [token_hash(kept)]


async def test_bindings_go_with_their_session(alice: Actor):
    _, hers = await session_of("alice@sur.example")
    await TabBindings().allow(str(uuid4()), hers)
    async with platform_unit_of_work("a test"):
        long_ago = utcnow() - LIFETIME
        await run(update(UserSession).values(expires_at=long_ago))
    await remove_expired()
    assert await bindings() == []
