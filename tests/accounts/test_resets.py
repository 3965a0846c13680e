"""A forgotten password: the same answer for everybody, a link that works once, and everything else over."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text

from saasbot.domain import accounts
from saasbot.domain.accounts import (
    InvalidAttempt,
    InvalidCredentials,
    InvalidReset,
    InvalidTicket,
    InvalidToken,
    attempts,
    passwords,
    signing_in,
)
from saasbot.domain.accounts.resets import LIFETIME, MAIL_TASK
from saasbot.domain.accounts.sessions import recent_sessions
from saasbot.domain.actor import Actor
from saasbot.domain.admin import attempts as attempt_rows
from saasbot.domain.admin import credentials
from saasbot.domain.admin import resets as reset_rows
from saasbot.domain.admin import sessions as session_rows
from saasbot.domain.admin import tokens as token_rows
from saasbot.domain.admin.credentials import PasswordReplaced, find_account
from saasbot.infra import mail, totp
from saasbot.infra.db import platform_unit_of_work, run
from saasbot.infra.errors import InvalidInput
from saasbot.infra.settings import settings
from saasbot.models import Role
from saasbot.models.table import utcnow
from tests.accounts.test_sessions import session_of, ticket_of
from tests.attack.attempts import attempt
from tests.people import PASSWORD, fresh_code, give_second_factor, make_colleague, sign_in_as, signed_in_person

NEW = "completely different 7"


@pytest.fixture(autouse=True)
def own_mail_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SAASBOT_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


async def waiting_jobs() -> list[tuple[str, dict[str, Any]]]:
    async with platform_unit_of_work("a test looks"):
        found = await run(text("SELECT task_name, args FROM procrastinate_jobs ORDER BY id"))
        return [(row[0], row[1]) for row in found]


async def link_token(email: str = "alice@sur.example") -> str:
    await accounts.mail_reset(email)
    found = re.search(r"http://localhost:3000/reset-password\?token=([\w-]{43})\n", mail.stored_mails()[0].text)
    assert found, mail.stored_mails()
    return found[1]


@attempt(36, "accounts", "Forgotten passwords are asked for to learn which accounts exist.")
async def test_known_and_unknown_addresses_are_one_job_alike(alice: Actor):
    await accounts.request_reset("Alice@sur.example")
    await accounts.request_reset("nobody@sur.example")
    known, unknown = await waiting_jobs()
    assert known[0] == unknown[0] == MAIL_TASK
    assert known[1].keys() == unknown[1].keys() == {"email_sealed"}
    await accounts.mail_reset_sealed(unknown[1]["email_sealed"])
    assert mail.stored_mails() == []
    await accounts.mail_reset_sealed(known[1]["email_sealed"])
    assert [stored.to for stored in mail.stored_mails()] == ["alice@sur.example"]


async def test_what_is_no_address_is_said_so(app_db: object):
    with pytest.raises(InvalidInput):
        await accounts.request_reset("nobody")
    assert await waiting_jobs() == []


async def test_an_unknown_address_gets_no_mail(app_db: object):
    await accounts.mail_reset("nobody@sur.example")
    assert mail.stored_mails() == []


async def test_the_link_sets_the_password(alice: Actor):
    await accounts.reset_password(token=await link_token(), password=NEW)
    await accounts.sign_in(email="alice@sur.example", password=NEW, network="x")
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="alice@sur.example", password=PASSWORD, network="x")


@attempt(37, "accounts", "A used reset link is opened again.")
async def test_the_link_works_once(alice: Actor):
    token = await link_token()
    await accounts.reset_password(token=token, password=NEW)
    with pytest.raises(InvalidReset):
        await accounts.reset_password(token=token, password="and a third one 8")


@attempt(38, "accounts", "An old reset link is found in a mailbox.")
async def test_the_link_works_for_half_an_hour(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = await link_token()
        clock.shift(LIFETIME + timedelta(seconds=1))
        with pytest.raises(InvalidReset):
            await accounts.reset_password(token=token, password=NEW)


@attempt(39, "accounts", "The first of two reset links is used.")
async def test_a_newer_link_replaces_the_older(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        old = await link_token()
        clock.shift(timedelta(minutes=2))
        new = await link_token()
        with pytest.raises(InvalidReset):
            await accounts.reset_password(token=old, password=NEW)
        await accounts.reset_password(token=new, password=NEW)


@attempt(42, "limits", "Somebody's mailbox is flooded with reset mails.")
async def test_asking_again_and_again_is_one_mail_a_minute(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = await link_token()
        for _ in range(3):
            await accounts.mail_reset("alice@sur.example")
        assert len(mail.stored_mails()) == 1
        clock.shift(timedelta(seconds=61))
        await accounts.mail_reset("alice@sur.example")
        assert len(mail.stored_mails()) == 2
        with pytest.raises(InvalidReset):
            await accounts.reset_password(token=token, password=NEW)


async def test_a_mail_that_could_not_be_sent_is_tried_again(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    async def broken(**_: str) -> None:
        raise OSError("no server")

    with monkeypatch.context() as patch:
        patch.setattr(mail, "send", broken)
        with pytest.raises(OSError, match="no server"):
            await accounts.mail_reset("alice@sur.example")
    await accounts.reset_password(token=await link_token(), password=NEW)


async def test_a_refused_password_leaves_the_link_usable(alice: Actor):
    token = await link_token()
    for bad in ("short", "password123", "zapateriasur1", "alice@sur.example"):
        with pytest.raises(InvalidInput) as error:
            await accounts.reset_password(token=token, password=bad)
        assert error.value.field == "password"
    await accounts.reset_password(token=token, password=NEW)


@attempt(40, "accounts", "A reset token is guessed, emptied, or made very long.")
@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 10_000, "ñ" * 43, "\x00", "\ud800"])
async def test_nonsense_resets_nothing(alice: Actor, token: str):
    with pytest.raises(InvalidReset):
        await accounts.reset_password(token=token, password=NEW)


@attempt(41, "accounts", "A thief's sessions and tokens are used after the password was reset.")
async def test_every_session_and_token_of_the_account_is_over_and_of_no_other(alice: Actor, bob: Actor):
    hers, his = await session_of("alice@sur.example"), await session_of("bob@sur.example")
    person = await sign_in_as("alice@sur.example")
    pair = await accounts.issue_tokens(person)
    await accounts.caller_of(pair.access_token)
    assert await accounts.signed_in(hers)

    await accounts.reset_password(token=await link_token(), password=NEW)
    assert await accounts.signed_in(hers) is None
    assert await accounts.signed_in(his)
    for use in (accounts.caller_of(pair.access_token), accounts.refresh_tokens(pair.refresh_token)):
        with pytest.raises(InvalidToken):
            await use


async def test_a_ticket_from_before_opens_nothing(alice: Actor, bob: Actor):
    person = await sign_in_as("alice@sur.example")
    hers, his = await accounts.issue_ticket(person), await ticket_of("bob@sur.example")
    await accounts.reset_password(token=await link_token(), password=NEW)
    with pytest.raises(InvalidTicket):
        await accounts.start_session(hers, network="", user_agent="")
    assert await accounts.start_session(his, network="", user_agent="")


async def test_a_ticket_that_is_exchanged_meanwhile_opens_nothing_that_lasts(alice: Actor):
    ticket, link = await ticket_of("alice@sur.example"), await link_token()
    opened, _ = await asyncio.gather(
        accounts.start_session(ticket, network="", user_agent=""),
        accounts.reset_password(token=link, password=NEW),
        return_exceptions=True,
    )
    recent_sessions.forget_all()
    assert isinstance(opened, InvalidTicket) or await accounts.signed_in(str(opened)) is None


# a sign-in whose password was right a moment before


async def signed_in_before(kind: str) -> tuple[Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[bool]]]:
    """Alice's password was verified. What opens something then, and whether what it opened is worth anything."""
    if kind == "attempt":
        found = await find_account("alice@sur.example")
        assert found is not None
        await give_second_factor(found[0])
        person = replace(found[0], proved_by=found[1])
        return lambda: attempts.begin(person, "x"), _attempt_goes_on
    person = await signed_in_person("alice@sur.example")
    if kind == "ticket":
        return lambda: accounts.issue_ticket(person), _ticket_opens
    return lambda: accounts.issue_tokens(person), _pair_acts


