"""Thinking aloud: the turn without its effects."""

from collections.abc import Callable

import pytest
from sqlmodel import func, select

from saasbot.agent.think import NoModel, think
from saasbot.domain.actor import Actor
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import Forbidden, InvalidInput, NotFound
from saasbot.models import AgentTurn, Company, Message
from saasbot.models.table import new_id
from tests.agent.fake_openai import FakeOpenAI, calls, refuses, says
from tests.fixtures.agent import Configure, add_product, run_turn_job
from tests.fixtures.shops import Shop

Script = Callable[..., FakeOpenAI]


async def rows(shop: Shop) -> tuple[int, int]:
    async with unit_of_work(shop.system):
        return tuple([(await session().exec(select(func.count()).select_from(t))).one() for t in (Message, AgentTurn)])  # type: ignore[return-value]


async def test_the_decision_is_given_and_nothing_is_sent_or_stored(shop: Shop, scripted: Script) -> None:
    await add_product(shop, "Zapatillas rojas", 4_599_000)
    scripted(calls(("search_catalogue", {"query": "zapatillas"})), says("Cuestan $ 45.990.", intent="price"))
    tried = await think(shop.bob, user_message="¿Cuánto cuestan?", phone="+54 9 11 0000 0001")
    assert tried.thought.answer.text == "Cuestan $ 45.990." and tried.thought.record.intent == "price"
    assert tried.thought.record.tools_used == ["search_catalogue"] and len(tried.thought.record.sources) == 1
    assert tried.turn.bot.prompt_version == 1
    assert await rows(shop) == (0, 0)


async def test_the_history_of_that_phone_is_known(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("¡Hola!"))
    await run_turn_job(shop, await shop.hears("Busco botas negras", phone="5491122223333", name="Ana"))
    await think(shop.alice, user_message="¿Y en marrón?", phone="5491122223333")
    assert "Busco botas negras" in fake.told() and "¿Y en marrón?" in fake.told() and "Ana" in fake.told()
    await think(shop.alice, user_message="¿Y en marrón?", phone="5491199998888")
    assert "botas negras" not in fake.told()


async def test_an_unpublished_text_can_be_tried(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("¡Arr!"))
    await think(shop.alice, user_message="hola", prompt="Habla como un pirata.")
    assert "pirata" in fake.told()


async def test_a_failing_model_shows_as_the_hand_off_it_would_be(shop: Shop, scripted: Script) -> None:
    scripted(refuses(404))
    tried = await think(shop.alice, user_message="hola")
    assert tried.thought.answer.hand_off and tried.thought.answer.hand_off.reason == "model_refused_request"


async def test_a_refused_or_missing_key_is_said_and_pauses_nobody(
    shop: Shop, scripted: Script, configure: Configure
) -> None:
    scripted(refuses(401))
    with pytest.raises(NoModel):
        await think(shop.alice, user_message="hola")
    configure(openai_api_key="", demo=0)
    with pytest.raises(NoModel):
        await think(shop.alice, user_message="hola")
    async with unit_of_work(shop.alice):
        assert (await session().get_one(Company, shop.company.id)).ai_paused_reason is None


async def test_another_companys_bot_cannot_be_tried(shop: Shop, other_shop: Shop, demo_model: None) -> None:
    for bot_id in (other_shop.bot.id, new_id()):
        with pytest.raises(NotFound):
            await think(shop.alice, user_message="hola", bot_id=bot_id)


@pytest.mark.parametrize("message", ["", "  \x00", "x" * 4097])
async def test_an_empty_or_endless_message_is_refused(shop: Shop, demo_model: None, message: str) -> None:
    with pytest.raises(InvalidInput):
        await think(shop.alice, user_message=message)


async def test_who_may_not_see_bots_may_not_try_them(shop: Shop, demo_model: None) -> None:
    with pytest.raises(Forbidden):
        await think(Actor(shop.company.id), user_message="hola")
