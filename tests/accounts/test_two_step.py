"""The second step: who must have one, what opens it, and that nothing opens before it."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from saasbot.domain import accounts
from saasbot.domain.accounts import (
    Attempt,
    InvalidAttempt,
    Locked,
    MailCodeTooSoon,
    NoMailCode,
    WrongCode,
    members,
    recovery_codes,
    sign_in_mails,
    two_step,
)
from saasbot.domain.accounts.attempts import LIFETIME
from saasbot.domain.accounts.enrolment import REPLACEMENT_LIFETIME
from saasbot.domain.accounts.limits import GUESSES
from saasbot.domain.accounts.own_password import WrongPassword, confirm_password
from saasbot.domain.accounts.two_step import TwoStepIsOff, TwoStepIsOn, TwoStepMandatory
from saasbot.domain.actor import Actor
from saasbot.domain.admin import attempts as rows
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.domain.admin.rotation import reseal_all
from saasbot.domain.admin.second_factors import NOTICE_TASK
from saasbot.domain.audit.origin import Origin
from saasbot.infra import mail, totp
from saasbot.infra.db import platform_unit_of_work, run, sql, unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.settings import settings
from saasbot.models import Role, Via
from saasbot.models.table import new_id, utcnow
from tests.accounts.test_confirming import NORA, nora
from tests.accounts.test_invitations import accept, invited
from tests.accounts.test_resets import NEW, link_token, own_mail_folder
from tests.attack.attempts import attempt
from tests.people import (
    PASSWORD,
    code_now,
    fresh_code,
    give_second_factor,
    make_colleague,
    session_in,
    sign_in_as,
    signed_in_person,
)

__all__ = ["nora", "own_mail_folder"]

EMAIL = "alice@sur.example"


async def person_of(email: str = EMAIL) -> Person:
    found = await find_account(email)
    assert found is not None
    return found[0]


@pytest.fixture
async def codes(alice: Actor, own_mail_folder: object) -> list[str]:
    """Alice has an app now; these are her recovery codes."""
    return await give_second_factor(await person_of())


async def begun_attempt(email: str = EMAIL) -> str:
    step = await accounts.sign_in(email=email, password=PASSWORD, network="test")
    assert isinstance(step, Attempt), "the password alone opened the account"
    return step.token


async def wrong(token: str, code: str = "000000") -> int:
    """Returns the tries that are left."""
    with pytest.raises(WrongCode) as error:
        await accounts.finish(token, code)
    return error.value.details["tries_left"]


async def mailed_code(token: str) -> str:
    """The code of the newest mail, as the job writes it."""
    await accounts.request_mail_code(token)
    async with platform_unit_of_work("a test"):
        found = await run(
            text("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id DESC LIMIT 1").bindparams(
                task=rows.MAIL_TASK
            )
        )
        attempt_id = found.scalar_one()["attempt_id"]
    await sign_in_mails.mail_sign_in_code(attempt_id)
    (line,) = [line for line in mail.stored_mails()[0].text.splitlines() if len(line) == 6 and line.isdigit()]
    assert "asked for from test." in mail.stored_mails()[0].text
    return line


async def test_an_account_without_a_second_factor_signs_in_by_its_password(alice: Actor, bob: Actor):
    assert isinstance(await accounts.sign_in(email=EMAIL, password=PASSWORD, network="x"), Person)
    assert isinstance(await accounts.sign_in(email="bob@sur.example", password=PASSWORD, network="x"), Person)


async def test_the_code_of_the_app_is_the_second_step(alice: Actor, codes: list[str]):
    token = await begun_attempt()
    code = await fresh_code(alice.user_id)
    done = await accounts.finish(token, f" {code[:3]} {code[3:]}")
    assert done.person == await person_of()
    assert done.recovery_codes == ()


async def test_a_wrong_password_says_nothing_of_a_second_step(codes: list[str]):
    with pytest.raises(accounts.InvalidCredentials):
        await accounts.sign_in(email=EMAIL, password=PASSWORD + "x", network="x")


@attempt(162, "accounts", "A code of the app is overheard and used again.")
async def test_a_code_of_the_app_works_once(alice: Actor, codes: list[str]):
    first, second = await begun_attempt(), await begun_attempt()
    code = await fresh_code(alice.user_id)
    await accounts.finish(first, code)
    assert await wrong(second, code) == 4
    older = totp.code_at(await _secret(alice), int(utcnow().timestamp()) // 30 - 1)
    assert older == code or await wrong(second, older) == 3, "nor does an older one"


async def _secret(actor: Actor) -> str:
    from tests.people import _secrets

    assert actor.user_id is not None
    return _secrets[actor.user_id]


async def test_the_code_that_confirmed_the_app_opens_nothing(alice: Actor, codes: list[str]):
    async with platform_unit_of_work("a test"):
        confirmed_in = (
            await sql("SELECT last_step FROM second_factor WHERE user_id = :id", id=alice.user_id)
        ).scalar_one()
    assert await wrong(await begun_attempt(), totp.code_at(await _secret(alice), confirmed_in)) == 4


async def test_of_two_at_once_with_one_code_one_gets_in(alice: Actor, codes: list[str]):
    tokens, code = [await begun_attempt() for _ in range(4)], await fresh_code(alice.user_id)
    outcomes = await asyncio.gather(*(accounts.finish(token, code) for token in tokens), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Finished", *["WrongCode"] * 3]


async def test_an_attempt_works_once(alice: Actor, codes: list[str]):
    token = await begun_attempt()
    await accounts.finish(token, await fresh_code(alice.user_id))
    with pytest.raises(InvalidAttempt):
        await accounts.finish(token, await fresh_code(alice.user_id))


@attempt(163, "accounts", "The six digits of a second step are guessed.")
async def test_five_tries_and_it_is_over(alice: Actor, codes: list[str]):
    token = await begun_attempt()
    assert [await wrong(token) for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(InvalidAttempt):
        await accounts.finish(token, await fresh_code(alice.user_id))


@attempt(164, "accounts", "The six digits are guessed by many requests at once.")
async def test_parallel_guesses_cannot_outrun_the_count(codes: list[str]):
    token = await begun_attempt()
    outcomes = await asyncio.gather(*(accounts.finish(token, f"{n:06d}") for n in range(9)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidAttempt"] * 4 + ["WrongCode"] * 5


async def test_twenty_wrong_codes_in_a_day_block_the_account_and_a_reset_begins_anew(alice: Actor, codes: list[str]):
    with time_machine.travel(utcnow(), tick=False) as clock:
        for _ in range(4):
            token = await begun_attempt()
            assert [await wrong(token) for _ in range(5)][-1] == 0
        with pytest.raises(Locked) as locked:
            await begun_attempt()
        assert locked.value.details["retry_after"] == 24 * 60 * 60
        clock.shift(timedelta(hours=24, seconds=1))
        token = await begun_attempt()
        for _ in range(3):
            token = await begun_attempt()
            assert [await wrong(token) for _ in range(5)][-1] == 0
        token = await begun_attempt()
        for _ in range(4):
            await wrong(token)
        other = await begun_attempt()
        await wrong(other)
        with pytest.raises(Locked):
            await accounts.finish(token, await fresh_code(alice.user_id))
        await accounts.reset_password(token=await link_token(), password=NEW)
        assert isinstance(await accounts.sign_in(email=EMAIL, password=NEW, network="x"), Attempt)


async def test_it_ends_after_ten_minutes(alice: Actor, codes: list[str]):
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = await begun_attempt()
        clock.shift(LIFETIME + timedelta(seconds=1))
        with pytest.raises(InvalidAttempt):
            await accounts.finish(token, await fresh_code(alice.user_id))


async def test_nonsense_is_no_attempt(codes: list[str]):
    for token in ("", "nonsense", "x" * 1000, "ñ", "\x00", "\ud800"):
        for use in (accounts.finish(token, "000000"), accounts.request_mail_code(token), accounts.enrol(token)):
            with pytest.raises(InvalidAttempt):
                await use
        with pytest.raises(InvalidAttempt):
            await accounts.finish_enrolment(token)


async def test_nonsense_is_no_code(codes: list[str]):
    nonsense = [
        "",
        "x" * 100_000,
        "12345",
        "\x00",
        "\ud800",
        "ABCD-EFGH-JKMN-PQRS",
        "²²²²²²",
        "' OR 1=1",
        "a\u0301" * 30_000,
    ]
    token = ""
    for number, code in enumerate(nonsense):
        token = token if number % 5 else await begun_attempt()
        assert await wrong(token, code) == 4 - number % 5


async def test_the_app_of_another_opens_nothing(alice: Actor, mallory: Actor, codes: list[str]):
    hers = await give_second_factor(await person_of("mallory@junta.example"))
    token = await begun_attempt()
    assert await wrong(token, await fresh_code(mallory.user_id)) == 4
    assert await wrong(token, hers[0]) == 3


async def test_a_reset_ends_attempts_too(alice: Actor, codes: list[str]):
    token, link = await begun_attempt(), await link_token()
    await accounts.reset_password(token=link, password=NEW)
    with pytest.raises(InvalidAttempt):
        await accounts.finish(token, await fresh_code(alice.user_id))


# by mail


@attempt(165, "accounts", "A mailed code is used for another attempt to sign in.")
async def test_a_mailed_code_is_good_for_its_attempt_only(codes: list[str]):
    token, other = await begun_attempt(), await begun_attempt()
    code = await mailed_code(token)
    assert await wrong(other, code) == 4
    assert (await accounts.finish(token, code)).person == await person_of()
    with pytest.raises(InvalidAttempt):
        await accounts.finish(token, code)


async def test_a_mailed_code_is_kept_as_a_keyed_hash_and_in_no_job(codes: list[str]):
    token = await begun_attempt()
    code = await mailed_code(token)
    async with platform_unit_of_work("a test"):
        stored = repr((await sql("SELECT * FROM sign_in_attempt")).all())
        stored += repr((await sql("SELECT args FROM procrastinate_jobs")).all())
    assert code not in stored
    assert token not in stored


async def test_the_newest_mail_counts_and_there_is_one_a_minute_and_three_an_attempt(codes: list[str]):
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = await begun_attempt()
        first = await mailed_code(token)
        with pytest.raises(MailCodeTooSoon) as soon:
            await accounts.request_mail_code(token)
        assert soon.value.details == {"retry_after": 60}
        with pytest.raises(MailCodeTooSoon):
            await accounts.request_mail_code(await begun_attempt())
        clock.shift(timedelta(minutes=9))
        second = await mailed_code(token)
        assert first == second or await wrong(token, first) == 4
        clock.shift(timedelta(minutes=9))
        third = await mailed_code(token)
        clock.shift(timedelta(minutes=2))
        with pytest.raises(NoMailCode):
            await accounts.request_mail_code(token)
        assert (await accounts.finish(token, third)).person == await person_of()


@attempt(166, "accounts", "An old mailed code is found in a mailbox.")
async def test_a_mailed_code_ends_after_ten_minutes(codes: list[str]):
    with time_machine.travel(utcnow(), tick=False) as clock:
        token = await begun_attempt()
        code = await mailed_code(token)
        clock.shift(LIFETIME + timedelta(seconds=1))
        with pytest.raises(InvalidAttempt):
            await accounts.finish(token, code)


@attempt(167, "accounts", "Who has only the mailbox resets the password and asks for a code.")
async def test_the_mailbox_alone_is_not_both_steps(alice: Actor, codes: list[str]):
    """Who can read the mail can reset the password: then a code by mail proves nothing more."""
    await accounts.reset_password(token=await link_token(), password=NEW)
    step = await accounts.sign_in(email=EMAIL, password=NEW, network="x")
    assert isinstance(step, Attempt)
    with pytest.raises(NoMailCode):
        await accounts.request_mail_code(step.token)
    await accounts.finish(step.token, await fresh_code(alice.user_id))
    step = await accounts.sign_in(email=EMAIL, password=NEW, network="x")
    assert isinstance(step, Attempt)
    await accounts.request_mail_code(step.token)


async def test_a_reset_after_the_mail_was_sent_makes_its_code_worthless(codes: list[str]):
    token = await begun_attempt()
    code = await mailed_code(token)
    await accounts.reset_password(token=await link_token(), password=NEW)
    with pytest.raises(InvalidAttempt):
        await accounts.finish(token, code)


async def no_second_step_of(person: Person) -> bool:
    """Not even an app that waits for its first code, nor a recovery code."""
    async with platform_unit_of_work("a test"):
        kept = [
            (await sql(f"SELECT id FROM {table} WHERE user_id = :id", id=person.user_id)).all()
            for table in ("second_factor", "recovery_code", "sign_in_attempt")
        ]
    return kept == [[], [], []]


@attempt(
    242,
    "accounts",
    "Who registers with somebody's address turns the second step on, to stay in after its owner's reset.",
)
async def test_a_reset_of_an_unconfirmed_account_leaves_no_strangers_second_step(nora: Person):
    codes = await give_second_factor(nora)
    waiting = await begun_attempt(NORA)
    await accounts.reset_password(token=await link_token(NORA), password=NEW)
    assert await no_second_step_of(nora)
    with pytest.raises(InvalidAttempt):
        await accounts.finish(waiting, codes[0])
    assert (await signed_in_person(NORA, NEW)).email_confirmed


async def test_a_reset_of_a_confirmed_account_leaves_its_second_step_as_it_is(alice: Actor, codes: list[str]):
    await accounts.reset_password(token=await link_token(), password=NEW)
    standing = await two_step.two_step_of(alice)
    assert (standing.enrolled, standing.codes_left) == (True, 10)


@attempt(
    243,
    "accounts",
    "Who registers with somebody's address turns the second step on, to shut out whoever is invited there.",
)
@pytest.mark.parametrize("role", ["agent", "admin"])
async def test_an_invitation_for_an_unconfirmed_account_leaves_no_strangers_second_step(
    alice: Actor, nora: Person, role: str
):
    codes = await give_second_factor(nora)
    waiting = await begun_attempt(NORA)
    person = await accept(await invited(alice, NORA, role), name="Nora")
    assert (person.user_id, person.role) == (nora.user_id, Role(role))
    assert await no_second_step_of(nora)
    with pytest.raises(InvalidAttempt):
        await accounts.finish(waiting, codes[0])
    step = await accounts.sign_in(email=NORA, password=NEW, network="x")
    if role == "agent":
        assert isinstance(step, Person)
        return
    assert isinstance(step, Attempt) and step.enrols, "an administrator makes one of their own"
    begun = await accounts.enrol(step.token)
    assert len(await accounts.confirm_enrolment(step.token, code_of(begun))) == 10
    assert (await accounts.finish_enrolment(step.token)).user_id == nora.user_id


@attempt(244, "accounts", "Who has only the mailbox comes back by an invitation and asks for a code by mail.")
async def test_a_confirmed_account_that_is_invited_back_keeps_its_app_and_no_code_by_mail_counts(
    alice: Actor, bob: Actor
):
    await give_second_factor(await person_of("bob@sur.example"))
    async with unit_of_work(alice):
        [_, his] = await members.list_members(alice, limit=9)
        await members.remove_member(alice, his.id)
    await accept(await invited(alice, "bob@sur.example"), name="Bob")
    step = await accounts.sign_in(email="bob@sur.example", password=NEW, network="x")
    assert isinstance(step, Attempt) and not step.enrols
    with pytest.raises(NoMailCode):
        await accounts.request_mail_code(step.token)
    assert (await accounts.finish(step.token, await fresh_code(bob.user_id))).person.user_id == bob.user_id


# recovery codes


@attempt(168, "accounts", "A recovery code is used twice.")
async def test_a_recovery_code_opens_the_account_once_and_its_owner_is_told(alice: Actor, codes: list[str]):
    assert len(set(codes)) == 10
    await accounts.finish(await begun_attempt(), codes[3].lower().replace("-", " "))
    assert await wrong(await begun_attempt(), codes[3]) == 4
    assert (await two_step.two_step_of(alice)).codes_left == 9
    async with platform_unit_of_work("a test"):
        jobs = (
            await sql("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id", task=NOTICE_TASK)
        ).scalars()
    assert [job["what"] for job in jobs] == ["on", "recovery_code_used"]
    await sign_in_mails.mail_security_notice(jobs[1]["user_id"], jobs[1]["what"])
    sent = mail.stored_mails()[0]
    assert (sent.to, sent.subject) == (EMAIL, "A recovery code was used")
    assert "You have 9 left." in sent.text


async def test_of_two_at_once_with_one_recovery_code_one_gets_in(codes: list[str]):
    tokens = [await begun_attempt() for _ in range(3)]
    outcomes = await asyncio.gather(*(accounts.finish(token, codes[0]) for token in tokens), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Finished", "WrongCode", "WrongCode"]


async def test_recovery_codes_are_kept_as_hashes_and_renewed_all_at_once(alice: Actor, codes: list[str]):
    async with platform_unit_of_work("a test"):
        stored = repr((await sql("SELECT * FROM recovery_code")).all())
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    code = await fresh_code(alice.user_id)
    for wrong_one, proofs in (("password", ("not the password", code)), ("code", (PASSWORD, "000000"))):
        with pytest.raises(InvalidInput) as error:
            await two_step.renew_recovery_codes(alice, password=proofs[0], code=proofs[1], network="x")
        assert error.value.field == wrong_one
    renewed = await two_step.renew_recovery_codes(alice, password=PASSWORD, code=code, network="x")
    token = await begun_attempt()
    assert await wrong(token, codes[0]) == 4
    assert (await accounts.finish(token, renewed[0])).person == await person_of()


def test_a_recovery_code_has_80_bits_and_no_letters_that_are_mistaken():
    (code, *_) = recovery_codes.new_codes()
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert len(set(recovery_codes._LETTERS)) == 32
    assert set("ILO1").isdisjoint(recovery_codes._LETTERS)


@pytest.fixture
def use_keys(codes: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def use(*keys: str) -> None:
        monkeypatch.setenv("SAASBOT_SECRET_KEYS", ",".join(keys))
        settings.cache_clear()

    yield use
    monkeypatch.undo()
    settings.cache_clear()


async def test_a_new_secret_key_leaves_the_app_and_the_recovery_codes_as_they_were(
    alice: Actor, codes: list[str], use_keys: Callable[..., None]
):
    new, old = base64.b64encode(b"n" * 32).decode(), settings().secret_keys.get_secret_value()
    use_keys(new, old)
    assert (await reseal_all()).resealed == 1
    use_keys(new)
    assert (await accounts.finish(await begun_attempt(), await fresh_code(alice.user_id))).person
    assert (await accounts.finish(await begun_attempt(), codes[0])).person


# who must


@attempt(169, "accounts", "An administrator without a second factor goes straight in.")
async def test_an_administrator_without_a_second_factor_makes_one_before_anything_else(
    alice: Actor, own_mail_folder: Any
):
    dora = await make_colleague(alice, "Dora", Role.AGENT, email="dora@sur.example")
    before = await accounts.issue_ticket(await person_of("dora@sur.example"))
    pair = await accounts.issue_tokens(await person_of("dora@sur.example"))
    session = await accounts.start_session(
        await accounts.issue_ticket(await person_of("dora@sur.example")), network="", user_agent=""
    )
    async with platform_unit_of_work("a test"):
        await sql("UPDATE membership SET role = 'admin' WHERE user_id = :id", id=dora.user_id)

    step = await accounts.sign_in(email="dora@sur.example", password=PASSWORD, network="x")
    assert isinstance(step, Attempt)
    assert step.enrols
    assert await accounts.signed_in(session) is None, "what was opened before she was one is worth nothing"
    with pytest.raises(accounts.InvalidTicket):
        await accounts.start_session(before, network="", user_agent="")
    with pytest.raises(accounts.InvalidToken):
        await accounts.refresh_tokens(pair.refresh_token)
    with pytest.raises(NoMailCode):
        await accounts.request_mail_code(step.token)
    with pytest.raises(InvalidAttempt):
        await accounts.finish_enrolment(step.token)

    begun = await accounts.enrol(step.token)
    assert await wrong(step.token) == 4
    code = totp.code_at(begun.secret, int(utcnow().timestamp()) // 30)
    codes = await accounts.confirm_enrolment(step.token, code)
    assert len(codes) == 10
    with pytest.raises(InvalidAttempt):
        await accounts.finish(step.token, codes[0])
    person = await accounts.finish_enrolment(step.token)
    assert (person.user_id, person.role) == (dora.user_id, Role.ADMIN)
    with pytest.raises(InvalidAttempt):
        await accounts.finish_enrolment(step.token)
    token = await accounts.start_session(await accounts.issue_ticket(person), network="", user_agent="")
    assert await accounts.signed_in(token)
    with pytest.raises(TwoStepMandatory):
        await two_step.turn_off(person.actor(), password=PASSWORD, code=codes[0], network="x")


async def test_who_has_an_app_cannot_enrol_another_with_the_password(codes: list[str]):
    token = await begun_attempt()
    with pytest.raises(InvalidAttempt):
        await accounts.enrol(token)
    with pytest.raises(InvalidAttempt):
        await accounts.confirm_enrolment(token, "000000")


async def test_of_two_enrolments_the_one_that_was_not_confirmed_is_over(alice: Actor, own_mail_folder: Any):
    await make_colleague(alice, "Dora", Role.AGENT, email="dora@sur.example")
    async with platform_unit_of_work("a test"):
        await sql("UPDATE membership SET role = 'admin' WHERE role = 'agent'")
    first, second = await begun_attempt("dora@sur.example"), await begun_attempt("dora@sur.example")
    old, new = await accounts.enrol(first), await accounts.enrol(second)
    now = int(utcnow().timestamp()) // 30
    assert await wrong(first, totp.code_at(old.secret, now)) == 4, "its secret was replaced"
    assert (await accounts.finish(second, totp.code_at(new.secret, now))).recovery_codes
    with pytest.raises(InvalidAttempt):
        await accounts.enrol(first)


# by choice


async def test_an_owner_turns_it_on_and_off(alice: Actor, own_mail_folder: Any):
    assert not (await two_step.two_step_of(alice)).enrolled
    with pytest.raises(InvalidInput) as error:
        await two_step.begin(alice, password="not the password")
    assert error.value.field == "password"
    begun = await two_step.begin(alice, password=PASSWORD)
    assert isinstance(await accounts.sign_in(email=EMAIL, password=PASSWORD, network="x"), Person), "not confirmed yet"
    with pytest.raises(InvalidInput):
        await two_step.confirm(alice, "000000", current=new_id())
    codes = await two_step.confirm(alice, code_of(begun), current=new_id())
    standing = await two_step.two_step_of(alice)
    assert (standing.enrolled, standing.mandatory, standing.codes_left, len(codes)) == (True, False, 10, 10)
    assert isinstance(standing.since, datetime)
    with pytest.raises(TwoStepIsOn):
        await two_step.begin(alice, password=PASSWORD)
    with pytest.raises(InvalidInput) as error:
        await two_step.turn_off(alice, password="not the password", code=codes[0], network="x")
    assert error.value.field == "password"
    await two_step.turn_off(alice, password=PASSWORD, code=codes[0], network="x")
    assert isinstance(await accounts.sign_in(email=EMAIL, password=PASSWORD, network="x"), Person)
    for ask in (two_step.renew_recovery_codes, two_step.begin_replacement, two_step.turn_off):
        with pytest.raises(TwoStepIsOff):
            await ask(alice, password=PASSWORD, code=codes[1], network="x")


async def test_guesses_at_the_password_are_counted_there_too(alice: Actor, codes: list[str]):
    for _ in range(5):
        with pytest.raises(InvalidInput):
            await two_step.turn_off(alice, password="not the password", code="000000", network="home")
    with pytest.raises(Locked):
        await two_step.turn_off(alice, password=PASSWORD, code=codes[0], network="home")


@attempt(263, "limits", "Strangers guess at an account to keep its owner from the second step.")
async def test_guesses_of_strangers_keep_nobody_from_their_settings(
    alice: Actor, codes: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("saasbot.domain.accounts.throttle.GUESSES", replace(GUESSES, most=1))
    for network in ("home", "home", "home", "home", "home", "elsewhere"):
        with pytest.raises((accounts.InvalidCredentials, accounts.TooOften)):
            await accounts.sign_in(email=EMAIL, password="not the password", network=network)
    await two_step.renew_recovery_codes(alice, password=PASSWORD, code=codes[0], network="home")
    await confirm_password(alice, PASSWORD)


@attempt(264, "accounts", "Who found sessions open guesses the password in each of them, and from many networks.")
async def test_guesses_of_who_is_signed_in_are_counted_over_all_sessions(alice: Actor):
    for number in range(5):
        with pytest.raises(WrongPassword):
            await confirm_password(
                replace(alice, origin=Origin(Via.PAGE, f"192.0.2.{number}", new_id())), "not the password"
            )
    with pytest.raises(Locked):
        await confirm_password(alice, PASSWORD)
    assert isinstance(await accounts.sign_in(email=EMAIL, password=PASSWORD, network="x"), Person)
    with pytest.raises(Locked):
        await confirm_password(alice, PASSWORD)


@attempt(227, "accounts", "Who has an open session and the password guesses the code that turns the second step off.")
async def test_guesses_at_the_code_count_as_those_of_a_sign_in(
    alice: Actor, codes: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rows, "MOST_TRIES_A_DAY", 4)
    for number in range(4):
        with pytest.raises(InvalidInput) as error:
            await two_step.turn_off(alice, password=PASSWORD, code=f"{number:06d}", network="x")
        assert error.value.field == "code"
    with pytest.raises(Locked):
        await two_step.turn_off(alice, password=PASSWORD, code=codes[0], network="x")
    with pytest.raises(Locked):
        await begun_attempt()
    assert (await two_step.two_step_of(alice)).enrolled


# another app


def code_of(begun: accounts.Enrolment) -> str:
    """What the app with this secret shows."""
    return totp.code_at(begun.secret, int(utcnow().timestamp()) // 30)


async def replacement_for(actor: Actor) -> accounts.Enrolment:
    return await two_step.begin_replacement(actor, password=PASSWORD, code=await fresh_code(actor.user_id), network="x")


async def test_an_administrator_replaces_the_app_and_only_the_session_that_did_it_is_left(charlie: Actor):
    """Of one whose role needs the second step, so that it cannot be turned off and on."""
    email = "charlie@sur.example"
    here, elsewhere = [await session_in(charlie) for _ in range(2)]
    pair = await accounts.issue_tokens(await person_of(email))
    current = await accounts.signed_in(here)
    assert current is not None
    begun = await replacement_for(charlie)
    waiting = await begun_attempt(email)
    assert (await accounts.finish(await begun_attempt(email), await fresh_code(charlie.user_id))).person.email == email
    with pytest.raises(InvalidInput):
        await two_step.confirm(charlie, "000000", current=current.session_id)

    confirming = code_of(begun)
    codes = await two_step.confirm(charlie, confirming, current=current.session_id)
    assert len(codes) == 10
    assert await accounts.signed_in(here)
    assert await accounts.signed_in(elsewhere) is None
    with pytest.raises(accounts.InvalidToken):
        await accounts.caller_of(pair.access_token)
    with pytest.raises(InvalidAttempt):
        await accounts.finish(waiting, codes[1])
    token = await begun_attempt(email)
    assert await wrong(token, code_now(charlie.user_id)) == 4, "the app of before opens nothing"
    assert await wrong(token, confirming) == 3, "nor does the code that confirmed the other once more"
    assert (await accounts.finish(token, codes[0])).person.user_id == charlie.user_id

    async with platform_unit_of_work("a test"):
        jobs = await sql("SELECT args FROM procrastinate_jobs WHERE task_name = :task ORDER BY id", task=NOTICE_TASK)
        what = [job["what"] for job in jobs.scalars()]
    assert what == ["on", "replaced", "recovery_code_used"]
    await sign_in_mails.mail_security_notice(current.user_id, "replaced")
    assert (mail.stored_mails()[0].to, mail.stored_mails()[0].subject) == (email, "Another authenticator app")
    with pytest.raises(InvalidInput):
        await two_step.confirm(charlie, code_of(begun), current=current.session_id)


async def test_another_app_needs_the_password_and_a_code_and_comes_within_ten_minutes(alice: Actor, codes: list[str]):
    for wrong_one, proofs in (
        ("password", ("not the password", codes[0])),
        ("code", (PASSWORD, "ABCD-EFGH-JKMN-PQRS")),
    ):
        with pytest.raises(InvalidInput) as error:
            await two_step.begin_replacement(alice, password=proofs[0], code=proofs[1], network="x")
        assert error.value.field == wrong_one
    with time_machine.travel(utcnow(), tick=False) as clock:
        late = await two_step.begin_replacement(alice, password=PASSWORD, code=codes[0], network="x")
        clock.shift(REPLACEMENT_LIFETIME)
        with pytest.raises(InvalidInput):
            await two_step.confirm(alice, code_of(late), current=new_id())
        first, second = await replacement_for(alice), await replacement_for(alice)
        with pytest.raises(InvalidInput):
            await two_step.confirm(alice, code_of(first), current=new_id())
        assert (await reseal_all()).unreadable == 0
        await two_step.confirm(alice, code_of(second), current=new_id())


async def test_the_secret_that_waits_is_sealed(alice: Actor, codes: list[str]):
    begun = await replacement_for(alice)
    async with platform_unit_of_work("a test"):
        assert begun.secret not in repr((await sql("SELECT * FROM second_factor")).all())


@attempt(170, "tenancy", "The app's role reads second factors.")
async def test_the_app_role_sees_none_of_it(alice: Actor, codes: list[str]):
    for statement in (
        "SELECT id FROM second_factor",
        "SELECT id FROM sign_in_attempt",
        "SELECT id FROM recovery_code",
        "SELECT is_super_admin FROM user_account",
        "UPDATE user_account SET is_super_admin = true",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with unit_of_work(alice):
                await run(text(statement))


async def test_the_secret_is_sealed_for_its_row(alice: Actor, codes: list[str]):
    async with platform_unit_of_work("a test"):
        stored = repr((await sql("SELECT * FROM second_factor")).all())
    assert await _secret(alice) not in stored


async def test_signing_in_as_somebody_of_the_cast_takes_all_steps(charlie: Actor, codes: list[str]):
    assert (await sign_in_as("charlie@sur.example")).actor() == charlie
    assert (await sign_in_as(EMAIL)).email == EMAIL


@pytest.fixture(autouse=True)
def _mails(own_mail_folder: Path) -> None: ...
