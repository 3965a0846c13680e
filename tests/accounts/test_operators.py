"""What whoever has the machine may do to an account, and nobody else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt
from saasbot.domain.accounts.endings import forget_person
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.domain.admin.operators import drop_second_factor, set_super_admin
from saasbot.domain.admin.signing_keys import signing_keys
from saasbot.infra.db import platform_unit_of_work, sql
from saasbot.infra.roles import DatabaseUrls
from saasbot.infra.start_error import StartError
from saasbot.start.operate import OF_AN_ACCOUNT, act_on_account, act_on_keys
from tests.accounts.test_sessions import session_of
from tests.people import PASSWORD, sign_in_as

ROOT = Path(__file__).parents[2]
EMAIL = "alice@sur.example"


async def is_super_admin(actor: Actor) -> bool:
    async with platform_unit_of_work("a test"):
        found = await sql("SELECT is_super_admin FROM user_account WHERE id = :id", id=actor.user_id)
        return found.scalar_one()


def command(database: DatabaseUrls, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "saasbot", *arguments],
        cwd=ROOT,
        env=os.environ | {"SAASBOT_DATABASE_URL": database.owner},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def test_a_command_makes_a_super_admin(database: DatabaseUrls, alice: Actor, bob: Actor):
    done = command(database, "grant-super-admin", "Alice@sur.example")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{EMAIL} operates the whole installation now.\n")
    assert await is_super_admin(alice)
    assert not await is_super_admin(bob)


async def test_an_address_without_an_account_is_said_so(alice: Actor):
    for name in OF_AN_ACCOUNT:
        for address in ("nobody@sur.example", "nonsense"):
            with pytest.raises(StartError, match=f"^{address}: "):
                await act_on_account(name, address)


async def test_a_command_makes_a_signing_key(alice: Actor):
    first = {key.id for key in await signing_keys()}
    said = await act_on_keys("rotate-signing-key")
    (new,) = [key.id for key in await signing_keys() if key.id not in first]
    assert str(new) in said


async def test_a_super_admin_signs_in_anew_and_in_two_steps(alice: Actor):
    before = await session_of(EMAIL)
    assert await accounts.signed_in(before)
    assert await set_super_admin(EMAIL, granted=True) == alice.user_id
    assert alice.user_id is not None
    forget_person(alice.user_id)  # as the event does it in the server, which is another process
    assert await accounts.signed_in(before) is None
    step = await accounts.sign_in(email=EMAIL, password=PASSWORD, network="x")
    assert isinstance(step, Attempt)
    assert step.enrols
    assert await set_super_admin(EMAIL, granted=False) == alice.user_id
    assert isinstance(await accounts.sign_in(email=EMAIL, password=PASSWORD, network="x"), Person)


async def test_a_second_factor_is_dropped_for_who_lost_everything(alice: Actor, charlie: Actor):
    assert (await sign_in_as("charlie@sur.example")).user_id == charlie.user_id
    assert await drop_second_factor("charlie@sur.example") == charlie.user_id
    step = await accounts.sign_in(email="charlie@sur.example", password=PASSWORD, network="x")
    assert isinstance(step, Attempt)
    assert step.enrols, "an administrator must make another"
    assert await drop_second_factor("nobody@sur.example") is None
    assert await set_super_admin("nobody@sur.example", granted=True) is None
    assert await find_account(EMAIL)
