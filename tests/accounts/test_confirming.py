"""Confirmed addresses: who proves one, what goes out before, and that nobody keeps an account of somebody else's address."""

import ast
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import time_machine

import saasbot
from saasbot.api.app import api
from saasbot.domain import accounts
from saasbot.domain.accounts import (
    InvalidConfirmation,
    InvalidCredentials,
    InvalidTicket,
    InvalidToken,
    Locked,
    PasswordNeeded,
    TooOften,
    outgoing,
)
from saasbot.domain.accounts.confirming import LIFETIME, MAIL_TASK, mail_confirmation
from saasbot.domain.accounts.outgoing import Unconfirmed
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.domain.channels.incident_mail import IncidentMail
from saasbot.infra import mail
from saasbot.infra.db import platform_unit_of_work, sql, unit_of_work
from saasbot.jobs import channels as job
from saasbot.models.table import utcnow
from saasbot.state.shell import ShellState
from tests.accounts.test_resets import NEW, link_token, own_mail_folder, waiting_jobs
from tests.attack.attempts import attempt
from tests.gate.tab import Tab
from tests.people import PASSWORD, signed_in_person

__all__ = ["own_mail_folder"]

NORA = "nora@norte.example"


@pytest.fixture
async def nora(app_db: object) -> Person:
    """Has just registered."""
    return await accounts.register(
        company_name="Café Norte", name="Nora", email=NORA, password=PASSWORD, accept_terms=True, locale="en"
    )


async def is_confirmed(email: str = NORA) -> bool:
    found = await find_account(email)
    assert found is not None
    return found[0].email_confirmed


async def confirmation_token(person: Person) -> str:
    await mail_confirmation(person.user_id)
    sent = mail.stored_mails()[0]
    found = re.search(r"http://localhost:3000/confirm-email\?token=([\w-]{43})\n", sent.text)
    assert found, sent
    assert sent.to == person.email
    return found[1]


async def session_of(person: Person) -> str:
    return await accounts.start_session(await accounts.issue_ticket(person), network="x", user_agent="")


async def test_registering_leaves_the_address_unconfirmed_and_a_job_that_mails_the_link(nora: Person):
    assert not nora.email_confirmed
    assert not await is_confirmed()
    assert await waiting_jobs() == [(MAIL_TASK, {"user_id": str(nora.user_id)})]


async def test_an_unconfirmed_owner_signs_in_and_works_at_once(nora: Person):
    person = await signed_in_person(NORA, PASSWORD, network="x")
    assert person.actor().permissions >= {"channels.write", "inbox.write", "team.write"}


async def test_the_link_confirms_in_the_accounts_own_session(nora: Person):
    token, session = await confirmation_token(nora), await session_of(nora)
    before = await accounts.signed_in(session)
    await accounts.confirm_email(token=token, signed_in_as=nora.user_id)
    after = await accounts.signed_in(session)
    assert before is not None
    assert after is not None
    assert (before.actor.email_confirmed, after.actor.email_confirmed) == (False, True)


@attempt(142, "accounts", "A confirmation link is opened by somebody else.")
async def test_elsewhere_it_asks_for_the_accounts_password(nora: Person, alice: Actor):
    token = await confirmation_token(nora)
    for whoever in (None, alice.user_id):
        with pytest.raises(PasswordNeeded):
            await accounts.confirm_email(token=token, signed_in_as=whoever)
        with pytest.raises(InvalidCredentials):
            await accounts.confirm_email(token=token, signed_in_as=whoever, password="not the password at all")
    assert not await is_confirmed()
    await accounts.confirm_email(token=token, signed_in_as=None, password=PASSWORD)
    assert await is_confirmed()


async def test_the_link_is_no_way_to_guess_the_password(nora: Person):
    token = await confirmation_token(nora)
    for number in range(5):
        with pytest.raises(InvalidCredentials):
            await accounts.confirm_email(token=token, signed_in_as=None, password=f"guess number {number}")
    with pytest.raises(Locked):
        await accounts.confirm_email(token=token, signed_in_as=None, password=PASSWORD)


async def test_it_works_once_for_a_day_and_the_newest_only(nora: Person):
    with time_machine.travel(utcnow(), tick=False) as clock:
        old, new = await confirmation_token(nora), await confirmation_token(nora)
        with pytest.raises(InvalidConfirmation):
            await accounts.confirm_email(token=old, signed_in_as=nora.user_id)
        clock.shift(LIFETIME)
        with pytest.raises(InvalidConfirmation):
            await accounts.confirm_email(token=new, signed_in_as=nora.user_id)
        token = await confirmation_token(nora)
        await accounts.confirm_email(token=token, signed_in_as=nora.user_id)
        with pytest.raises(InvalidConfirmation):
            await accounts.confirm_email(token=token, signed_in_as=nora.user_id)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "ñ" * 43, "\x00", "\ud800", "x" * 10_000])
async def test_nonsense_confirms_nothing(nora: Person, token: str):
    with pytest.raises(InvalidConfirmation):
        await accounts.confirm_email(token=token, signed_in_as=nora.user_id, password=PASSWORD)


