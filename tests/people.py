"""The cast: alice (owner), bob (agent) and charlie (admin) of one company, mallory (owner) of another."""

import time
from uuid import UUID

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts import enrolment
from saasbot.domain.accounts.endings import forget_everybody
from saasbot.domain.accounts.passwords import hash_password
from saasbot.domain.accounts.signing_keys import signing_keys
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import Person, find_account
from saasbot.domain.admin.seats import find_seat
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.infra import db, totp
from saasbot.infra.roles import DatabaseUrls
from saasbot.models import Membership, Role, UserAccount
from saasbot.models.table import utcnow

PASSWORD = "a horse, a battery & 1 staple"


@pytest.fixture
async def app_db(engines: None, database: DatabaseUrls) -> DatabaseUrls:
    """An empty migrated database that this process is connected to; nobody of an earlier test is remembered."""
    forget_everybody()
    signing_keys._read_at = (
        signing_keys._clock()
    )  # the process's keys outlive the emptied table for the length of a test
    return database


async def make_company(name: str, owner: str, *, email: str | None = None, locale: str = "en") -> Actor:
    """A company through the real registration; its owner's address is confirmed, and the password `PASSWORD`."""
    person = await accounts.register(
        company_name=name,
        name=owner,
        email=email or f"{owner.lower()}@{name.lower().replace(' ', '-')}.example",
        password=PASSWORD,
        accept_terms=True,
        locale=locale,
        confirmed=True,
    )
    return person.actor()


async def make_colleague(of: Actor, name: str, role: Role, *, email: str | None = None) -> Actor:
    """One more person in the company of `of`; the password is `PASSWORD`."""
    async with db.platform_unit_of_work("a test looks"):
        account = UserAccount(
            email=email or f"{name.lower()}@colleague-of-{of.name.lower()}.example",
            name=name,
            password_hash=await hash_password(PASSWORD),
            locale=of.locale,
            email_confirmed_at=utcnow(),
            terms_version=CURRENT,
        )
        db.session().add(account)
        await db.session().flush()
        db.session().add(Membership(company_id=of.company_id, user_id=account.id, role=role))
    found = await find_account(account.email)
    assert found is not None
    if role is Role.ADMIN:
        await give_second_factor(found[0])
    return found[0].actor()


_secrets: dict[UUID, str] = {}
"""Of the authenticator apps of the cast."""


async def give_second_factor(person: Person) -> list[str]:
    """The person has an authenticator app now. Returns their recovery codes."""
    begun = await enrolment.begin(person)
    assert begun is not None
    _secrets[person.user_id] = begun.secret
    codes = await enrolment.confirm(person.user_id, code_now(person.user_id))
    assert codes is not None
    return codes


def code_now(user_id: UUID | None) -> str:
    """What the person's app shows."""
    assert user_id is not None
    return totp.code_at(_secrets[user_id], int(time.time()) // totp.STEP_SECONDS)


async def fresh_code(user_id: UUID | None) -> str:
    """What the app shows, as if half a minute had passed since its last code was used."""
    async with db.platform_unit_of_work("a test"):
        await db.sql("UPDATE second_factor SET last_step = 0 WHERE user_id = :id", id=user_id)
    return code_now(user_id)


async def sign_in_as(email: str, password: str = PASSWORD) -> Person:
    """Signed in by whatever steps the account takes."""
    step = await accounts.sign_in(email=email, password=password, network="test")
    if isinstance(step, Person):
        return step
    found = await find_account(email)
    assert found is not None
    return (await accounts.finish(step.token, await fresh_code(found[0].user_id))).person


@pytest.fixture
async def alice(app_db: DatabaseUrls) -> Actor:
    """The owner of the company Zapatería Sur."""
    return await make_company("Zapatería Sur", "Alice", email="alice@sur.example")


@pytest.fixture
async def bob(alice: Actor) -> Actor:
    """Answers the inbox of Alice's company."""
    return await make_colleague(alice, "Bob", Role.AGENT, email="bob@sur.example")


@pytest.fixture
async def charlie(alice: Actor) -> Actor:
    """Administers Alice's company."""
    return await make_colleague(alice, "Charlie", Role.ADMIN, email="charlie@sur.example")


@pytest.fixture
async def mallory(app_db: DatabaseUrls) -> Actor:
    """The owner of another company, who wants what is Alice's."""
    return await make_company("Mala Junta", "Mallory", email="mallory@junta.example")


async def signed_in_person(email: str, password: str = PASSWORD, *, network: str = "192.0.2.1") -> Person:
    """Who signs in with the password alone."""
    step = await accounts.sign_in(email=email, password=password, network=network)
    assert isinstance(step, Person)
    return step


async def give_seat(person: Actor, of: Actor, role: Role) -> Actor:
    """The person is in the company of `of` as well, and joined it last. Returns who they are there."""
    async with db.platform_unit_of_work("a test"):
        db.session().add(Membership(company_id=of.company_id, user_id=person.person_id, role=role))
    found = await find_seat(person.person_id, of.company_id)
    assert found is not None
    return found[0].actor()


async def session_in(actor: Actor) -> str:
    """The token of a browser session of this person in this company."""
    found = await find_seat(actor.person_id, actor.company_id)
    assert found is not None
    return await accounts.start_session(await accounts.issue_ticket(found[0]), network="home", user_agent="a browser")
