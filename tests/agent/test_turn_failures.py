"""Whatever goes wrong in a turn, the customer reaches a person and the team sees why."""

import asyncio
import time
from collections.abc import Callable

import httpx2
import pytest

from saasbot.agent import turn as turn_module
from saasbot.domain.agent.allowance import CUSTOMERS
from saasbot.models import (
    Handler,
    TurnOutcome,
)
from saasbot.state.hand_off_texts import REASONS
from tests.agent.fake_openai import FakeOpenAI, calls, refuses, says, says_text
from tests.fixtures.agent import answers, run_turn_job, turns_of
from tests.fixtures.shops import Shop

Script = Callable[..., FakeOpenAI]


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_model_is_asked_again_twice(shop: Shop, scripted: Script, status: int) -> None:
    again = {"retry-after": "0"}
    fake = scripted(refuses(status, headers=again), refuses(status, headers=again), says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert len(fake.requests) == 3
    assert (await turns_of(shop, conversation_id))[0].trace["steps"][0]["tries"] == 3


@pytest.mark.parametrize(
    ("step", "reason", "requests"),
    [
        (refuses(429), "model_unavailable", 3),
        (refuses(500), "model_unavailable", 3),
        (refuses(429, headers={"retry-after": "60"}), "model_unavailable", 1),
        (refuses(404, "model_not_found"), "model_refused_request", 1),
        (httpx2.ConnectError("no route"), "model_unreachable", 3),
        (httpx2.ReadTimeout("silent"), "model_timeout", 1),
        (httpx2.Response(200, text="<html>"), "model_bad_answer", 1),
        (httpx2.Response(200, json={"choices": []}), "model_bad_answer", 1),
        (httpx2.Response(200, json={}), "model_bad_answer", 1),
        (says_text('{"reply": "cut in ha'), "model_bad_answer", 1),
        (says_text("   "), "model_bad_answer", 1),
    ],
)
async def test_whatever_fails_ends_in_a_hand_off_and_never_in_silence(
    shop: Shop, scripted: Script, step: object, reason: str, requests: int
) -> None:
    fake = scripted(step)
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert len(fake.requests) == requests
    assert len(await answers(shop, conversation_id)) == 1
    [turn] = await turns_of(shop, conversation_id)
    assert turn.reason == reason and turn.trace["steps"][-1]["name"] == reason
    assert reason in REASONS, "people read a sentence"
    assert (await shop.conversation(conversation_id)).handler == Handler.HUMAN


async def test_a_turn_that_takes_too_long_is_cut_off(
    shop: Shop, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forever(_request: dict) -> None:
        await asyncio.Event().wait()

    scripted(forever)
    monkeypatch.setattr(turn_module.run_turn, "__kwdefaults__", {"deadline": 0.05, "allowance": CUSTOMERS})
    conversation_id = await shop.hears("Hola")
    started = time.monotonic()
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert time.monotonic() - started < 20, "not the model's own timeout"
    assert (await turns_of(shop, conversation_id))[0].reason == "turn_timeout"


async def test_an_error_of_our_own_ends_in_a_hand_off_too(
    shop: Shop, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(says("¡Hola!"))
    monkeypatch.setattr(turn_module, "first_messages", lambda _turn: 1 / 0)
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert (await turns_of(shop, conversation_id))[0].reason == "internal_error"


async def test_a_turn_that_keeps_crashing_is_given_to_a_person(shop: Shop, scripted: Script) -> None:
    fake = scripted(says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id, attempts=15) == TurnOutcome.HANDED_OFF
    assert fake.requests == []
    assert (await turns_of(shop, conversation_id))[0].reason == "turn_crashed"


async def test_a_model_that_never_stops_calling_tools_ends_in_a_hand_off_after_six_steps(
    shop: Shop, scripted: Script
) -> None:
    fake = scripted(calls(("read_policies", {})))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert len(fake.requests) == 6
    assert [request["tool_choice"] for request in fake.requests] == ["auto"] * 5 + ["none"]
    [turn] = await turns_of(shop, conversation_id)
    assert turn.reason == "too_many_steps"


async def test_a_price_invented_twice_never_reaches_the_customer(shop: Shop, scripted: Script) -> None:
    scripted(says("Cuestan $ 10."), says("De verdad, cuestan 10 pesos."))
    conversation_id = await shop.hears("¿Cuánto salen?")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert "10" not in "".join(m.text for m in await answers(shop, conversation_id))
    assert (await turns_of(shop, conversation_id))[0].reason == "unsupported_facts"


async def test_a_step_that_calls_too_many_tools_is_cut_short(shop: Shop, scripted: Script) -> None:
    fake = scripted(calls(*[("read_policies", {})] * 50), says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert [m["role"] for m in fake.requests[1]["messages"]].count("tool") == 8
    assert len(fake.requests[1]["messages"][2]["tool_calls"]) == 8


async def test_endless_arguments_are_cut_and_called_wrong(shop: Shop, scripted: Script) -> None:
    fake = scripted(calls(("search_catalogue", {"query": "x" * 100_000})), says("¡Hola!"))
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert len(fake.told()) < 20_000 and "Wrong arguments" in fake.told()


@pytest.mark.parametrize("odd", ["\x00", "\ud83d", "\x1b[31m"])
async def test_what_cannot_be_stored_is_left_out_wherever_the_model_puts_it(
    shop: Shop, scripted: Script, odd: str
) -> None:
    scripted(
        calls(("search_catalogue", {"query": f"botas{odd}"}), (f"tool{odd}", {odd: odd})),
        says(f"Hola{odd}", intent=odd, sentiment=odd),
    )
    conversation_id = await shop.hears("Hola")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.REPLIED
    assert (await answers(shop, conversation_id))[0].text.startswith("Hola")
    scripted(calls(("hand_off", {"reason": odd, "summary": f"Pide algo{odd}"})))
    await shop.hears("¿Hola?")
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
