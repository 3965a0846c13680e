"""Products are made, changed, deleted, brought back and purged."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from saasbot.domain import catalogue
from saasbot.domain.actor import Actor
from saasbot.domain.catalogue import SkuTaken
from saasbot.domain.media import store_image
from saasbot.infra import db
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.errors import AppError, Forbidden, InvalidInput, NotFound
from saasbot.infra.storage import LocalStorage
from saasbot.jobs.catalogue import purge_product
from saasbot.models import Media, Product
from tests.catalogue.conftest import put
from tests.media.pictures import picture


async def published() -> list[tuple[str, str]]:
    """Kind and product of the events that the current transaction will tell."""
    events = db.current().notes.get("events", {}).values()
    return [(event["k"], event["product_id"]) for event in events]


async def read(actor: Actor, product: Product) -> Product:
    async with unit_of_work(actor):
        return await catalogue.get_product(actor, product.id)


async def test_a_product_is_made_in_the_companys_currency(alice: Actor, charlie: Actor) -> None:
    async with unit_of_work(charlie):
        made = await catalogue.create_product(
            charlie,
            title="  Zapatillas \n rojas ",
            description=" De lona.\r\nLivianas. ",
            price_minor=4_599_000,
            sku=" Z1 ",
        )
        assert await published() == [("product", str(made.id))]
    product = await read(alice, made)
    assert (product.title, product.description) == ("Zapatillas rojas", "De lona.\nLivianas.")
    assert (product.price_minor, product.currency, product.sku, product.stock) == (4_599_000, "ARS", "Z1", None)
    assert product.active


async def test_only_what_is_named_changes(alice: Actor) -> None:
    made = await put(alice, sku="A", stock=3, description="d")
    async with unit_of_work(alice):
        await catalogue.update_product(alice, made.id, price_minor=100, active=False)
        assert await published() == [("product", str(made.id))]
    changed = await read(alice, made)
    assert (changed.price_minor, changed.active) == (100, False)
    assert (changed.title, changed.description, changed.sku, changed.stock) == ("Bota", "d", "A", 3)

    async with unit_of_work(alice):
        await catalogue.update_product(
            alice, made.id, sku="", stock=None, title="Botín", description="", currency="usd"
        )
    changed = await read(alice, made)
    assert (changed.title, changed.sku, changed.stock, changed.currency) == ("Botín", None, None, "USD")
    assert changed.updated_at > made.updated_at


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"title": " \n\t"}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"description": "x" * 4001}, "description"),
        ({"price_minor": -1}, "price"),
        ({"price_minor": 10**13 + 1}, "price"),
        ({"currency": "XXX"}, "currency"),
        ({"sku": "x" * 65}, "sku"),
        ({"stock": -1}, "stock"),
        ({"stock": 10**9}, "stock"),
    ],
)
async def test_what_makes_no_sense_is_refused(alice: Actor, fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await put(alice, **fields)
    assert refused.value.field == wrong
    made = await put(alice)
    with pytest.raises(InvalidInput) as refused:
        async with unit_of_work(alice):
            await catalogue.update_product(alice, made.id, **fields)
    assert refused.value.field == wrong


async def test_control_characters_do_not_reach_the_database(alice: Actor) -> None:
    made = await put(alice, title="Bota\x00\x07 alta", description="una\x00\ndos", sku="A\x001")
    assert (made.title, made.description, made.sku) == ("Bota alta", "una\ndos", "A1")


async def test_two_products_cannot_have_one_code(alice: Actor, mallory: Actor) -> None:
    first = await put(alice, sku="A1")
    with pytest.raises(SkuTaken):
        await put(alice, sku="A1")
    other = await put(alice, sku="A2")
    with pytest.raises(SkuTaken):
        async with unit_of_work(alice):
            await catalogue.update_product(alice, other.id, sku="A1")
    await put(mallory, sku="A1")  # other companies have codes of their own
    async with unit_of_work(alice):
        await catalogue.delete_product(alice, first.id)
    await put(alice, sku="A1")
    with pytest.raises(SkuTaken):
        async with unit_of_work(alice):
            await catalogue.restore_product(alice, first.id)


async def test_a_deleted_product_is_nowhere_until_it_is_restored(alice: Actor) -> None:
    made = await put(alice)
    async with unit_of_work(alice):
        await catalogue.delete_product(alice, made.id)
        assert await published() == [("product", str(made.id))]
    async with unit_of_work(alice):
        await catalogue.delete_product(alice, made.id)
        assert await published() == []
        for attempt in (catalogue.get_product(alice, made.id), catalogue.update_product(alice, made.id, title="x")):
            with pytest.raises(NotFound):
                await attempt
        assert (await catalogue.list_products(alice)).products == []
        assert (await catalogue.list_products(alice, query="bota")).products == []
        assert await catalogue.search(alice, "bota") == []

    for _ in range(2):
        async with unit_of_work(alice):
            assert (await catalogue.restore_product(alice, made.id)).deleted_at is None
    assert (await read(alice, made)).title == "Bota"


async def test_a_product_is_purged_a_day_after_unless_it_came_back(alice: Actor, files: LocalStorage) -> None:
    async with unit_of_work(alice):
        media = await store_image(alice, picture())
        made = await catalogue.create_product(alice, title="Bota", price_minor=1, image_id=media.id)
    async with unit_of_work(alice):
        await catalogue.delete_product(alice, made.id)
    async with unit_of_work(alice):
        jobs = await sql(
            "SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = 'catalogue.purge_product'"
        )
        job = jobs.one()
    arguments = job.args
    assert job.scheduled_at - made.created_at > timedelta(hours=23)

    async with unit_of_work(alice):
        await catalogue.restore_product(alice, made.id)
    await purge_product(**arguments)
    assert (await read(alice, made)).id == made.id

    async with unit_of_work(alice):
        again = await catalogue.delete_product(alice, made.id)
    await purge_product(**arguments)  # of the first deletion: it is about another moment
    async with unit_of_work(alice):
        assert await session().get(Product, made.id) is not None
    assert again.deleted_at is not None
    await purge_product(**{**arguments, "deleted_at": again.deleted_at.isoformat()})
    await purge_product(**{**arguments, "deleted_at": again.deleted_at.isoformat()})
    async with unit_of_work(alice):
        assert await session().get(Product, made.id) is None
        with pytest.raises(NotFound):
            await catalogue.restore_product(alice, made.id)


async def test_a_product_shows_a_photo_and_the_old_one_is_looked_at_later(alice: Actor, files: LocalStorage) -> None:
    made = await put(alice)
    async with unit_of_work(alice):
        first, second = await store_image(alice, picture()), await store_image(alice, picture(200, 100))
    for media in (first, first, second):
        async with unit_of_work(alice):
            await catalogue.set_image(alice, made.id, media.id)
    async with unit_of_work(alice):
        page = await catalogue.list_products(alice)
        assert page.pictures[second.id].storage_key == second.storage_key
        waiting = await sql(
            "SELECT args->>'media_id' FROM procrastinate_jobs WHERE scheduled_at < now() + interval '2 hours'"
        )
        assert waiting.scalars() == [str(first.id)]
    async with unit_of_work(alice):
        assert (await catalogue.set_image(alice, made.id, None)).image_id is None


async def test_only_an_uploaded_photo_of_ones_own_can_be_shown(
    alice: Actor, mallory: Actor, files: LocalStorage
) -> None:
    async with unit_of_work(mallory):
        foreign = await store_image(mallory, picture())
    async with unit_of_work(alice):
        document = Media(company_id=alice.company_id, mime="application/pdf")
        session().add(document)
    made = await put(alice)
    for media_id, error in ((foreign.id, NotFound), (uuid4(), NotFound), (document.id, InvalidInput)):
        async with unit_of_work(alice):
            with pytest.raises(error):
                await catalogue.set_image(alice, made.id, media_id)
            with pytest.raises(error):
                await catalogue.create_product(alice, title="x", price_minor=1, image_id=media_id)


async def test_an_agent_reads_and_changes_nothing(bob: Actor, alice: Actor) -> None:
    made = await put(alice)
    async with unit_of_work(bob):
        assert (await catalogue.get_product(bob, made.id)).id == made.id
        assert len((await catalogue.list_products(bob)).products) == len(await catalogue.search(bob, "")) == 1
        for attempt in (
            catalogue.create_product(bob, title="x", price_minor=1),
            catalogue.update_product(bob, made.id, title="x"),
            catalogue.set_image(bob, made.id, None),
            catalogue.delete_product(bob, made.id),
            catalogue.restore_product(bob, made.id),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_another_companys_product_is_not_found(alice: Actor, mallory: Actor) -> None:
    made = await put(alice)
    async with unit_of_work(mallory):
        assert (await catalogue.list_products(mallory)).products == []
        assert await catalogue.search(mallory, "bota") == []
        for attempt in (
            catalogue.get_product(mallory, made.id),
            catalogue.update_product(mallory, made.id, title="x"),
            catalogue.set_image(mallory, made.id, None),
            catalogue.delete_product(mallory, made.id),
            catalogue.restore_product(mallory, made.id),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert not await catalogue.purge_product(mallory, made.id, deleted_at=made.created_at)
    assert (await read(alice, made)).title == "Bota"


async def test_nothing_is_told_of_a_change_that_failed(alice: Actor) -> None:
    made = await put(alice)
    with pytest.raises(AppError):
        async with unit_of_work(alice):
            await catalogue.update_product(alice, made.id, title="Nueva")
            await catalogue.update_product(alice, made.id, price_minor=-1)
    assert (await read(alice, made)).title == "Bota"
