"""The platform's model is for everybody: what one company uses of it in a day has an end."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from saasbot.agent.think import AllowanceUsed, think
from saasbot.domain.agent.allowance import CUSTOMERS
from saasbot.domain.companies import ai
from saasbot.infra.db import unit_of_work
from saasbot.models import Handler, TurnOutcome
from saasbot.models.table import utcnow
from tests.agent.fake_openai import FakeOpenAI, Step, refuses, says
from tests.agent.test_pause import company, notices
from tests.attack.attempts import attempt
from tests.fixtures.agent import Configure, answers, run_turn_job, turns_of
from tests.fixtures.shops import Shop

Script = Callable[..., FakeOpenAI]
A_STEP = 110
"""What the scripted model says that it counted."""


@pytest.fixture
def two_turns(scripted: Script, configure: Configure) -> FakeOpenAI:
    """The day's tokens are used up by two turns of one step."""
    fake = scripted(says("¡Hola!"))
    configure(platform_tokens_a_day=2 * A_STEP)
    return fake


async def answer_to(shop: Shop, number: int) -> tuple[str, str | None]:
    """How the turn of another customer ends, and why."""
    conversation_id = await shop.hears("Hola", phone=f"549110000000{number}")
    outcome = await run_turn_job(shop, conversation_id)
    assert len(await answers(shop, conversation_id)) == 1, "the customer is told either way"
    return outcome, (await turns_of(shop, conversation_id))[0].reason


@attempt(265, "limits", "A company lets its customers use the platform's model without end.")
async def test_when_the_day_is_used_up_people_go_on_and_the_owner_is_told_once(
    shop: Shop, other_shop: Shop, two_turns: FakeOpenAI
) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        for number in (1, 2):
            assert await answer_to(shop, number) == (TurnOutcome.REPLIED, None)
        for number in (3, 4):
            assert await answer_to(shop, number) == (TurnOutcome.HANDED_OFF, "allowance_used")
        assert len(two_turns.requests) == 2, "refused before anybody was asked"
        assert [notice.details["reason"] for notice in await notices(shop, open_only=False)] == ["allowance_used"]
        assert await answer_to(other_shop, 1) == (TurnOutcome.REPLIED, None)
        waiting = await shop.hears("¿Están?", phone="5491100000003")
        clock.shift(timedelta(days=1))
        assert await answer_to(shop, 5) == (TurnOutcome.REPLIED, None)
    assert (await company(shop)).ai_paused_reason is None and await notices(shop) == []
    assert (await shop.conversation(waiting)).handler == Handler.BOT


async def test_a_key_of_their_own_goes_on_at_once(shop: Shop, two_turns: FakeOpenAI) -> None:
    for number in (1, 2, 3):
        await answer_to(shop, number)
    async with unit_of_work(shop.alice):
        await ai.set_openai(shop.alice, api_key="sk-own-of-alice", base_url="https://models.example/v1")
    assert await notices(shop) == []
    for number in (4, 5, 6):
        assert await answer_to(shop, number) == (TurnOutcome.REPLIED, None)


@attempt(266, "limits", "Trials use up what is for a company's customers.")
async def test_trials_have_a_quarter_of_their_own(shop: Shop, scripted: Script, configure: Configure) -> None:
    scripted(says("¡Hola!"))
    configure(platform_tokens_a_day=4 * A_STEP)
    await think(shop.alice, user_message="hola")
    with pytest.raises(AllowanceUsed) as refused:
        await think(shop.alice, user_message="hola")
    assert (refused.value.code, refused.value.status) == ("allowance_used", 429)
    assert (await company(shop)).ai_paused_reason is None and await notices(shop) == []
    assert [(await answer_to(shop, number))[0] for number in range(5)] == [
        *[TurnOutcome.REPLIED] * 4,
        TurnOutcome.HANDED_OFF,
    ]


@pytest.mark.parametrize("answer", [refuses(404), says("¡Hola!") | {"usage": None}])
async def test_a_question_takes_its_length_where_nobody_counted(
    shop: Shop, scripted: Script, configure: Configure, answer: Step
) -> None:
    fake = scripted(answer)
    configure(platform_tokens_a_day=4_000)
    await think(shop.alice, user_message="hola", prompt="x" * 8_000)
    with pytest.raises(AllowanceUsed):
        await think(shop.alice, user_message="hola")
    configure(platform_tokens_a_day=0)
    await think(shop.alice, user_message="hola")
    assert len(fake.requests) == 2


async def test_many_at_once_cannot_outrun_the_day(shop: Shop, configure: Configure) -> None:
    configure(platform_tokens_a_day=250)
    taken = await asyncio.gather(*(CUSTOMERS.take(shop.company.id, 100) for _ in range(8)))
    assert sum(taken) == 3, "the last one may overdraw it"


async def test_the_demo_model_takes_nothing(shop: Shop, demo_model: None, configure: Configure) -> None:
    configure(platform_tokens_a_day=1)
    for number in (1, 2, 3):
        assert (await answer_to(shop, number))[0] == TurnOutcome.REPLIED
