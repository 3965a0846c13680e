"""Invitations: who may ask whom, a link that works once, and whose account it becomes."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from saasbot.domain import accounts
from saasbot.domain.accounts import (
    AlreadyMember,
    Attempt,
    InvalidCredentials,
    InvalidInvitation,
    InvalidTicket,
    InvalidToken,
    SignInFirst,
    TooOften,
    Unconfirmed,
    invitations,
    members,
)
from saasbot.domain.accounts.invitations import LIFETIME, MAIL_TASK, Waiting, mail_invitation
from saasbot.domain.accounts.limits import OWN_INVITATIONS
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.infra import mail
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.models import Role
from saasbot.models.table import utcnow
from tests.accounts.test_confirming import NORA, nora
from tests.accounts.test_resets import NEW, own_mail_folder, waiting_jobs
from tests.accounts.test_sessions import session_of
from tests.attack.attempts import attempt
from tests.people import PASSWORD, make_colleague, signed_in_person

__all__ = ["nora", "own_mail_folder"]

DANA = "dana@sur.example"


async def link_of(actor: Actor, waiting: Waiting) -> str:
    await mail_invitation(actor.company_id, waiting.id)
    sent = mail.stored_mails()[0]
    found = re.search(r"http://localhost:3000/invite\?token=([\w-]{43})\n", sent.text)
    assert found, sent
    assert sent.to == waiting.email
    return found[1]


async def invited(actor: Actor, email: str = DANA, role: str = "agent") -> str:
    """The token of the mailed link."""
    return await link_of(actor, await accounts.invite(actor, email=email, role=role))


async def accept(token: str, *, name: str = "Dana", password: str = NEW) -> Person:
    return await accounts.accept_as_newcomer(token=token, name=name, password=password, accept_terms=True, locale="en")


async def waiting_of(actor: Actor) -> list[Waiting]:
    async with unit_of_work(actor):
        return await invitations.list_invitations(actor, limit=100)


async def test_a_newcomer_accepts_and_is_a_confirmed_member(alice: Actor):
    waiting = await accounts.invite(alice, email=" Dana@SUR.example ", role="admin")
    assert (waiting.email, waiting.role, waiting.invited_by) == (DANA, Role.ADMIN, "Alice")
    assert await waiting_jobs() == [
        (MAIL_TASK, {"company_id": str(alice.company_id), "invitation_id": str(waiting.id)})
    ]
    token = await link_of(alice, waiting)
    assert (await accounts.invitation_of(token)).account == "none"
    person = await accept(token)
    assert (person.email, person.company_id, person.role) == (DANA, alice.company_id, Role.ADMIN)
    step = await accounts.sign_in(email=DANA, password=NEW, network="x")
    assert isinstance(step, Attempt) and step.enrols, "an administrator sets the second step up first"
    assert person.email_confirmed
    assert await waiting_of(alice) == []


async def test_the_link_works_once_for_a_week_and_the_newest_only(alice: Actor):
    with time_machine.travel(utcnow(), tick=False) as clock:
        old, new = await invited(alice), await invited(alice)
        assert len(await waiting_of(alice)) == 1
        clock.shift(LIFETIME)
        for token in (old, new):
            with pytest.raises(InvalidInvitation):
                await accept(token)
        token = await invited(alice)
        clock.shift(LIFETIME - timedelta(seconds=1))
        await accept(token)
        with pytest.raises(InvalidInvitation):
            await accept(token)


@attempt(146, "accounts", "One invitation is accepted by two at once.")
async def test_of_two_at_once_one_accepts(alice: Actor):
    token = await invited(alice)
    outcomes = await asyncio.gather(*(accept(token, password=f"{NEW} {n}") for n in range(3)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidInvitation"] * 2 + ["Person"]


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "ñ" * 43, "\x00", "\ud800", "x" * 10_000])
async def test_nonsense_invites_nobody(alice: Actor, token: str):
    for use in (accept(token), accounts.accept_as(alice.user_id, token=token)):  # type: ignore[arg-type]
        with pytest.raises(InvalidInvitation):
            await use


async def test_a_withdrawn_invitation_opens_nothing(alice: Actor, mallory: Actor):
    token = await invited(alice)
    [waiting] = await waiting_of(alice)
    with pytest.raises(NotFound):
        async with unit_of_work(mallory):
            await invitations.withdraw_invitation(mallory, waiting.id)
    async with unit_of_work(alice):
        await invitations.withdraw_invitation(alice, waiting.id)
    with pytest.raises(InvalidInvitation):
        await accept(token)
    async with unit_of_work(alice):
        with pytest.raises(NotFound):
            await invitations.withdraw_invitation(alice, waiting.id)


async def test_the_link_of_who_left_the_team_opens_nothing(alice: Actor):
    """Even where nobody withdrew it."""
    dana = await make_colleague(alice, "Dana", Role.OWNER)
    token = await invited(dana, "x@sur.example")
    async with unit_of_work(alice):
        await sql("UPDATE membership SET disabled_at = now() WHERE user_id = :id", id=dana.user_id)
    with pytest.raises(InvalidInvitation):
        await accept(token)


async def test_only_the_hash_is_stored(alice: Actor):
    token = await invited(alice)
    async with unit_of_work(alice):
        stored = repr((await sql("SELECT * FROM invitation")).all())
    assert token not in stored + repr(await waiting_jobs())


@attempt(147, "accounts", "An administrator invites an owner.")
async def test_nobody_invites_above_their_rank(alice: Actor, bob: Actor, charlie: Actor):
    for actor, role in (
        (bob, "agent"),
        (charlie, "admin"),
        (charlie, "owner"),
        (Actor.system(alice.company_id), "agent"),
    ):
        with pytest.raises(Forbidden):
            await accounts.invite(actor, email=DANA, role=role)
    await accounts.invite(alice, email=DANA, role="admin")
    with pytest.raises(Forbidden):  # what an owner offered is not an admin's to change
        await accounts.invite(charlie, email=DANA, role="agent")
    [waiting] = await waiting_of(charlie)
    async with unit_of_work(charlie):
        with pytest.raises(Forbidden):
            await invitations.withdraw_invitation(charlie, waiting.id)
    await accounts.invite(charlie, email="x@sur.example", role="agent")


@pytest.mark.parametrize(("email", "role", "field"), [("dana", "agent", "email"), (DANA, "king", "role")])
async def test_what_cannot_be_accepted_is_named(alice: Actor, email: str, role: str, field: str):
    with pytest.raises(InvalidInput) as error:
        await accounts.invite(alice, email=email, role=role)
    assert error.value.field == field


async def test_who_is_on_the_team_is_not_invited(alice: Actor, bob: Actor):
    with pytest.raises(AlreadyMember):
        await accounts.invite(alice, email="BOB@sur.example", role="agent")


async def test_who_was_removed_is_invited_back_with_the_new_role(alice: Actor, bob: Actor):
    async with unit_of_work(alice):
        [_, his] = await members.list_members(alice, limit=9)
        await members.remove_member(alice, his.id)
    token = await invited(alice, "bob@sur.example", "admin")
    assert (await accounts.invitation_of(token)).account == "free", "he cannot sign in anywhere"
    person = await accept(token, name="Bob")
    assert (person.user_id, person.role, person.company_id) == (bob.user_id, Role.ADMIN, alice.company_id)


async def test_no_invitation_leaves_an_unconfirmed_account(nora: Person, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Unconfirmed):
        await accounts.invite(nora.actor(), email=DANA, role="agent")
    stale = replace(nora.actor(), email_confirmed=True)  # a session that is wrong about it
    await mail_invitation(nora.company_id, (await accounts.invite(stale, email=DANA, role="agent")).id)
    assert mail.stored_mails() == []


async def test_an_account_invites_so_often(alice: Actor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("saasbot.domain.accounts.invitations.OWN_INVITATIONS", replace(OWN_INVITATIONS, most=2))
    for number in range(2):
        await accounts.invite(alice, email=f"x{number}@sur.example", role="agent")
    with pytest.raises(TooOften):
        await accounts.invite(alice, email="x3@sur.example", role="agent")
    assert len(await waiting_of(alice)) == 2


async def test_a_confirmed_account_joins_by_its_own_session_only(alice: Actor, mallory: Actor, bob: Actor):
    token = await invited(alice, "mallory@junta.example")
    assert (await accounts.invitation_of(token)).account == "held"
    assert bob.user_id is not None
    for use in (accept(token), accounts.accept_as(bob.user_id, token=token)):
        with pytest.raises(SignInFirst):
            await use
    assert mallory.user_id is not None
    person = await accounts.accept_as(mallory.user_id, token=token)
    assert (person.company_id, person.role) == (alice.company_id, Role.AGENT)
    again = await signed_in_person("mallory@junta.example", PASSWORD, network="x")
    assert again.company_id == alice.company_id, "the company that was joined last"
    async with unit_of_work(alice):
        [*_, hers] = await members.list_members(alice, limit=9)
        await members.remove_member(alice, hers.id)
    back = await signed_in_person("mallory@junta.example", PASSWORD, network="x")
    assert (back.company_id, back.role) == (mallory.company_id, Role.OWNER)


async def test_an_account_that_somebody_else_registered_becomes_the_invited_persons(alice: Actor, nora: Person):
    """Somebody registered with Nora's address, waits in an open session, and Nora is invited."""
    session, ticket = await session_of(NORA), await accounts.issue_ticket(nora)
    pair = await accounts.issue_tokens(nora)
    token = await invited(alice, NORA)
    assert (await accounts.invitation_of(token)).account == "free"
    with pytest.raises(SignInFirst):  # not even with the link in that session
        await accounts.accept_as(nora.user_id, token=token)
    person = await accept(token, name="Nora")
    assert (person.user_id, person.email_confirmed, person.company_id) == (nora.user_id, True, alice.company_id)
    assert await accounts.signed_in(session) is None
    with pytest.raises(InvalidTicket):
        await accounts.start_session(ticket, network="", user_agent="")
    for use in (accounts.caller_of(pair.access_token), accounts.refresh_tokens(pair.refresh_token)):
        with pytest.raises(InvalidToken):
            await use
    with pytest.raises(InvalidCredentials):
        await accounts.sign_in(email=NORA, password=PASSWORD, network="x")
    entered = await signed_in_person(NORA, NEW, network="x")
    assert entered.company_id == alice.company_id, "not the company of whoever was first"