async def _ticket_opens(ticket: str) -> bool:
    try:
        await accounts.start_session(ticket, network="", user_agent="")
    except InvalidTicket:
        return False
    return True


async def _pair_acts(pair: accounts.TokenPair) -> bool:
    try:
        await accounts.caller_of(pair.access_token)
    except InvalidToken:
        return False
    return True


async def _attempt_goes_on(attempt: accounts.Attempt) -> bool:
    found = await find_account("alice@sur.example")
    assert found is not None
    try:
        await accounts.finish(attempt.token, await fresh_code(found[0].user_id))
    except InvalidAttempt:
        return False
    return True


OPENED = pytest.mark.parametrize("kind", ["ticket", "family", "attempt"])


@OPENED
async def test_what_a_sign_in_opens_is_worth_something(alice: Actor, kind: str):
    opens, is_worth = await signed_in_before(kind)
    assert await is_worth(await opens())


@attempt(238, "accounts", "A password is verified before it is replaced, and its sign-in goes on afterwards.")
@OPENED
async def test_a_sign_in_from_before_the_reset_opens_nothing_after_it(alice: Actor, kind: str):
    opens, _ = await signed_in_before(kind)
    await accounts.reset_password(token=await link_token(), password=NEW)
    with pytest.raises(PasswordReplaced) as error:
        await opens()
    assert (error.value.code, error.value.status) == ("invalid_credentials", 401)


