"""The whole path but the browser: what customers see on their phones when the agent answers, with the production code
from the simulated network to the job and back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from saasbot.domain.inbox.ownership import hand_back, take_over
from saasbot.domain.inbox.send import send_message
from saasbot.infra import db
from saasbot.infra.db import unit_of_work
from saasbot.jobs.worker import running_worker
from saasbot.models import Author, Handler, MessageStatus
from tests.agent.fake_openai import FakeOpenAI, refuses, says
from tests.agent.test_tools import add_photo
from tests.fixtures.agent import Configure, add_product, turns_of
from tests.fixtures.simulator import ANA, BETO, RunningSimulator, until

Script = Callable[..., FakeOpenAI]


@pytest.fixture
async def worker(configure: Configure) -> AsyncIterator[None]:
    async with running_worker(db.app_dsn()):
        yield


async def phone_shows(simulator: RunningSimulator, count: int) -> list[str]:
    """What the number has really sent, once there are that many messages."""

    async def enough() -> list[str] | None:
        sent = await simulator.sent()
        return [message.text for message in sent] if len(sent) >= count else None

    return await until(enough, f"{count} messages on the phone")


async def test_ana_asks_for_a_price_sees_typing_and_then_the_price(
    running_simulator: RunningSimulator, demo_model: None, worker: None
) -> None:
    await add_product(running_simulator.shop, "Zapatillas rojas", 4_599_000, stock=3)
    await running_simulator.write("Hola, ¿cuánto cuestan las zapatillas rojas?")
    assert await phone_shows(running_simulator, 1) == ["Zapatillas rojas: $ 45.990. Hay stock."]

    async def typing_ended() -> list[str] | None:
        kinds = [p.kind for p in await running_simulator.presence() if p.kind != "read"]
        return kinds if kinds[-1:] == ["paused"] else None

    assert (await until(typing_ended, "the end of typing"))[0] == "composing"

    async def read() -> bool:
        [answer] = [m for m in await running_simulator.messages() if m.author == Author.BOT]
        return answer.status in (MessageStatus.DELIVERED, MessageStatus.READ)

    await until(read, "ticks")
    [turn] = await turns_of(running_simulator.shop, (await running_simulator.conversation()).id)
    assert (turn.bot_name, turn.prompt_version, turn.model) == ("Asistente", 1, "demo-model")
    assert turn.tools_used == ["search_catalogue"] and turn.input_tokens > 0


async def test_many_customers_at_once_get_one_answer_each(
    running_simulator: RunningSimulator, scripted: Script, worker: None
) -> None:
    async def echoes(request: dict) -> dict:
        return says(f"Eco de {request['messages'][-1]['content'][-7:]}")

    scripted(echoes)
    phones = [f"54911500001{number:02}" for number in range(15)]
    await asyncio.gather(*(running_simulator.write(f"Soy 10{phone[-5:]}", sender=phone, name="") for phone in phones))
    await phone_shows(running_simulator, 15)
    sent = await running_simulator.sent()
    assert sorted((m.peer, m.text) for m in sent) == [(phone, f"Eco de 10{phone[-5:]}") for phone in phones]


async def test_the_same_event_twice_is_answered_once(
    running_simulator: RunningSimulator, scripted: Script, worker: None
) -> None:
    fake = scripted(says("¡Hola!"))
    for _ in range(3):
        await running_simulator.write("Hola", wa_id="SAME")
    await running_simulator.write("Hola", sender=BETO, name="Beto")
    await phone_shows(running_simulator, 2)
    assert sorted(m.peer for m in await running_simulator.sent()) == [ANA, BETO] and len(fake.requests) == 2


async def test_a_reply_typed_on_the_phone_silences_the_bot_in_mid_thought(
    running_simulator: RunningSimulator, scripted: Script, worker: None
) -> None:
    thinking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_request: dict) -> dict:
        thinking.set()
        await go_on.wait()
        return says("Tarde")

    scripted(slow)
    await running_simulator.write("Hola")
    await thinking.wait()
    await running_simulator.write_on_own_phone("Yo te atiendo")
    await running_simulator.arrived(2)
    go_on.set()

    async def turn_ended() -> bool:
        return bool(await turns_of(running_simulator.shop, (await running_simulator.conversation()).id))

    await until(turn_ended, "the end of the turn")
    assert await running_simulator.sent() == []
    assert (await running_simulator.conversation()).handler == Handler.HUMAN


async def test_a_person_takes_over_answers_and_hands_back(
    running_simulator: RunningSimulator, scripted: Script, worker: None
) -> None:
    scripted(says("Soy el bot"))
    shop = running_simulator.shop
    await running_simulator.write("Hola")
    await phone_shows(running_simulator, 1)
    conversation = await running_simulator.conversation()
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, conversation.id)
        await send_message(shop.bob, conversation.id, text="Soy Bob")
    await phone_shows(running_simulator, 2)
    await running_simulator.write("¿Sigues?")
    await running_simulator.arrived(2)
    async with unit_of_work(shop.bob):
        await hand_back(shop.bob, conversation.id)
    await running_simulator.write("¿Y ahora?")
    assert await phone_shows(running_simulator, 3) == ["Soy el bot", "Soy Bob", "Soy el bot"]


async def test_a_broken_model_leaves_no_customer_without_an_answer(
    running_simulator: RunningSimulator, scripted: Script, worker: None
) -> None:
    scripted(refuses(404))
    await running_simulator.write("Hola")
    assert await phone_shows(running_simulator, 1) == [
        "Una persona de nuestro equipo continúa este chat y te responde por aquí."
    ]


async def test_a_message_that_came_while_no_worker_ran_is_answered_once(
    running_simulator: RunningSimulator, scripted: Script, configure: Configure
) -> None:
    scripted(says("¡Hola!"))
    await running_simulator.write("Hola")
    await running_simulator.arrived(1)
    async with running_worker(db.app_dsn()):
        assert await phone_shows(running_simulator, 1) == ["¡Hola!"]
        await running_simulator.write("Hola", sender=BETO, name="Beto")
        assert len(await phone_shows(running_simulator, 2)) == 2


async def test_a_photo_reaches_the_phone_after_the_text(
    running_simulator: RunningSimulator, demo_model: None, worker: None
) -> None:
    media = await add_photo(running_simulator.shop)
    await add_product(running_simulator.shop, "Zapatillas rojas", 4_599_000, image_id=media.id)
    await running_simulator.write("Una foto de las zapatillas rojas")

    async def both() -> list[tuple[str, str]] | None:
        rows = [(str(m.type), m.text) for m in await running_simulator.messages() if m.author == Author.BOT]
        return rows if len(rows) == 2 else None

    assert await until(both, "text and photo") == [
        ("text", "Te envío la foto de Zapatillas rojas."),
        ("image", "Zapatillas rojas · $ 45.990"),
    ]
