"""Make what is missing of the demo company. Nothing that somebody changed or deleted since is made again."""

import asyncio

from sqlalchemy import func
from sqlmodel import col, select

from saasbot.domain import accounts
from saasbot.domain.accounts.passwords import hash_password
from saasbot.domain.actor import Actor
from saasbot.domain.admin.credentials import find_account
from saasbot.domain.admin.registration import add_member
from saasbot.domain.catalogue import create_product
from saasbot.domain.channels import add_channel
from saasbot.domain.companies import ai, onboarding, policies, profile
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.domain.demo.photos import draw
from saasbot.domain.demo.shelf import POLICIES, PRODUCTS
from saasbot.domain.media import store_image
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import AiSource, Channel, ChannelKind, Product, Role, UserAccount
from saasbot.models.table import utcnow

COMPANY = "Zapatería Demo"
OWNER_EMAIL, OWNER_NAME = "demo@saasbot.local", "Dana Rivas"
AGENT_EMAIL, AGENT_NAME = "agente@saasbot.local", "Beto Sosa"
PASSWORD = "zapatos-para-todos"  # noqa: S105  # printed at every start: everybody may know it


async def seed() -> list[str]:
    """The demo company exists. Returns its logins, a line each. Twice is once.

    Call it outside a unit of work: each part is a transaction of its own, and a start that was cut off goes on here.
    """
    actor = await _owner()
    await _agent(actor)
    await _company(actor)
    await _products(actor)
    if settings().simulator:
        await _number(actor)
    return [f"{OWNER_EMAIL} (owner) · {PASSWORD}", f"{AGENT_EMAIL} (agent) · {PASSWORD}"]


async def _owner() -> Actor:
    found = await find_account(OWNER_EMAIL)
    if found is not None:
        return found[0].actor()
    person = await accounts.register(
        company_name=COMPANY,
        name=OWNER_NAME,
        email=OWNER_EMAIL,
        password=PASSWORD,
        accept_terms=True,
        locale="es",
        confirmed=True,
    )
    return person.actor()


async def _agent(owner: Actor) -> None:
    if await find_account(AGENT_EMAIL) is None:
        account = UserAccount(
            email=AGENT_EMAIL,
            name=AGENT_NAME,
            password_hash=await hash_password(PASSWORD),
            locale="es",
            terms_accepted_at=utcnow(),
            terms_version=CURRENT,
            email_confirmed_at=utcnow(),
        )
        await add_member(owner, account, role=Role.AGENT)


async def _company(actor: Actor) -> None:
    async with unit_of_work(actor):
        if (await onboarding.get_onboarding(actor)).next_step is None:
            return
        changes = profile.CompanyChanges(
            industry="Calzado",
            description="Zapatería de barrio con envíos a todo el país. Calzado para toda la familia.",
        )
        await profile.update_company(actor, changes)
        await policies.put_policies(actor, POLICIES)
        await ai.choose_source(actor, AiSource.DEMO)
        for step in onboarding.STEPS:
            await onboarding.mark_step(actor, step, "done")


async def _products(actor: Actor) -> None:
    async with unit_of_work(actor):
        count = select(func.count()).select_from(Product).where(col(Product.company_id) == actor.company_id)
        if (await session().exec(count)).one():
            return
    photos = await asyncio.gather(*(asyncio.to_thread(draw, product.look) for product in PRODUCTS))
    async with unit_of_work(actor):
        for product, photo in zip(PRODUCTS, photos, strict=True):
            media = await store_image(actor, photo, f"{product.title}.jpg")
            await create_product(
                actor,
                title=product.title,
                description=product.description,
                price_minor=product.price_minor,
                currency="ARS",
                sku=product.sku,
                stock=product.stock,
                image_id=media.id,
            )


async def _number(actor: Actor) -> None:
    async with unit_of_work(actor):
        count = select(func.count()).select_from(Channel).where(col(Channel.company_id) == actor.company_id)
        if (await session().exec(count)).one() == 0:
            await add_channel(actor, kind=ChannelKind.SIMULATOR, name="Mostrador")