@OPENED
async def test_a_sign_in_waits_for_a_reset_that_is_being_written(
    alice: Actor, monkeypatch: pytest.MonkeyPatch, kind: str
):
    opens, _ = await signed_in_before(kind)
    writing, go_on = held_up(monkeypatch, "record_of", reset_rows)
    reset = asyncio.create_task(accounts.reset_password(token=await link_token(), password=NEW))
    await writing.wait()
    opening = asyncio.ensure_future(opens())
    assert not (await asyncio.wait([opening], timeout=0.2))[0]
    go_on.set()
    await reset
    with pytest.raises(PasswordReplaced):
        await opening


@attempt(239, "accounts", "A sign-in is being written while its password is replaced.")
@OPENED
async def test_a_reset_waits_for_a_sign_in_that_is_being_written_and_ends_it(
    alice: Actor, monkeypatch: pytest.MonkeyPatch, kind: str
):
    (opens, is_worth), link = await signed_in_before(kind), await link_token()
    checked, go_on = held_up(
        monkeypatch, "check_still_proved", {"ticket": session_rows, "family": token_rows, "attempt": attempt_rows}[kind]
    )
    opening = asyncio.ensure_future(opens())
    await checked.wait()
    reset = asyncio.create_task(accounts.reset_password(token=link, password=NEW))
    assert not (await asyncio.wait([reset], timeout=0.2))[0]
    go_on.set()
    opened = await opening
    await reset
    assert not await is_worth(opened)


async def test_a_reset_waits_for_a_ticket_that_is_being_exchanged_and_ends_its_session(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
):
    ticket, link = await ticket_of("alice@sur.example"), await link_token()
    used, go_on = held_up(monkeypatch, "_use_ticket", session_rows)
    opening = asyncio.create_task(accounts.start_session(ticket, network="", user_agent=""))
    await used.wait()
    reset = asyncio.create_task(accounts.reset_password(token=link, password=NEW))
    assert not (await asyncio.wait([reset], timeout=0.2))[0]
    go_on.set()
    opened = await opening
    await reset
    recent_sessions.forget_all()
    assert await accounts.signed_in(opened) is None


