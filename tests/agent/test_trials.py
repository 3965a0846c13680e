"""What a company tries is bounded, and never in the way of customers or of other companies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from saasbot.agent import trials
from saasbot.agent.check_key import check_key
from saasbot.agent.model import close_models, models, trial_models
from saasbot.agent.think import think
from saasbot.agent.trials import AN_HOUR, AT_ONCE, TrialsAtOnce, TrialsThisHour
from saasbot.models import TurnOutcome
from tests.agent.fake_openai import FakeOpenAI, says
from tests.attack.attempts import attempt
from tests.fixtures.agent import run_turn_job
from tests.fixtures.shops import Shop

Script = Callable[..., FakeOpenAI]


@pytest.fixture
def hanging(scripted: Script) -> tuple[FakeOpenAI, asyncio.Event]:
    """A model that answers when the event is set."""
    goes_on = asyncio.Event()

    async def step(_asked: object) -> dict[str, object]:
        await goes_on.wait()
        return says("¡Hola!")

    return scripted(step), goes_on


async def until_asked(fake: FakeOpenAI, times: int) -> None:
    async with asyncio.timeout(5):
        while len(fake.requests) < times:
            await asyncio.sleep(0.01)


@attempt(267, "limits", "A company asks a model that hangs, again and again, to leave the others no connection.")
async def test_few_trials_of_a_company_run_at_once(
    shop: Shop, other_shop: Shop, hanging: tuple[FakeOpenAI, asyncio.Event]
) -> None:
    fake, goes_on = hanging
    running = [asyncio.create_task(think(shop.alice, user_message="hola")) for _ in range(AT_ONCE)]
    await until_asked(fake, AT_ONCE)
    with pytest.raises(TrialsAtOnce) as refused:
        await think(shop.bob, user_message="hola")
    assert (refused.value.status, refused.value.details) == (429, {"retry_after": 5})
    with pytest.raises(TrialsAtOnce):
        await check_key(shop.alice, api_key="sk-own", base_url="https://models.example/v1")
    others = asyncio.create_task(think(other_shop.alice, user_message="hola"))
    customers = asyncio.create_task(run_turn_job(shop, await shop.hears("Hola")))
    await until_asked(fake, AT_ONCE + 2)
    goes_on.set()
    await asyncio.gather(*running, others)
    assert await customers == TurnOutcome.REPLIED
    await think(shop.alice, user_message="hola")


async def test_a_trial_that_is_left_makes_room(shop: Shop, hanging: tuple[FakeOpenAI, asyncio.Event]) -> None:
    fake, goes_on = hanging
    running = [asyncio.create_task(think(shop.alice, user_message="hola")) for _ in range(AT_ONCE)]
    await until_asked(fake, AT_ONCE)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    goes_on.set()
    await think(shop.alice, user_message="hola")
    assert not trials._running


@attempt(268, "limits", "Somebody who has just registered thinks aloud without end at the cost of the platform.")
async def test_a_company_tries_so_often_an_hour(
    shop: Shop, other_shop: Shop, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "AN_HOUR", replace(AN_HOUR, most=3))
    fake = scripted(says("¡Hola!"))
    for actor in (shop.alice, shop.bob, shop.charlie):
        await think(actor, user_message="hola")
    with pytest.raises(TrialsThisHour) as refused:
        await think(shop.alice, user_message="hola")
    assert refused.value.status == 429
    assert refused.value.details | {"retry_after": 0} == {"most": 3, "retry_after": 0, "minutes": 60}
    assert 3500 < refused.value.details["retry_after"] <= 3600
    assert len(fake.requests) == 3, "refused before anybody was asked"
    await think(other_shop.alice, user_message="hola")
    assert await run_turn_job(shop, await shop.hears("Hola")) == TurnOutcome.REPLIED


async def test_the_demo_model_is_tried_without_end(
    shop: Shop, demo_model: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "AN_HOUR", replace(AN_HOUR, most=1))
    monkeypatch.setattr(trials, "AT_ONCE", 0)
    for _ in range(3):
        await think(shop.alice, user_message="hola")


@pytest.fixture
async def own_connections() -> AsyncIterator[None]:
    yield
    await close_models()


async def test_trials_have_connections_of_their_own(own_connections: None) -> None:
    turns, tried = models(), trial_models()
    assert turns is models() and tried is trial_models()
    pools = [{id(client._transport) for client in each._http.values()} for each in (turns, tried)]
    assert not pools[0] & pools[1]
