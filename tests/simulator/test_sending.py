"""What the shop sends goes out once, and its ticks say what is known."""

from datetime import timedelta
from uuid import UUID

import pytest

from saasbot.domain.channels.commands import send_read_marks, set_typing, wake_outbox
from saasbot.domain.channels.new_chats import NewChatsPaused
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.send import resend, send_message, send_to_phone
from saasbot.domain.media.upload import store_image
from saasbot.domain.simulator.customers import lid_of
from saasbot.domain.simulator.faults import set_fault
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import Forbidden
from saasbot.models import Author, Message
from saasbot.models.table import utcnow
from saasbot.wa_runtime.simulator.network import customer_confirms
from saasbot.wa_runtime.simulator.samples import sample
from tests.fixtures.agent import Configure
from tests.fixtures.simulator import ANA, BETO, RunningSimulator, until


async def answer(simulator: RunningSimulator, text: str) -> UUID:
    """Bob answers Ana, who has written."""
    if not await simulator.messages():
        await simulator.write("Hola")
        await simulator.arrived()
    conversation = await simulator.conversation()
    async with unit_of_work(simulator.shop.bob):
        return (await send_message(simulator.shop.bob, conversation.id, text=text)).id


async def message_is(simulator: RunningSimulator, message_id: UUID, status: str) -> Message:
    async def reached() -> Message | None:
        found = [m for m in await simulator.messages() if m.id == message_id and m.status == status]
        return found[0] if found else None

    return await until(reached, f"message {status}")


async def test_an_answer_is_sent_delivered_and_read_by_itself(running_simulator: RunningSimulator):
    message_id = await answer(running_simulator, "Cuestan $ 45.000")
    message = await message_is(running_simulator, message_id, "read")
    (sent,) = await running_simulator.sent()
    assert (sent.wa_id, sent.peer, sent.text, sent.type) == (message.wa_id, ANA, "Cuestan $ 45.000", "text")
    assert message.wa_timestamp == sent.at
    assert message.delivered_at is not None


async def test_without_automatic_receipts_ticks_come_when_the_customer_says(running_simulator: RunningSimulator):
    await running_simulator.fault("auto_receipts", on=False)
    message_id = await answer(running_simulator, "Hola Ana")
    message = await message_is(running_simulator, message_id, "sent")
    assert message.wa_id is not None
    for kind in ("delivered", "read"):
        async with unit_of_work(running_simulator.alice):
            await customer_confirms(
                running_simulator.alice, running_simulator.channel_id, wa_ids=[message.wa_id], kind=kind
            )
        await message_is(running_simulator, message_id, kind)


async def test_writing_first_finds_the_customer_and_their_answer_joins_the_chat(running_simulator: RunningSimulator):
    async with unit_of_work(running_simulator.alice):
        first = await send_to_phone(
            running_simulator.alice, running_simulator.channel_id, to=f"+{BETO}", text="Llegó tu pedido"
        )
    await message_is(running_simulator, first.id, "read")
    assert [m.peer for m in await running_simulator.sent()] == [BETO]
    conversation = await running_simulator.conversation(sender=BETO)
    assert conversation.chat_jid == f"{lid_of(BETO)}@lid"
    await running_simulator.write("¡Gracias!", sender=BETO, name="Beto")
    await running_simulator.arrived()
    assert {m.conversation_id for m in await running_simulator.messages()} == {conversation.id}


async def test_a_photo_goes_out_with_its_bytes(running_simulator: RunningSimulator):
    await running_simulator.write("¿Me mandás una foto?")
    await running_simulator.arrived()
    conversation = await running_simulator.conversation()
    content, _ = sample("image")
    async with unit_of_work(running_simulator.alice):
        media = await store_image(running_simulator.alice, content, file_name="roja.jpg")
    async with unit_of_work(running_simulator.alice):
        message = await send_message(running_simulator.alice, conversation.id, text="Es esta", media_id=media.id)
    await message_is(running_simulator, message.id, "read")
    (sent,) = await running_simulator.sent()
    assert (sent.type, sent.text) == ("image", "Es esta")
    assert sent.payload["media"]["size"] == media.size


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("463", "reachout_timelocked"),
        ("475", "new_chats_capped"),
        ("479", "refused_by_whatsapp"),
        ("not_on_whatsapp", "not_on_whatsapp"),
    ],
)
async def test_a_refused_message_says_why_and_the_next_one_goes_out(
    running_simulator: RunningSimulator, code: str, error: str
):
    await running_simulator.fault("send_error", code=code, times=1)
    refused = await answer(running_simulator, "no sale")
    following = await answer(running_simulator, "sí sale")
    assert (await message_is(running_simulator, refused, "failed")).error == error
    await message_is(running_simulator, following, "read")
    assert [m.text for m in await running_simulator.sent()] == ["sí sale"]


