"""Find conversations by name, number and words."""

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.reads import ListFilter, list_conversations
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import sql, unit_of_work
from tests.attack.attempts import attempt
from tests.fixtures.shops import Shop
from tests.inbox.heard import ANA, BETO, hears, message


async def found(actor: Actor, query: str, **how) -> list[str]:
    async with unit_of_work(actor):
        page = await list_conversations(actor, query=query, **how)
    return [row.contact_name for row in page.conversations]


@pytest.fixture
async def chats(shop: Shop) -> Shop:
    await hears(
        shop,
        message("Quiero las zapatillas rojas", wa_id="A"),
        message("¿Hacen envíos al 50% de Añelo?", wa_id="B", phone=BETO, name="Beto Cáceres", minute=1),
    )
    return shop


@pytest.mark.parametrize("query", ["ana", "ANA PER", "pérez", "perez ana"])
async def test_by_name_without_accents_or_case(chats: Shop, query: str) -> None:
    assert await found(chats.bob, query) == ["Ana Pérez"]


@pytest.mark.parametrize("query", ["5000-0001", "+54 9 11 5000 0001", ANA[-5:]])
async def test_by_digits_of_the_phone(chats: Shop, query: str) -> None:
    assert await found(chats.bob, query) == ["Ana Pérez"]


@pytest.mark.parametrize("query", ["zapatillas", "ZAPATÍLLAS rojas", "rojas zapa", "patilla"])
async def test_by_words_of_a_message(chats: Shop, query: str) -> None:
    assert await found(chats.bob, query) == ["Ana Pérez"]


async def test_a_message_of_ours_is_found_too(chats: Shop) -> None:
    async with unit_of_work(chats.bob):
        (row, *_) = (await list_conversations(chats.bob, query="Beto")).conversations
        await send_message(chats.bob, row.id, text="Te lo mando por Andreani")
    assert await found(chats.bob, "andreani") == ["Beto Cáceres"]


async def test_all_words_must_be_there(chats: Shop) -> None:
    assert await found(chats.bob, "zapatillas azules") == []


async def test_a_word_of_two_letters_finds_names(chats: Shop) -> None:
    assert await found(chats.bob, "be") == ["Beto Cáceres"]


@pytest.mark.parametrize(("query", "names"), [("50%", ["Beto Cáceres"]), ("%%%", []), ("___", []), ("\\\\\\", [])])
async def test_wildcards_mean_themselves(chats: Shop, query: str, names: list[str]) -> None:
    assert await found(chats.bob, query) == names


@attempt(71, "tenancy", "SQL is typed into the search of the inbox.")
@pytest.mark.parametrize("query", ["'; DROP TABLE message; --", "' OR '1'='1", "\x00\x00\x00", "$$ || own"])
async def test_a_query_is_only_ever_text(chats: Shop, query: str) -> None:
    assert await found(chats.bob, query) == [], "no condition of the query's own"
    assert await found(chats.bob, "zapatillas") == ["Ana Pérez"]


async def test_a_search_keeps_to_the_list_it_is_made_in(chats: Shop) -> None:
    assert await found(chats.bob, "a", filter=ListFilter.MINE) == []


async def test_the_message_that_was_found_comes_along(chats: Shop) -> None:
    async with unit_of_work(chats.bob):
        page = await list_conversations(chats.bob, query="rojas")
    assert list(page.matches.values()) == ["Quiero las zapatillas rojas"]


async def test_pages_of_a_search_follow_each_other(shop: Shop) -> None:
    people = (message("Hola", wa_id=f"W{i}", phone=f"54911600000{i:02}", minute=i, name=f"María {i}") for i in range(7))
    await hears(shop, *people)
    async with unit_of_work(shop.bob):
        first = await list_conversations(shop.bob, query="maria", limit=4)
        second = await list_conversations(shop.bob, query="maria", limit=4, after=first.next)
    names = [row.contact_name for row in (*first.conversations, *second.conversations)]
    assert names == [f"María {i}" for i in reversed(range(7))]


async def test_another_company_finds_nothing(chats: Shop, other_shop: Shop) -> None:
    for query in ("ana", "zapatillas", ANA, "an"):
        assert await found(other_shop.alice, query) == []


@attempt(72, "tenancy", "The search function, which runs as its owner, is called without a company.")
async def test_the_search_function_finds_nothing_without_a_company(chats: Shop) -> None:
    async with unit_of_work(chats.bob):
        await sql("SELECT set_config('app.company', '', true)")
        rows = await sql("SELECT * FROM find_conversations(ARRAY['zapatillas'], '', 10)")
        assert rows.all() == []
