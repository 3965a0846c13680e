"""The cast: alice (owner), bob (agent) and charlie (admin) of one company, mallory (owner) of another."""

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts.endings import _forget_all
from saasbot.domain.accounts.passwords import hash_password
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.infra import db
from saasbot.infra.roles import DatabaseUrls
from saasbot.models import Membership, Role, UserAccount
from saasbot.models.table import utcnow

PASSWORD = "a horse, a battery & 1 staple"


@pytest.fixture
async def app_db(engines: None, database: DatabaseUrls) -> DatabaseUrls:
    """An empty migrated database that this process is connected to; nobody of an earlier test is remembered."""
    _forget_all()
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
    async with db.platform_unit_of_work():
        account = UserAccount(
            email=email or f"{name.lower()}@colleague-of-{of.name.lower()}.example",
            name=name,
            password_hash=await hash_password(PASSWORD),
            locale=of.locale,
            email_confirmed_at=utcnow(),
        )
        db.session().add(account)
        await db.session().flush()
        db.session().add(Membership(company_id=of.company_id, user_id=account.id, role=role))
    found = await find_account(account.email)
    assert found is not None
    return found[0].actor()


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