@pytest.mark.parametrize(
    ("name", "password", "accept_terms", "field"),
    [
        ("", NEW, True, "name"),
        ("Dana", "short", True, "password"),
        ("Dana", DANA, True, "password"),
        ("Dana", NEW, False, "accept_terms"),
    ],
)
async def test_a_form_that_is_wrong_leaves_the_link_usable(
    alice: Actor, name: str, password: str, accept_terms: bool, field: str
):
    token = await invited(alice)
    with pytest.raises(InvalidInput) as error:
        await accounts.accept_as_newcomer(
            token=token, name=name, password=password, accept_terms=accept_terms, locale="en"
        )
    assert error.value.field == field
    assert await find_account(DANA) is None
    await accept(token)


@attempt(148, "accounts", "Somebody who was disabled comes back by an invitation.")
async def test_who_is_disabled_does_not_get_back_in_by_a_link(alice: Actor, bob: Actor):
    async with unit_of_work(alice):
        [_, his] = await members.list_members(alice, limit=9)
        await members.remove_member(alice, his.id)
    token = await invited(alice, "bob@sur.example")
    async with unit_of_work(alice):
        await sql("UPDATE membership SET removed_at = NULL, disabled_at = now() WHERE user_id = :id", id=bob.user_id)
    with pytest.raises(InvalidInvitation):
        await accept(token)
    assert len(await waiting_of(alice)) == 1, "nothing was used up"


async def test_the_mail_speaks_the_companys_language(alice: Actor):
    await invited(alice)
    assert mail.stored_mails()[0].subject == "Alice invites you to Zapatería Sur"
