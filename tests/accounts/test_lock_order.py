"""A sign-in ends while the second step it ends by is changed: one waits for the other, and the database ends neither."""

import asyncio
from types import ModuleType
from typing import Any

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts import enrolment, two_step
from saasbot.domain.accounts.attempts import LIFETIME
from saasbot.domain.actor import Actor
from saasbot.domain.admin import attempts, credentials, resets
from saasbot.domain.admin.operators import drop_second_factor
from saasbot.domain.admin.second_factors import read_factor, remove_factor
from saasbot.infra.crypto import token_hash
from saasbot.infra.db import platform_unit_of_work, sql
from saasbot.models import Role
from saasbot.models.table import new_id, utcnow
from tests.accounts.test_resets import NEW, link_token, own_mail_folder
from tests.accounts.test_two_step import EMAIL, begun_attempt, code_of, codes, replacement_for
from tests.people import fresh_code, make_colleague

__all__ = ["codes", "own_mail_folder"]

LOCKED = {
    "a code of the app": (attempts, "used_at IS NULL FOR UPDATE"),
    "a recovery code": (attempts, "UPDATE recovery_code"),
    "a reset": (credentials, "DELETE FROM sign_in_attempt"),
    "another link": (resets, "FOR UPDATE"),
}
"""What ends a sign-in, and the statement after which it has locked what it locks first."""


def held_up(monkeypatch: pytest.MonkeyPatch, end: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Who ends a sign-in says when it has its first locks, and goes on when it may."""
    module: ModuleType
    module, words = LOCKED[end]
    locked, go_on, real = asyncio.Event(), asyncio.Event(), module.run  # type: ignore[attr-defined]

    async def slow(statement: Any) -> Any:
        result = await real(statement)
        if words in str(statement) and not locked.is_set():
            locked.set()
            await go_on.wait()
        return result

    monkeypatch.setattr(module, "run", slow)
    return locked, go_on


async def somebody_waits() -> None:
    async with asyncio.timeout(10):
        while True:
            async with platform_unit_of_work("a test looks"):
                if (await sql("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")).scalar_one():
                    return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("end", "change"),
    [
        ("a code of the app", "another app"),
        ("a recovery code", "another app"),
        ("a reset", "another app"),
        ("a recovery code", "turned off"),
        ("a code of the app", "dropped by an operator"),
        ("a reset", "dropped by an operator"),
    ],
)
async def test_who_changes_the_second_step_waits_for_who_ends_a_sign_in(
    alice: Actor,
    codes: list[str],
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    change: str,
):
    begun, link = await replacement_for(alice), await link_token()
    token, code = await begun_attempt(), await fresh_code(alice.user_id)
    ends = {
        "a code of the app": lambda: accounts.finish(token, code),
        "a recovery code": lambda: accounts.finish(token, codes[0]),
        "a reset": lambda: accounts.reset_password(token=link, password=NEW),
    }
    changes = {
        "another app": lambda: two_step.confirm(alice, code_of(begun), current=new_id()),
        "turned off": lambda: remove_factor(alice.person_id),
        "dropped by an operator": lambda: drop_second_factor(EMAIL),
    }
    locked, go_on = held_up(monkeypatch, end)
    ending = asyncio.ensure_future(ends[end]())
    await locked.wait()
    changing = asyncio.ensure_future(changes[change]())
    await somebody_waits()
    go_on.set()
    await ending
    assert await changing


async def test_an_enrolment_waits_for_a_reset_and_comes_too_late(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    """Else whoever knew the password before would leave their own app behind."""
    dora = await make_colleague(alice, "Dora", Role.AGENT, email="dora@sur.example")
    async with platform_unit_of_work("a test"):
        await sql("UPDATE membership SET role = 'admin' WHERE role = 'agent'")
    token, link = await begun_attempt("dora@sur.example"), await link_token("dora@sur.example")
    begun, waiting = await accounts.enrol(token), await attempts.read_attempt(token_hash(token))
    assert waiting is not None
    locked, go_on = held_up(monkeypatch, "a reset")
    ending = asyncio.create_task(accounts.reset_password(token=link, password=NEW))
    await locked.wait()
    late = asyncio.create_task(
        enrolment.confirm(dora.person_id, code_of(begun), attempt_id=waiting.id, attempt_ends=utcnow() + LIFETIME)
    )
    await somebody_waits()
    go_on.set()
    await ending
    assert await late is None
    factor = await read_factor(dora.person_id)
    assert factor is not None and factor.confirmed_at is None


async def test_a_link_that_is_used_while_another_is_asked_for_is_no_longer_good(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
):
    link = await link_token()
    async with platform_unit_of_work("a test"):
        await sql("UPDATE password_reset SET created_at = created_at - interval '2 minutes'")
    locked, go_on = held_up(monkeypatch, "another link")
    asking = asyncio.create_task(resets.open_reset(EMAIL, b"another" * 4, LIFETIME))
    await locked.wait()
    using = asyncio.create_task(accounts.reset_password(token=link, password=NEW))
    await somebody_waits()
    go_on.set()
    assert await asking is not None
    with pytest.raises(accounts.InvalidReset):
        await using
