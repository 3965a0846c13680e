"""A newcomer registers: a company, its owner and a bot that can answer, or nothing at all."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError
from sqlmodel import col

from saasbot.domain import accounts
from saasbot.domain.accounts import EmailTaken
from saasbot.domain.actor import Actor
from saasbot.domain.bots.edit import list_bots
from saasbot.domain.companies.profile import get_company
from saasbot.infra.db import platform_unit_of_work, run, unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.models import Company, Role, UserAccount
from tests.attack.attempts import attempt
from tests.people import PASSWORD

GOOD: dict[str, Any] = {
    "company_name": "Café  del Norte",
    "name": " Nora ",
    "email": "Nora@Norte.Example",
    "password": PASSWORD,
    "accept_terms": True,
    "locale": "es",
}


def good(**changed: Any) -> dict[str, Any]:
    return {**GOOD, **changed}


async def count(table: Any) -> int:
    async with platform_unit_of_work("a test looks"):
        return (await run(select(func.count()).select_from(table))).scalar() or 0


async def test_the_company_its_owner_and_a_bot_that_can_answer_exist(app_db: object):
    person = await accounts.register(**GOOD)
    assert (person.email, person.name, person.company_name) == ("nora@norte.example", "Nora", "Café del Norte")
    assert person.role == Role.OWNER
    actor = person.actor()
    async with unit_of_work(actor):
        company = await get_company(actor)
        (bot,) = await list_bots(actor)
    assert (company.name, company.locale, company.onboarding) == ("Café del Norte", "es", {})
    assert (bot.name, bot.enabled, bot.published_version) == ("Asistente", True, 1)


async def test_the_owner_signs_in_with_the_password(app_db: object):
    person = await accounts.register(**GOOD)
    again = await accounts.sign_in(email="nora@norte.example", password=PASSWORD, network="home")
    assert again == person


async def test_a_taken_address_leaves_nothing_behind(alice: Actor):
    companies = await count(Company)
    with pytest.raises(EmailTaken):
        await accounts.register(**good(email="ALICE@sur.example"))
    assert await count(Company) == companies


@attempt(50, "accounts", "Two register with one address at the same instant.")
async def test_two_at_once_with_one_address_are_one_account(app_db: object):
    outcomes = await asyncio.gather(*(accounts.register(**GOOD) for _ in range(4)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EmailTaken"] * 3 + ["Person"]
    assert (await count(Company), await count(UserAccount)) == (1, 1)


async def test_when_the_bot_cannot_be_made_nothing_is_kept(app_db: object, monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no bot today")

    monkeypatch.setattr("saasbot.domain.accounts.registering.create_first_bot", broken)
    with pytest.raises(RuntimeError):
        await accounts.register(**GOOD)
    assert (await count(Company), await count(UserAccount)) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("company_name", ""),
        ("company_name", " \t\n\x00"),
        ("company_name", "x" * 121),
        ("name", ""),
        ("name", "\u0000\u0007"),
        ("email", ""),
        ("email", "nora"),
        ("email", "nora@norte"),
        ("email", "@norte.example"),
        ("email", "nora@@norte.example"),
        ("email", "no ra@norte.example"),
        ("email", "nora@norte..example"),
        ("email", ".nora@norte.example"),
        ("email", "nora@-norte.example"),
        ("email", "nora\r\nBcc: x@y.example"),
        ("email", "nora@norte.example\x00"),
        ("email", "nora\u200b@norte.example"),
        ("email", "\ud800@norte.example"),
        ("email", "n" * 65 + "@norte.example"),
        ("email", "nora@" + "n" * 250 + ".example"),
        ("email", "Nora <nora@norte.example>"),
        ("password", ""),
        ("password", "too short"),
        ("password", "x" * 129),
        ("password", "password123"),
        ("password", "Contraseña2024"),
        ("password", "P@ssw0rd!!11"),
        ("password", "1234567890"),
        ("password", "0987654321"),
        ("password", "qwertyuiop"),
        ("password", "aaaaaaaaaaaa"),
        ("password", "abcabcabcabc"),
        ("password", "nora@norte.example"),
        ("password", "cafedelnorte1"),
        ("password", "Café del Norte!"),
        ("password", "a fine pass\x00word"),
        ("password", "a fine \ud800 password"),
        ("accept_terms", False),
    ],
)
async def test_what_cannot_be_accepted_is_named_by_its_field(app_db: object, field: str, value: Any):
    with pytest.raises(InvalidInput) as error:
        await accounts.register(**good(**{field: value}))
    assert error.value.field == field
    if isinstance(value, str) and len(value) > 3:
        assert value not in str(error.value.details)
    assert await count(UserAccount) == 0


@pytest.mark.parametrize(
    "password", ["correct horse 9 battery", "ñandú ágil 🦤 volador", "x" * 9 + "yz!AB", "Tr0ub4dor&3xyz"]
)
async def test_long_and_odd_passwords_are_welcome(app_db: object, password: str):
    await accounts.register(**good(password=password))
    await accounts.sign_in(email=GOOD["email"], password=password, network="home")


async def test_two_writings_of_one_address_are_one(app_db: object):
    """A domain in Unicode and in Punycode, and full-width letters, lead to the same mailbox."""
    await accounts.register(**good(email="nora@ñandú.example"))
    for other in ("NORA@xn--and-6ma2c.example", "ｎｏｒａ@ñandú.example"):
        with pytest.raises(EmailTaken):
            await accounts.register(**good(email=other))


@attempt(100, "secrets", "The program's role reads the hash of a password.")
async def test_the_app_role_never_sees_a_password_hash(alice: Actor):
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with unit_of_work(alice):
            await run(select(col(UserAccount.password_hash)))
