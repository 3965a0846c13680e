"""Bots and their prompts, through the use cases."""

import asyncio

import pytest
from sqlmodel import select

from saasbot.agent.tools import SCHEMAS
from saasbot.domain.bots.edit import BotSettings, create_bot, get_bot, list_bots, set_bot_enabled, update_bot
from saasbot.domain.bots.prompts import compare_versions, keep_draft, list_versions, publish_version, save_version
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.models import Bot, PromptVersion
from saasbot.models.table import new_id
from saasbot.state import bot, context_rows
from tests.fixtures.shops import Shop


async def test_a_new_company_starts_with_a_bot_that_has_a_published_prompt(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        [bot] = await list_bots(shop.alice)
        [version] = await list_versions(shop.alice, bot.id)
    assert (bot.name, bot.enabled, bot.published_version) == ("Asistente", True, 1)
    assert "Zapatería Luna" in version.text and version.author_name == "Alice"


async def test_a_bot_is_made_and_changed_and_its_triggers_are_tidied(shop: Shop) -> None:
    async with unit_of_work(shop.charlie):
        bot = await create_bot(shop.charlie, BotSettings(name="  Ventas  ", triggers=["Precio", " PRÉCIO ", "", "🛒"]))
    assert (bot.name, bot.triggers, bot.published_version) == ("Ventas", ["Precio", "🛒"], None)
    async with unit_of_work(shop.charlie):
        await update_bot(shop.charlie, bot.id, BotSettings(name="Ventas 2", model=" gpt-x ", enabled=False))
    async with unit_of_work(shop.bob):
        changed = await get_bot(shop.bob, bot.id)
    assert (changed.name, changed.triggers, changed.model, changed.enabled) == ("Ventas 2", [], "gpt-x", False)


@pytest.mark.parametrize(
    "settings",
    [
        BotSettings(name=" "),
        BotSettings(name="x" * 81),
        BotSettings(name="x", personality="p" * 2001),
        BotSettings(name="x", model="m" * 101),
        BotSettings(name="x", triggers=["..."]),
        BotSettings(name="x", triggers=["t" * 61]),
        BotSettings(name="x", triggers=[f"t{i}" for i in range(51)]),
    ],
)
async def test_bad_settings_are_refused_with_their_field(shop: Shop, settings: BotSettings) -> None:
    with pytest.raises(InvalidInput):
        async with unit_of_work(shop.alice):
            await create_bot(shop.alice, settings)


async def test_versions_are_numbered_from_1_and_publishing_an_older_one_rolls_back(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        second = await save_version(shop.alice, shop.bot.id, text="Sé breve.", note=" más  corto ")
    assert (second.version, second.note, second.author_name) == (2, "más corto", "Alice")
    async with unit_of_work(shop.alice):
        assert (await get_bot(shop.alice, shop.bot.id)).published_version == 1
        await publish_version(shop.alice, shop.bot.id, 2)
    async with unit_of_work(shop.alice):
        assert (await get_bot(shop.alice, shop.bot.id)).published_version == 2
        await publish_version(shop.alice, shop.bot.id, 1)
    async with unit_of_work(shop.alice):
        bot = await get_bot(shop.alice, shop.bot.id)
        assert bot.published_version == 1
        assert [v.version for v in await list_versions(shop.alice, bot.id)] == [2, 1]
        assert [v.version for v in await list_versions(shop.alice, bot.id, before=2)] == [1]


async def test_people_who_save_at_once_get_numbers_without_gaps(shop: Shop) -> None:
    async def save(number: int) -> int:
        async with unit_of_work(shop.alice):
            return (await save_version(shop.alice, shop.bot.id, text=f"Texto {number}")).version

    assert sorted(await asyncio.gather(*(save(i) for i in range(12)))) == list(range(2, 14))


async def test_a_save_that_fails_leaves_no_gap(shop: Shop) -> None:
    with pytest.raises(RuntimeError):
        async with unit_of_work(shop.alice):
            await save_version(shop.alice, shop.bot.id, text="se pierde")
            raise RuntimeError
    async with unit_of_work(shop.alice):
        assert (await save_version(shop.alice, shop.bot.id, text="queda")).version == 2


async def test_the_draft_is_kept_until_it_is_saved_and_can_be_compared(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        first = (await list_versions(shop.alice, shop.bot.id))[0].text
        await keep_draft(shop.alice, shop.bot.id, text=first + "\nNueva regla.")
    async with unit_of_work(shop.alice):
        assert ((await get_bot(shop.alice, shop.bot.id)).draft_text or "").endswith("Nueva regla.")
        rows = await compare_versions(shop.alice, shop.bot.id, old=1, new=None)
        assert [(row.kind, row.text) for row in rows if row.kind != "same"] == [("added", "Nueva regla.")]
        await save_version(shop.alice, shop.bot.id, text=first + "\nNueva regla.")
    async with unit_of_work(shop.alice):
        assert (await get_bot(shop.alice, shop.bot.id)).draft_text is None
        assert len([r for r in await compare_versions(shop.alice, shop.bot.id, old=1, new=2) if r.kind == "added"]) == 1
        with pytest.raises(NotFound):
            await compare_versions(shop.alice, shop.bot.id, old=1, new=None)


async def test_a_support_agent_may_look_at_bots_and_change_nothing(shop: Shop) -> None:
    async with unit_of_work(shop.bob):
        assert await list_bots(shop.bob)
    for attempt in (
        lambda: create_bot(shop.bob, BotSettings(name="x")),
        lambda: update_bot(shop.bob, shop.bot.id, BotSettings(name="x")),
        lambda: set_bot_enabled(shop.bob, shop.bot.id, enabled=False),
        lambda: save_version(shop.bob, shop.bot.id, text="x"),
        lambda: publish_version(shop.bob, shop.bot.id, 1),
        lambda: keep_draft(shop.bob, shop.bot.id, text="x"),
    ):
        async with unit_of_work(shop.bob):
            with pytest.raises(Forbidden):
                await attempt()


async def test_anothers_bot_looks_like_none(shop: Shop, other_shop: Shop) -> None:
    mallory, bot_id = other_shop.alice, shop.bot.id
    for attempt in (
        lambda: get_bot(mallory, bot_id),
        lambda: update_bot(mallory, bot_id, BotSettings(name="x")),
        lambda: set_bot_enabled(mallory, bot_id, enabled=False),
        lambda: list_versions(mallory, bot_id),
        lambda: save_version(mallory, bot_id, text="x"),
        lambda: publish_version(mallory, bot_id, 1),
        lambda: keep_draft(mallory, bot_id, text="x"),
        lambda: compare_versions(mallory, bot_id, old=1, new=1),
    ):
        async with unit_of_work(mallory):
            with pytest.raises(NotFound):
                await attempt()
    async with unit_of_work(shop.alice):
        assert len((await session().exec(select(PromptVersion))).all()) == 1


@pytest.mark.parametrize("version", [0, 3, -1, 2**40])
async def test_a_version_that_does_not_exist_cannot_be_published(shop: Shop, version: int) -> None:
    async with unit_of_work(shop.alice):
        with pytest.raises(NotFound):
            await publish_version(shop.alice, shop.bot.id, version)


@pytest.mark.parametrize("text", ["", "   ", "x" * 20_001])
async def test_an_empty_or_endless_prompt_is_refused(shop: Shop, text: str) -> None:
    async with unit_of_work(shop.alice):
        with pytest.raises(InvalidInput):
            await save_version(shop.alice, shop.bot.id, text=text)


async def test_what_postgresql_cannot_store_is_left_out(shop: Shop) -> None:
    async with unit_of_work(shop.alice):
        version = await save_version(shop.alice, shop.bot.id, text="a\x00b\ud83d", note="n\x00")
    assert (version.text, version.note) == ("ab", "n")


async def test_a_change_is_told_to_the_pages_that_show_bots(shop: Shop) -> None:
    async with unit_of_work(shop.alice) as uow:
        await set_bot_enabled(shop.alice, shop.bot.id, enabled=False)
        await save_version(shop.alice, shop.bot.id, text="x")
        told = list(uow.notes["events"].values())
    assert told == [{"k": "bot", "c": str(shop.company.id), "bot_id": str(shop.bot.id)}]
    async with unit_of_work(shop.alice):
        with pytest.raises(NotFound):
            await get_bot(shop.alice, new_id())
        assert (await session().get_one(Bot, shop.bot.id)).enabled is False


def test_people_read_what_was_used_in_words():
    tools = {schema["function"]["name"] for schema in SCHEMAS}
    assert tools == bot.TOOLS.keys() == context_rows.TOOLS_DID.keys()
