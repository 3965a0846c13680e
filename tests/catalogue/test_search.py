"""Products are found by what people write, and listed page by page."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saasbot.domain import catalogue
from saasbot.domain.actor import Actor
from saasbot.domain.catalogue import Position
from saasbot.domain.catalogue.search import _stem
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import Product
from tests.catalogue.conftest import put


async def found(actor: Actor, query: str) -> list[str]:
    async with unit_of_work(actor):
        return [hit.title for hit in await catalogue.search(actor, query)]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("zapatillas rojas", ["Zapatillas rojas"]),
        ("sapatilla roja", ["Zapatillas rojas"]),
        ("ZAPATILLA ROJO", ["Zapatillas rojas"]),
        ("Hola, ¿cuánto cuestan las zapatillas rojas?", ["Zapatillas rojas"]),
        ("zapatilas rojs", ["Zapatillas rojas"]),
        ("zap", ["Zapatillas negras", "Zapatillas rojas"]),
        ("nina", ["Sandalias de niña"]),
        ("niñas", ["Sandalias de niña"]),
        ("mocasin", ["Mocasín de cuero"]),
        ("mocasines cuero", ["Mocasín de cuero"]),
        ("cuero", ["Mocasín de cuero", "Zapatillas negras"]),
        ("impermeable", ["Botas de lluvia"]),
        ("inpermeables", ["Botas de lluvia"]),
        ("bta de yuvia", ["Botas de lluvia"]),
        ("zap-001", ["Zapatillas rojas"]),
        ("ZAP001", []),
        ("talle 42", ["Zapatillas rojas"]),
        ("rosa", ["Sandalias de niña"]),
        ("abrigo", []),
        ("heladera", []),
        ("%", []),
        ("' OR 1=1 --", []),
    ],
)
async def test_what_people_write_finds_what_they_mean(
    shelf: dict[str, Product], alice: Actor, query: str, titles: list[str]
) -> None:
    assert await found(alice, query) == titles


async def test_what_answers_more_comes_first(shelf: dict[str, Product], alice: Actor) -> None:
    async with unit_of_work(alice):
        hits = await catalogue.search(alice, "zapatillas")
    assert [hit.title for hit in hits] == ["Zapatillas negras", "Zapatillas rojas"]
    assert all(hit.rank == 1000 for hit in hits)


async def test_a_hit_says_what_may_be_told_to_a_customer(shelf: dict[str, Product], alice: Actor) -> None:
    async with unit_of_work(alice):
        (black, red) = await catalogue.search(alice, "zapatillas")
    assert (red.price_minor, red.currency) == (4_599_000, "ARS")
    assert "45" in red.price
    assert (red.available, black.available, black.stock) == (True, False, 0)


async def test_what_is_not_offered_is_found_on_the_page_but_not_by_customers(
    shelf: dict[str, Product], alice: Actor
) -> None:
    assert await found(alice, "medias") == []
    assert "Medias" not in await found(alice, "")
    async with unit_of_work(alice):
        page = await catalogue.list_products(alice, query="medias")
    assert [product.title for product in page.products] == ["Medias"]


async def test_an_empty_query_finds_the_newest(shelf: dict[str, Product], alice: Actor) -> None:
    async with unit_of_work(alice):
        hits = await catalogue.search(alice, "  ", 2)
    assert [hit.title for hit in hits] == ["Mocasín de cuero", "Sandalias de niña"]


async def test_a_query_of_little_words_alone_is_still_a_query(alice: Actor) -> None:
    await put(alice, title="De todo un poco")
    assert await found(alice, "de") == ["De todo un poco"]


@pytest.mark.parametrize("query", ["", "bota"])
async def test_pages_join_without_gaps_or_repetitions(alice: Actor, query: str) -> None:
    made = [(await put(alice, title=f"Bota {n}", description="bota " * (n % 3))).id for n in range(11)]
    seen, after = [], None
    for _ in range(4):
        async with unit_of_work(alice):
            page = await catalogue.list_products(alice, query=query, limit=4, after=after)
        seen += [product.id for product in page.products]
        after = page.next
        if after is None:
            break
    assert sorted(seen) == sorted(made)
    assert seen == sorted(made, reverse=True)


async def test_a_full_last_page_says_that_it_is_the_last(alice: Actor) -> None:
    for n in range(4):
        await put(alice, title=f"Bota {n}")
    async with unit_of_work(alice):
        page = await catalogue.list_products(alice, limit=4)
        assert (len(page.products), page.next) == (4, None)
        beyond = await catalogue.list_products(alice, query="bota", after=Position(0, uuid4()))
    assert beyond.products == []


async def test_a_changed_title_is_found_by_its_new_words(shelf: dict[str, Product], alice: Actor) -> None:
    async with unit_of_work(alice):
        await catalogue.update_product(alice, shelf["Medias"].id, title="Soquetes", description="", active=True)
    assert await found(alice, "soquete") == ["Soquetes"]
    assert await found(alice, "medias") == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=250))
async def test_no_query_breaks_the_search(shelf: dict[str, Product], alice: Actor, query: str) -> None:
    async with unit_of_work(alice):
        await catalogue.search(alice, query)
        await catalogue.list_products(alice, query=query)


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("rojas", "roj"),
        ("rojo", "roj"),
        ("mocasines", "mocasin"),
        ("zapatilla", "zapatill"),
        ("shoes", "sho"),
        ("gas", "gas"),
        ("red", "red"),
        ("luz", "luz"),
        ("luces", "luc"),
        ("2000s", "2000"),
        ("1990", "1990"),
    ],
)
def test_stems_drop_the_ending_of_gender_and_number(word: str, stem: str) -> None:
    assert _stem(word) == stem


async def test_the_database_folds_words_for_searching(alice: Actor) -> None:
    async with unit_of_work(alice):
        folded = (await sql("SELECT search_words(:text)", text="¡Niñas! «Ñandú» (Talle: 42) ZAP-001/b")).scalar_one()
    assert folded == " ninas nandu talle 42 zap 001 b "
