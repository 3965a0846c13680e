"""The simulated network knows phone numbers as WhatsApp does."""

import pytest

from saasbot.domain.inbox.send import send_to_phone
from saasbot.domain.simulator.phone_forms import forms_of
from saasbot.infra.db import unit_of_work
from tests.fixtures.simulator import RunningSimulator
from tests.simulator.test_sending import message_is


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("5511987654321", "5511987654321"),
        ("551187654321", "5511987654321"),
        ("5541987654321", "554187654321"),
        ("525512345678", "5215512345678"),
        ("541112345678", "5491112345678"),
        ("34600111222", "34600111222"),
    ],
)
def test_the_form_of_whatsapp_comes_first(written: str, known: str) -> None:
    assert forms_of(written)[0] == known
    assert written in forms_of(written)


async def test_a_number_is_reached_however_it_is_written(running_simulator: RunningSimulator) -> None:
    bob = running_simulator.shop.bob
    for text, to in (("uno", "+54 11 4321 5678"), ("dos", "+54 9 11 4321 5678")):
        async with unit_of_work(bob):
            message = await send_to_phone(bob, running_simulator.channel_id, to=to, text=text)
        await message_is(running_simulator, message.id, "read")
    assert [(sent.peer, sent.text) for sent in await running_simulator.sent()] == [
        ("5491143215678", "uno"),
        ("5491143215678", "dos"),
    ]
    assert len({message.conversation_id for message in await running_simulator.messages()}) == 1


async def test_a_number_of_nobody_is_refused(running_simulator: RunningSimulator) -> None:
    bob = running_simulator.shop.bob
    async with unit_of_work(bob):
        message = await send_to_phone(bob, running_simulator.channel_id, to="+34 600 404 404", text="¿Hay alguien?")
    assert (await message_is(running_simulator, message.id, "failed")).error == "not_on_whatsapp"
    assert await running_simulator.sent() == []
