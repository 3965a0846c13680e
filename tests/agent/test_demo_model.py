"""The demo model shows the whole path by plain rules, in Spanish and English."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saasbot.agent.demo.answer import answer_request, stream_request
from saasbot.agent.demo.prompt import read_style
from saasbot.agent.demo.understand import understand
from saasbot.agent.tools import SCHEMAS
from saasbot.domain.bots.prompts import publish_version, save_version
from saasbot.infra.db import session, unit_of_work
from saasbot.models import Handler, MessageType, Policy, TurnOutcome
from tests.agent.test_tools import add_photo
from tests.fixtures.agent import add_product, answers, run_turn_job, turns_of
from tests.fixtures.shops import Shop


async def conversation(shop: Shop, *texts: str) -> tuple[list[str], TurnOutcome]:
    """What the bot says to the messages of a customer, one after the other, and how the last turn ended."""
    outcome = ""
    conversation_id = None
    for text in texts:
        conversation_id = await shop.hears(text)
        outcome = await run_turn_job(shop, conversation_id)
    assert conversation_id is not None
    return [m.text for m in await answers(shop, conversation_id)], TurnOutcome(outcome)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Hola, ¿cuánto cuestan las zapatillas rojas?", "Zapatillas rojas: $ 45.990. Hay stock."),
        ("zapatillas rojas", "Zapatillas rojas: $ 45.990. Hay stock."),
        ("How much are the zapatillas rojas?", "Zapatillas rojas: $ 45.990. It is in stock."),
        ("¿Tienen sandalias?", "Sandalias: $ 9.990,50. Ahora no hay stock."),
        ("¿Tienen paraguas?", "No encontré eso en el catálogo. ¿Quieres que te pase con una persona?"),
        ("¿Hacen envíos?", "Enviamos a todo el país por $ 2.500."),
        ("¿A qué hora abren?", "Lunes a sábado de 9 a 20."),
        ("¿Puedo devolver algo?", "No tengo ese dato. ¿Quieres que te pase con una persona?"),
        ("hola", "¡Hola! ¿En qué te puedo ayudar?"),
        ("Hello!", "Hello! How can I help you?"),
        ("muchas gracias", "¡De nada! Aquí estoy si necesitas algo más."),
    ],
)
async def test_a_question_is_answered_by_rule(shop: Shop, demo_model: None, question: str, expected: str) -> None:
    await add_product(shop, "Zapatillas rojas", 4_599_000, stock=3)
    await add_product(shop, "Sandalias", 999_050, stock=0)
    async with unit_of_work(shop.alice):
        session().add(Policy(company_id=shop.company.id, name="shipping", text="Enviamos a todo el país por $ 2.500."))
        session().add(Policy(company_id=shop.company.id, name="hours", text="Lunes a sábado de 9 a 20."))
    assert await conversation(shop, question) == ([expected], TurnOutcome.REPLIED)


async def test_it_sends_the_photo_of_what_was_talked_about(shop: Shop, demo_model: None) -> None:
    media = await add_photo(shop)
    await add_product(shop, "Zapatillas rojas", 4_599_000, image_id=media.id)
    await conversation(shop, "¿Precio de las zapatillas rojas?", "¿Me mandas una foto?")
    conversation_id = await shop.hears("gracias")
    said = await answers(shop, conversation_id)
    assert [(m.type, m.text) for m in said[1:]] == [
        (MessageType.TEXT, "Te envío la foto de Zapatillas rojas."),
        (MessageType.IMAGE, "Zapatillas rojas · $ 45.990"),
    ]
    last = (await turns_of(shop, conversation_id))[-1]
    assert last.tools_used == ["search_catalogue", "send_product_photo"] and last.model == "demo-model"


@pytest.mark.parametrize("text", ["Quiero hablar con una persona", "can I talk to a human?", "pásame con alguien"])
async def test_who_asks_for_a_person_gets_one(shop: Shop, demo_model: None, text: str) -> None:
    conversation_id = await shop.hears(text)
    assert await run_turn_job(shop, conversation_id) == TurnOutcome.HANDED_OFF
    assert (await shop.conversation(conversation_id)).handler == Handler.HUMAN
    assert (await turns_of(shop, conversation_id))[0].reason == "customer_asked"


async def test_a_changed_prompt_shows_in_the_next_answer(shop: Shop, demo_model: None) -> None:
    async with unit_of_work(shop.alice):
        await save_version(
            shop.alice, shop.bot.id, text="Sé amable.\nFirma: Con cariño, Luna 🌙\nSaluda con: ¡Qué alegría!"
        )
        await publish_version(shop.alice, shop.bot.id, 2)
    assert (await conversation(shop, "hola", "gracias"))[0] == [
        "¡Qué alegría!\nCon cariño, Luna 🌙",
        "¡De nada! Aquí estoy si necesitas algo más.\nCon cariño, Luna 🌙",
    ]
    async with unit_of_work(shop.alice):
        await publish_version(shop.alice, shop.bot.id, 1)
    assert (await conversation(shop, "gracias"))[0][-1] == "¡De nada! Aquí estoy si necesitas algo más."


@pytest.mark.parametrize(
    ("prompt", "greeting", "signature"),
    [
        ("Firma: Luna", "", "Luna"),
        ("- firma: «Luna»", "", "Luna"),
        ('Sign: "The team"', "", "The team"),
        ("Termina siempre con: ¡Saludos!", "", "¡Saludos!"),
        ('End every answer with "Cheers"', "", "Cheers"),
        ("Saluda con: Buen día", "Buen día", ""),
        ("Greet with: Howdy", "Howdy", ""),
        ("Firma: uno\nFirma: dos", "", "dos"),
        ("Confirma: el pedido. La firma es importante.", "", ""),
        ("", "", ""),
    ],
)
def test_only_these_lines_of_a_prompt_are_followed(prompt: str, greeting: str, signature: str) -> None:
    style = read_style(prompt)
    assert (style.greeting, style.signature) == (greeting, signature)


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "demo-model", "messages": [{"role": "user", "content": text}], **more}


def test_it_speaks_the_protocol_and_bears_its_name() -> None:
    completion = answer_request(ask("¿precio de botas?", tools=SCHEMAS))
    [choice] = completion["choices"]
    assert (completion["object"], completion["model"]) == ("chat.completion", "demo-model")
    assert choice["finish_reason"] == "tool_calls" and choice["message"]["content"] is None
    assert choice["message"]["tool_calls"][0]["function"] == {
        "name": "search_catalogue",
        "arguments": '{"query": "botas"}',
    }
    usage = completion["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    assert "demostración" in answer_request(ask("???"))["choices"][0]["message"]["content"]


def test_without_tools_or_where_they_are_not_wanted_it_calls_none() -> None:
    for request in (
        ask("precio de botas"),
        ask("una persona por favor"),
        ask("envios", tools=SCHEMAS, tool_choice="none"),
    ):
        assert answer_request(request)["choices"][0]["message"]["content"]


def test_what_is_written_in_several_messages_is_one_question() -> None:
    burst = [{"role": "user", "content": text} for text in ("Hola", "¿cuánto cuestan las zapatillas rojas?", "gracias")]
    message = answer_request({"messages": burst, "tools": SCHEMAS})["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"query": "zapatillas rojas"}'


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (["Hola", "[sent a picture]", "[sent something that cannot be shown]"], "Hola! "),
        (["[sent a voice message]"], "Lo recibí"),
        (["[sent a picture] Do you have these?"], "I have received it"),
        (["[sent a picture] zapatillas rojas"], None),
    ],
)
def test_a_picture_is_not_taken_for_words(said: list[str], answer: str | None) -> None:
    burst = [{"role": "user", "content": text} for text in said]
    message = answer_request({"messages": burst, "tools": SCHEMAS})["choices"][0]["message"]
    if answer is None:
        assert message["tool_calls"][0]["function"]["arguments"] == '{"query": "zapatillas rojas"}'
    else:
        assert message["content"].lstrip("¡").startswith(answer.rstrip())


def test_a_stream_carries_the_same_answer_in_pieces() -> None:
    for text in ("hola", "¿precio de botas?"):
        request = ask(text, tools=SCHEMAS, stream=True, stream_options={"include_usage": True})
        chunks = list(stream_request(request))
        message = answer_request(request)["choices"][0]["message"]
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
        assert "".join(d.get("content") or "" for d in deltas) == (message["content"] or "")
        streamed = [call["function"] for d in deltas for call in d.get("tool_calls", ())]
        assert streamed == [call["function"] for call in message.get("tool_calls", ())]
        assert chunks[-2]["choices"][0]["finish_reason"] and chunks[-1]["usage"]["total_tokens"]


@given(st.text())
def test_any_text_is_understood_somehow_and_answered(text: str) -> None:
    understand(text)
    message = answer_request(ask(text, tools=SCHEMAS))["choices"][0]["message"]
    assert message.get("tool_calls") or message["content"]
