"""The terms that people accept: a text with a version, and a row for each who did."""

from dataclasses import replace
from pathlib import Path

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.domain.consent import terms_of_use
from saasbot.domain.consent.accepting import TermsChanged, accept_terms
from saasbot.domain.consent.terms_of_use import CURRENT, VERSIONS, blocks, is_due, terms_text
from saasbot.infra.db import platform_unit_of_work, sql, unit_of_work
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.infra.i18n import SUPPORTED
from saasbot.models import Role
from saasbot.state.shell import TERMS, ShellState
from tests.accounts.test_invitations import accept, invited
from tests.accounts.test_resets import NEW, own_mail_folder
from tests.attack.attempts import attempt
from tests.gate.tab import Tab
from tests.gate.test_gate import cookie_of
from tests.people import PASSWORD, make_colleague

__all__ = ["own_mail_folder"]

FOLDER = Path(terms_of_use.__file__).with_name("terms")


async def agreed(user_id: object) -> list[tuple[object, ...]]:
    async with platform_unit_of_work("a test looks"):
        found = await sql(
            "SELECT company_id, purpose, granted, text_version, network, source FROM consent WHERE user_id = :id "
            "ORDER BY created_at",
            id=user_id,
        )
        return [tuple(row) for row in found]


async def account(user_id: object) -> tuple[str, bool]:
    """Which version, and whether it is known when."""
    async with platform_unit_of_work("a test looks"):
        row = (await sql("SELECT terms_version, terms_accepted_at FROM user_account WHERE id = :id", id=user_id)).one()
    return row.terms_version, row.terms_accepted_at is not None


async def never_accepted(user_id: object, version: str = "") -> None:
    async with platform_unit_of_work("a test goes back"):
        await sql("UPDATE user_account SET terms_version = :version WHERE id = :id", id=user_id, version=version)
    forget_everybody()


def test_every_version_is_there_in_every_language_with_the_same_parts():
    assert VERSIONS and VERSIONS[-1] == CURRENT
    assert {path.name for path in FOLDER.iterdir()} == {f"{v}.{locale}.md" for v in VERSIONS for locale in SUPPORTED}
    for version in VERSIONS:
        kinds = [[block.kind for block in blocks(terms_text(locale, version))] for locale in SUPPORTED]
        assert kinds[0] == kinds[1] and kinds[0][0] == "title" and kinds[0].count("title") == 1
        for locale in SUPPORTED:
            text = terms_text(locale, version)
            assert "90" in text and not {"[", "]", "{", "}", "<", "*"} & set(text)
    assert is_due("") and is_due("2020-01") and not is_due(CURRENT) and not is_due("9999-12")


@attempt(236, "files", "A version of the terms is a path to another file.")
def test_a_version_is_looked_up_and_is_no_path():
    for version in ("../terms_of_use", "2026-11.es", "2026-11/../2026-11", "", "\x00"):
        with pytest.raises(NotFound):
            terms_text("es", version)


async def test_registering_notes_it(app_db: object):
    person = await accounts.register(
        company_name="Café Norte",
        name="Nora",
        email="n@norte.example",
        password=PASSWORD,
        accept_terms=True,
        network="192.0.2.7",
    )
    assert await agreed(person.user_id) == [(person.company_id, "terms", True, CURRENT, "192.0.2.7", "register")]
    assert await account(person.user_id) == (CURRENT, True) and not person.actor().terms_due


async def test_what_is_refused_notes_nothing(alice: Actor):
    for changed in ({"accept_terms": False}, {"email": "alice@sur.example"}):
        form = {"company_name": "X", "name": "N", "email": "x@x.example", "password": PASSWORD, "accept_terms": True}
        with pytest.raises((InvalidInput, accounts.EmailTaken)):
            await accounts.register(**{**form, **changed})  # type: ignore[arg-type]
    async with platform_unit_of_work("a test looks"):
        assert (await sql("SELECT count(*) FROM consent")).scalar() == 1  # alice's


async def test_an_invitation_notes_it_for_a_newcomer_and_asks_nobody_twice(alice: Actor, mallory: Actor):
    token = await invited(alice)
    dana = await accounts.accept_as_newcomer(
        token=token, name="Dana", password=NEW, accept_terms=True, locale="en", network="192.0.2.9"
    )
    expected = [(alice.company_id, "terms", True, CURRENT, "192.0.2.9", "invitation")]
    assert await agreed(dana.user_id) == expected and await account(dana.user_id) == (CURRENT, True)
    joined = await accounts.accept_as(dana.user_id, token=await invited(mallory))
    assert (joined.company_id, joined.actor().terms_due) == (mallory.company_id, False)
    assert await agreed(dana.user_id) == expected
    await never_accepted(dana.user_id, "2020-01")
    found = await find_account(dana.email)
    assert found is not None and found[0].actor().terms_due  # there are newer ones


async def test_newer_terms_are_shown_and_accepted_above_every_page(alice: Actor, bob: Actor):
    await never_accepted(bob.user_id, "2020-01")
    shell = await Tab((await cookie_of("bob@sur.example"))[0]).state(ShellState)
    await ShellState.load.fn(shell)  # type: ignore[attr-defined]
    (banner,) = shell.banners
    assert (banner.key, banner.tone, banner.act, banner.read_href) == (f"{TERMS}:{CURRENT}", "calm", "Accept", "/terms")
    said = str(await ShellState.act.fn(shell, banner.key))  # type: ignore[attr-defined]
    assert "You have accepted the terms" in said and shell.banners == []
    assert await agreed(bob.user_id) == [(alice.company_id, "terms", True, CURRENT, "127.0.0.1", "banner")]
    await ShellState.act.fn(shell, banner.key)  # type: ignore[attr-defined]  # twice is once
    await ShellState.load.fn(shell)  # type: ignore[attr-defined]
    assert shell.banners == [] and len(await agreed(bob.user_id)) == 1
    async with unit_of_work(alice):
        lines = (await sql("SELECT user_name, details FROM audit_event WHERE action = 'person.terms_accepted'")).all()
    assert [tuple(line) for line in lines] == [("Bob", {"version": CURRENT})]


@attempt(237, "privacy", "Somebody accepts terms that were never shown, or for a colleague.")
async def test_only_what_counts_is_accepted_and_only_for_oneself(alice: Actor):
    bob = await make_colleague(alice, "Bob", Role.AGENT, email="bob@sur.example")
    await never_accepted(bob.user_id)
    for version in ("", "2020-01", "9999-12", CURRENT.upper() + " "):
        with pytest.raises(TermsChanged):
            async with unit_of_work(bob):
                await accept_terms(bob, version=version)
    async with unit_of_work(alice):
        await accept_terms(alice, version=CURRENT)
    assert await account(bob.user_id) == ("", False) and await agreed(bob.user_id) == []
    async with unit_of_work(replace(bob, permissions=frozenset())):
        await accept_terms(bob, version=CURRENT)
    assert await account(bob.user_id) == (CURRENT, True)


async def test_accepting_an_invitation_without_the_terms_is_refused(alice: Actor):
    token = await invited(alice)
    with pytest.raises(InvalidInput):
        await accounts.accept_as_newcomer(token=token, name="Dana", password=NEW, accept_terms=False, locale="en")
    assert (await accept(token)).name == "Dana"