async def test_writing_first_may_be_forbidden_for_a_while(running_simulator: RunningSimulator):
    """Only new chats stop, until the time that the network names; then they go on by themselves."""
    await running_simulator.write("Hola")
    await running_simulator.arrived()
    await running_simulator.fault("reachout_timelocked", seconds=60)
    alice, channel_id = running_simulator.alice, running_simulator.channel_id
    async with unit_of_work(alice):
        refused = await send_to_phone(alice, channel_id, to=f"+{BETO}", text="Llegó tu pedido")
        waiting = await send_to_phone(alice, channel_id, to="+5491150000009", text="Llegó el tuyo")
    assert (await message_is(running_simulator, refused.id, "failed")).error == "reachout_timelocked"
    channel = await running_simulator.channel()
    assert channel.new_chats_paused_until is not None
    assert timedelta(seconds=50) < channel.new_chats_paused_until - utcnow() < timedelta(seconds=61)
    assert channel.status == "open"
    with pytest.raises(NewChatsPaused):
        async with unit_of_work(alice):
            await resend(alice, refused.id)
    answered = await answer(running_simulator, "Hola Ana")
    await message_is(running_simulator, answered, "read")

    async def held() -> bool:
        found = next(m for m in await running_simulator.messages() if m.id == waiting.id)
        return (found.status, found.held_reason) == ("queued", "reachout_timelocked")

    await until(held, "the other first message held")
    await running_simulator.fault("reachout_timelocked", seconds=0)
    async with unit_of_work(alice):
        await sql("UPDATE channel SET new_chats_paused_until = now()")
        await sql("UPDATE message SET held_until = now() WHERE held_until IS NOT NULL")
        await wake_outbox(channel_id)  # else it leaves with the number's next look, half a minute later at most
    await message_is(running_simulator, waiting.id, "read")
    assert [m.text for m in await running_simulator.sent()] == ["Hola Ana", "Llegó el tuyo"]


async def test_a_message_nobody_confirmed_is_not_sent_again(running_simulator: RunningSimulator):
    await running_simulator.fault("drop_ack", times=1)
    lost = await answer(running_simulator, "¿salió?")
    following = await answer(running_simulator, "otra")
    assert (await message_is(running_simulator, lost, "unconfirmed")).error == "no_acknowledgement"
    await message_is(running_simulator, following, "read")
    assert [m.text for m in await running_simulator.sent()] == ["¿salió?", "otra"]


async def test_what_is_written_while_disconnected_goes_out_afterwards_in_order(running_simulator: RunningSimulator):
    await running_simulator.write("Hola")
    await running_simulator.arrived()
    await running_simulator.fault("disconnect", seconds=60)
    await running_simulator.status_is("reconnecting")
    ids = [await answer(running_simulator, text) for text in ("uno", "dos", "tres")]
    assert await running_simulator.sent() == []
    await running_simulator.fault("disconnect", seconds=0)
    for message_id in ids:
        await message_is(running_simulator, message_id, "read")
    assert [m.text for m in await running_simulator.sent()] == ["uno", "dos", "tres"]


async def test_the_customers_phone_shows_typing_and_read_marks(running_simulator: RunningSimulator):
    wa_id = await running_simulator.write("Hola")
    await running_simulator.arrived()
    found = await running_simulator.conversation()
    async with unit_of_work(running_simulator.alice):
        conversation = await access_conversation(running_simulator.alice, found.id)
        await set_typing(conversation, on=True)
        await send_read_marks(conversation, [wa_id])

    async def both() -> bool:
        return {p.kind for p in await running_simulator.presence()} == {"composing", "read"}

    await until(both, "typing and a read mark")
    assert {p.peer for p in await running_simulator.presence()} == {ANA}


async def test_an_answer_shows_the_customer_that_what_they_wrote_was_read(running_simulator: RunningSimulator):
    await answer(running_simulator, "Hola Ana")

    async def read() -> bool:
        return ("read", ANA) in [(p.kind, p.peer) for p in await running_simulator.presence()]

    await until(read, "a read mark")


async def test_only_those_who_run_numbers_may_break_them(running_simulator: RunningSimulator):
    with pytest.raises(Forbidden):
        async with unit_of_work(running_simulator.shop.bob):
            await set_fault(running_simulator.shop.bob, running_simulator.channel_id, kind="logout")


async def test_the_customer_sees_the_bot_type_before_its_answer_comes(
    simulator: RunningSimulator, configure: Configure
):
    configure(send_pace=0.2)
    simulator.channel_id = await simulator.add_number()
    await simulator.scan(simulator.channel_id)
    await simulator.write("hola")
    await simulator.arrived()
    chat, system = await simulator.conversation(), simulator.shop.system
    async with unit_of_work(system):
        await add_outbound(
            await access_conversation(system, chat.id, lock=True), author=Author.BOT, text="Hola, ¿en qué te ayudo?"
        )

    async def stopped() -> bool:
        return [shown.kind for shown in await simulator.presence()] == ["composing", "paused"]

    await until(stopped, "typing, then no more")
    [answer], [typed, _] = await simulator.sent(), await simulator.presence()
    assert typed.at < answer.at