def held_up(
    monkeypatch: pytest.MonkeyPatch, name: str, module: Any = credentials
) -> tuple[asyncio.Event, asyncio.Event]:
    """The function of the module does its work, says so, and comes back when it may."""
    done, go_on, real = asyncio.Event(), asyncio.Event(), getattr(module, name)

    async def slow(*args: Any, **more: Any) -> Any:
        result = await real(*args, **more)
        done.set()
        await go_on.wait()
        return result

    monkeypatch.setattr(module, name, slow)
    return done, go_on


@attempt(
    240, "accounts", "The second step is done before the password is replaced, and its sign-in goes on afterwards."
)
async def test_who_has_done_both_steps_before_the_reset_gets_nothing_after_it(alice: Actor):
    found = await find_account("alice@sur.example")
    assert found is not None
    await give_second_factor(found[0])
    step = await accounts.sign_in(email="alice@sur.example", password=PASSWORD, network="x")
    assert isinstance(step, accounts.Attempt)
    done = await accounts.finish(step.token, await fresh_code(alice.user_id))
    await accounts.reset_password(token=await link_token(), password=NEW)
    for opening in (accounts.issue_ticket(done.person), accounts.issue_tokens(done.person)):
        with pytest.raises(PasswordReplaced):
            await opening


async def test_who_enrolled_before_the_reset_gets_nothing_after_it(alice: Actor):
    await make_colleague(alice, "Dora", Role.AGENT, email="dora@sur.example")
    async with platform_unit_of_work("a test"):
        await run(text("UPDATE membership SET role = 'admin' WHERE role = 'agent'"))
    step = await accounts.sign_in(email="dora@sur.example", password=PASSWORD, network="x")
    assert isinstance(step, accounts.Attempt) and step.enrols
    secret = (await accounts.enrol(step.token)).secret
    await accounts.confirm_enrolment(step.token, totp.code_at(secret, int(utcnow().timestamp()) // totp.STEP_SECONDS))
    person = await accounts.finish_enrolment(step.token)
    await accounts.reset_password(token=await link_token("dora@sur.example"), password=NEW)
    with pytest.raises(PasswordReplaced):
        await accounts.issue_ticket(person)


@attempt(241, "accounts", "A sign-in with an old password writes its hash back after the reset.")
async def test_a_hash_that_is_made_anew_does_not_bring_an_old_password_back(
    alice: Actor, monkeypatch: pytest.MonkeyPatch
):
    link, real = await link_token(), credentials.replace_password_hash

    async def after_the_reset(user_id: UUID, *, old: str, new: str) -> bool:
        await accounts.reset_password(token=link, password=NEW)
        return await real(user_id, old=old, new=new)

    async def verified(password: str, _hash: str) -> tuple[bool, str]:
        return True, await passwords.hash_password(password)

    with monkeypatch.context() as patched:
        patched.setattr(credentials, "replace_password_hash", after_the_reset)
        patched.setattr(signing_in, "verify_password", verified)
        person = await signed_in_person("alice@sur.example")
    with pytest.raises(PasswordReplaced):
        await accounts.issue_ticket(person)
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email="alice@sur.example", password=PASSWORD, network="x")
    await signed_in_person("alice@sur.example", NEW)


async def test_the_mail_speaks_the_language_of_the_account(alice: Actor):
    await accounts.mail_reset("alice@sur.example")
    assert mail.stored_mails()[0].subject == "Choose a new password"
    await accounts.register(
        company_name="Café Norte",
        name="Nora",
        email="nora@norte.example",
        password=PASSWORD,
        accept_terms=True,
        locale="es",
    )
    await accounts.mail_reset("nora@norte.example")
    spanish = next(sent for sent in mail.stored_mails() if sent.to == "nora@norte.example")
    assert spanish.subject == "Elige una contraseña nueva"
    assert spanish.text.startswith("Hola, Nora:")
