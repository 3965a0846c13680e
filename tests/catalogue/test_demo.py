"""The demo company is made once, and stays as people leave it."""

from sqlalchemy import func
from sqlmodel import select

from saasbot.domain import accounts, catalogue, demo
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.domain.companies import onboarding, policies
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.roles import DatabaseUrls
from saasbot.infra.storage import LocalStorage
from saasbot.models import AiSource, Bot, Channel, Company, Role
from tests.media.pictures import opened
from tests.people import sign_in_as


async def owner() -> Actor:
    found = await find_account(demo.OWNER_EMAIL)
    assert found is not None
    return found[0].actor()


async def test_a_first_start_has_a_shop_to_look_around_in(app_db: DatabaseUrls, files: LocalStorage) -> None:
    lines = await demo.seed()

    assert any(demo.OWNER_EMAIL in line and demo.PASSWORD in line for line in lines)
    person = await sign_in_as(demo.OWNER_EMAIL, demo.PASSWORD)
    agent = await sign_in_as(demo.AGENT_EMAIL, demo.PASSWORD)
    assert (person.role, agent.role, agent.company_id) == (Role.OWNER, Role.AGENT, person.company_id)
    actor = person.actor()
    async with unit_of_work(actor):
        page = await catalogue.list_products(actor)
        hits = await catalogue.search(actor, "Hola, ¿cuánto cuestan las zapatillas rojas?")
        company = await session().get_one(Company, actor.company_id)
        assert (await onboarding.get_onboarding(actor)).missing == ()
        assert all((await policies.get_policies(actor)).values())
        assert (await session().exec(select(func.count()).select_from(Channel))).one() == 1
        assert (await session().exec(select(func.count()).select_from(Bot))).one() == 1
    assert len(page.products) == len(page.pictures) == 8
    assert (hits[0].title, hits[0].price) == ("Zapatillas rojas de lona", "$\u00a045.990")
    assert company.ai_source == AiSource.DEMO
    for media in page.pictures.values():
        assert media.storage_key
        assert opened(await files.get(media.storage_key)).size == (800, 800)


async def test_a_second_start_changes_nothing(app_db: DatabaseUrls, files: LocalStorage) -> None:
    await demo.seed()
    actor = await owner()
    async with unit_of_work(actor):
        product, *others = (await catalogue.list_products(actor)).products
        await catalogue.update_product(actor, product.id, title="Mío")
        for other in others:
            await catalogue.delete_product(actor, other.id)

    await demo.seed()

    async with unit_of_work(actor):
        assert [row.title for row in (await catalogue.list_products(actor)).products] == ["Mío"]
        assert (await session().exec(select(func.count()).select_from(Channel))).one() == 1


async def test_a_start_that_was_cut_off_goes_on(app_db: DatabaseUrls, files: LocalStorage) -> None:
    await accounts.register(
        company_name="Zapatería Demo", name="Dana", email=demo.OWNER_EMAIL, password=demo.PASSWORD, accept_terms=True
    )
    await demo.seed()
    actor = await owner()
    async with unit_of_work(actor):
        assert len((await catalogue.list_products(actor)).products) == 8