async def test_only_hashes_are_stored(nora: Person):
    token = await confirmation_token(nora)
    async with platform_unit_of_work("a test"):
        stored = repr((await sql("SELECT * FROM mail_confirmation")).all())
        jobs = repr((await sql("SELECT args FROM procrastinate_jobs")).all())
    assert token not in stored + jobs


async def test_the_link_is_sent_again_five_times_an_hour(nora: Person):
    actor = nora.actor()
    with time_machine.travel(utcnow(), tick=False) as clock:
        for _ in range(5):
            await accounts.request_confirmation(actor)
        with pytest.raises(TooOften):
            await accounts.request_confirmation(actor)
        clock.shift(timedelta(hours=1))
        await accounts.request_confirmation(actor)
    assert len(await waiting_jobs()) == 7


async def test_a_confirmed_account_gets_no_link(alice: Actor):
    await accounts.request_confirmation(alice)
    assert alice.user_id is not None
    await mail_confirmation(alice.user_id)
    assert (await waiting_jobs(), mail.stored_mails()) == ([], [])


async def test_the_frame_says_so_and_sends_the_link_again(nora: Person):
    tab = Tab(await session_of(nora))
    shell = await tab.state(ShellState)
    await ShellState.load.fn(shell)  # type: ignore[attr-defined]
    [banner] = shell.banners
    assert "Confirm your email" in banner.text
    assert "We sent the link to nora@norte.example" in str(await ShellState.act.fn(shell, banner.key))  # type: ignore[attr-defined]
    assert len(await waiting_jobs()) == 2
    await accounts.confirm_email(token=await confirmation_token(nora), signed_in_as=nora.user_id)
    await ShellState.load.fn(shell)  # type: ignore[attr-defined]
    assert shell.banners == []


@attempt(143, "accounts", "An unconfirmed account makes the server mail third people.")
async def test_nothing_goes_out_to_or_for_an_account_that_is_not_confirmed(nora: Person):
    assert not await outgoing.send_to_person(nora.user_id, subject="x", text="x")
    with pytest.raises(Unconfirmed):
        await outgoing.send_for_person(nora.user_id, to="ana@example.com", subject="x", text="x")
    assert mail.stored_mails() == []
    await accounts.confirm_email(token=await confirmation_token(nora), signed_in_as=nora.user_id)
    assert await outgoing.send_to_person(nora.user_id, subject="x", text="x")
    await outgoing.send_for_person(nora.user_id, to="ana@example.com", subject="x", text="x")
    assert [sent.to for sent in mail.stored_mails()][:2] == ["ana@example.com", NORA]


def test_no_other_module_sends_mail():
    root, senders = Path(saasbot.__file__).parent, set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import | ast.ImportFrom) else set()
            module = getattr(node, "module", "") or ""
            if "aiosmtplib" in names | {module} or "smtplib" in names | {module}:
                senders.add((path.relative_to(root).as_posix(), "smtp"))
            if "saasbot.infra.mail" in names | {module} or (module == "saasbot.infra" and "mail" in names):
                senders.add((path.relative_to(root).as_posix(), "mail"))
    assert senders == {
        ("infra/mail.py", "smtp"),
        ("domain/accounts/outgoing.py", "mail"),
        ("api/dev_mail.py", "mail"),  # shows what was stored
    }


@attempt(144, "accounts", "Somebody registers another's address before them.")
async def test_a_reset_hands_an_address_over_to_whoever_reads_its_mail(nora: Person):
    """Somebody registered with Nora's address and waits. Nora asks for a new password."""
    session, ticket = await session_of(nora), await accounts.issue_ticket(nora)
    pair = await accounts.issue_tokens(nora)
    assert await accounts.signed_in(session)
    await accounts.reset_password(token=await link_token(NORA), password=NEW)
    assert await is_confirmed()
    assert await accounts.signed_in(session) is None
    with pytest.raises(InvalidTicket):
        await accounts.start_session(ticket, network="", user_agent="")
    for use in (accounts.caller_of(pair.access_token), accounts.refresh_tokens(pair.refresh_token)):
        with pytest.raises(InvalidToken):
            await use
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email=NORA, password=PASSWORD, network="x")


@attempt(145, "accounts", "A request's Host header is mailed as a link.")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000"])
async def test_links_are_of_the_configured_address_whatever_the_request_says(nora: Person, host: str):
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url=f"http://{host}") as client:
        headers = {"host": host, "x-forwarded-host": host, "origin": f"http://{host}"}
        answer = await client.post("/api/v1/auth/forgot-password", json={"email": NORA}, headers=headers)
    assert answer.status_code == 202
    await link_token(NORA)
    await confirmation_token(nora)


async def test_an_incident_reaches_no_unconfirmed_owner(nora: Person, monkeypatch: pytest.MonkeyPatch):
    async def found(*_: Any) -> IncidentMail:
        return IncidentMail("A number needs you", "x")

    monkeypatch.setattr(job, "incident_mail", found)
    await job.mail_down(str(nora.company_id), str(nora.user_id), [])
    assert mail.stored_mails() == []
    async with unit_of_work(nora.actor()):
        with pytest.raises(Exception, match="permission denied"):
            await sql("UPDATE user_account SET email_confirmed_at = now()")
