"""No key, or one that is refused: the bot pauses, the owner is told once, messages still arrive, and it comes back by itself."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from saasbot.domain.agent import pause
from saasbot.domain.agent.pause import pause_ai, resume_ai
from saasbot.domain.inbox.ownership import take_over
from saasbot.domain.inbox.send import send_message
from saasbot.infra.crypto import place, seal
from saasbot.infra.db import session, unit_of_work
from saasbot.models import AiSource, Company, Handler, Notice, TurnOutcome
from tests.agent.fake_openai import FakeOpenAI, refuses, says
from tests.fixtures.agent import Configure, answers, run_turn_job, turns_of
from tests.fixtures.shops import Shop

Script = Callable[..., FakeOpenAI]


async def notices(shop: Shop, *, open_only: bool = True) -> list[Notice]:
    async with unit_of_work(shop.system):
        found = (await session().exec(select(Notice))).all()
    return [notice for notice in found if notice.cleared_at is None or not open_only]


async def company(shop: Shop) -> Company:
    async with unit_of_work(shop.system):
        return await session().get_one(Company, shop.company.id)


@pytest.fixture
async def own_key(shop: Shop) -> AsyncIterator[None]:
    async with unit_of_work(shop.system):
        row = await session().get_one(Company, shop.company.id)
        row.ai_source = AiSource.OWN_KEY
        row.openai_key_sealed = seal("sk-own", place("company", "openai_key_sealed", row.id))
        row.openai_base_url = "https://models.example/v1"
        row.openai_model = "own-model"
    yield


async def test_the_companys_own_key_address_and_model_are_used(shop: Shop, own_key: None, scripted: Script) -> None:
    fake = scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert fake.keys == ["Bearer sk-own"] and fake.requests[0]["model"] == "own-model"


@pytest.mark.parametrize("refusal", [refuses(401), refuses(403), refuses(429, "insufficient_quota")])
async def test_a_refused_key_pauses_the_bot_and_tells_the_owner_once(
    shop: Shop, own_key: None, scripted: Script, refusal: object
) -> None:
    fake = scripted(refusal)
    first = await shop.hears("Hola", phone="5491100000001")
    assert await run_turn_job(shop, first) == TurnOutcome.HANDED_OFF
    assert (await company(shop)).ai_paused_reason == "key_refused"
    [notice] = await notices(shop)
    assert (notice.kind, notice.details["reason"]) == ("ai_paused", "key_refused")

    second = await shop.hears("Hola", phone="5491100000002")
    assert await run_turn_job(shop, second) == TurnOutcome.HANDED_OFF
    assert len(await notices(shop, open_only=False)) == 1, "told once"
    assert len(fake.requests) == 1, "a refused key is not tried with every message"
    for conversation_id in (first, second):
        assert len(await answers(shop, conversation_id)) == 1, "the customer is told"
        assert (await shop.conversation(conversation_id)).handler == Handler.HUMAN
    await shop.hears("¿Están ahí?", phone="5491100000001")
    assert [m.text for m in await shop.messages(first)][-1] == "¿Están ahí?", "messages still arrive"


async def test_without_any_key_the_bot_pauses(shop: Shop, configure: Configure) -> None:
    configure(demo=0)
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert (await turns_of(shop, conversation_id))[0].reason == "key_missing"
    assert [notice.details["reason"] for notice in await notices(shop)] == ["key_missing"]


async def test_a_key_sealed_for_another_company_counts_as_none(
    shop: Shop, other_shop: Shop, scripted: Script, configure: Configure
) -> None:
    async with unit_of_work(shop.system):
        row = await session().get_one(Company, shop.company.id)
        row.ai_source = AiSource.OWN_KEY
        row.openai_key_sealed = seal("sk-mallory", place("company", "openai_key_sealed", other_shop.company.id))
    fake = scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert fake.requests == []


async def test_a_refused_key_is_tried_again_later_and_the_bot_comes_back(
    shop: Shop, own_key: None, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(refuses(401), says("¡Hola de nuevo!"))
    untouched = await shop.hears("Hola", phone="5491100000001")
    await run_turn_job(shop, untouched)
    monkeypatch.setattr(pause, "TRY_AGAIN_AFTER", timedelta(0))
    later = await shop.hears("Hola", phone="5491100000002")
    assert await run_turn_job(shop, later) == TurnOutcome.REPLIED
    assert (await company(shop)).ai_paused_reason is None and await notices(shop) == []
    assert (await shop.conversation(untouched)).handler == Handler.BOT


async def test_a_working_key_gives_back_only_the_chats_that_waited_for_it(
    shop: Shop, own_key: None, scripted: Script
) -> None:
    scripted(refuses(401))
    chats = [await shop.hears("Hola", phone=f"549110000000{number}") for number in range(4)]
    waiting, taken, answered, asked = chats
    for conversation_id in (waiting, taken, answered):
        await run_turn_job(shop, conversation_id)
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, taken)
        await send_message(shop.bob, answered, text="Yo te ayudo")
        await take_over(shop.bob, asked)
    async with unit_of_work(shop.alice):
        assert await resume_ai(shop.alice) == 1
    assert [(await shop.conversation(c)).handler for c in chats] == [Handler.BOT, *[Handler.HUMAN] * 3]
    async with unit_of_work(shop.alice):
        assert await resume_ai(shop.alice) == 0, "twice is once"


async def test_another_companys_pause_is_its_own(shop: Shop, other_shop: Shop) -> None:
    async with unit_of_work(other_shop.alice):
        assert await pause_ai(other_shop.alice, reason="key_refused")
        assert not await pause_ai(other_shop.alice, reason="key_refused")
    assert (await company(shop)).ai_paused_reason is None and await notices(shop) == []
    async with unit_of_work(shop.alice):
        assert await resume_ai(shop.alice) == 0
    assert (await company(other_shop)).ai_paused_reason == "key_refused"
