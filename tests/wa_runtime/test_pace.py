"""Automatic messages leave at a person's pace, and nobody waits behind them."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.outbox import WaitingChat, claim_outbox
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra.db import session, unit_of_work
from saasbot.models import Author, Channel
from saasbot.models.table import new_id
from saasbot.wa_runtime.pace import LONGEST_SECONDS, Pace, pause_before
from saasbot.wa_runtime.transport import NotConnected
from tests.fixtures.agent import Configure
from tests.fixtures.numbers import until
from tests.fixtures.shops import Shop
from tests.wa_runtime.test_number import running

ANA, BETO, CARO = "5491100000001", "5491100000002", "5491100000003"
AS_LONG_AS_IT_GETS = "x" * 500


def test_a_longer_text_takes_longer_and_none_takes_more_than_four_seconds():
    assert pause_before("", factor=1, chance=0.5) == pytest.approx(0.25)
    assert pause_before("Hola, ¿cómo va?", factor=1, chance=0.5) == pytest.approx(0.25 + 15 * 0.035)
    assert pause_before("x" * 5000, factor=1, chance=0.99) == LONGEST_SECONDS


def test_the_pace_varies_a_little_and_follows_the_setting():
    slow, fast = (pause_before("Hola", factor=1, chance=chance) for chance in (1.0, 0.0))
    assert slow / fast == pytest.approx(1.2 / 0.8)
    assert pause_before("Hola", factor=0, chance=0.5) == 0
    assert pause_before("Hola", factor=2, chance=0.5) == 2 * pause_before("Hola", factor=1, chance=0.5)


class Screen:
    """What the customers' phones show."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.shown: list[tuple[str, bool]] = []
        self.failure = failure

    async def show(self, chat_jid: str, on: bool) -> None:
        self.shown.append((chat_jid, on))
        if self.failure is not None:
            raise self.failure


async def test_a_burst_waits_once_and_the_next_one_anew():
    screen = Screen()
    pace = Pace(0.001, screen.show)
    chat = WaitingChat(new_id(), "a@lid", "Hola")
    assert pace.ready == []
    assert (pace.look([chat]) or 0) > 0
    await until(_is_ready(pace, chat))
    assert (pace.look([chat]) or 0) <= 0  # its second message
    assert pace.ready == [chat.conversation_id]
    assert pace.look([]) is None
    assert pace.ready == []
    await asyncio.sleep(0)
    assert screen.shown == [("a@lid", True), ("a@lid", False)]


def _is_ready(pace: Pace, chat: WaitingChat):
    async def ready() -> bool:
        return chat.conversation_id in (pace.ready or [])

    return ready


@pytest.mark.parametrize("failure", [NotConnected(), RuntimeError("the phone is upset")])
async def test_a_phone_that_cannot_be_shown_typing_does_not_stop_the_message(failure: Exception):
    pace = Pace(0.001, Screen(failure).show)
    chat = WaitingChat(new_id(), "a@lid", "Hola")
    pace.look([chat])
    await until(_is_ready(pace, chat))


async def bot_says(shop: Shop, conversation_id: UUID, *texts: str) -> None:
    async with unit_of_work(shop.system):
        conversation = await access_conversation(shop.system, conversation_id, lock=True)
        for text in texts:
            await add_outbound(conversation, author=Author.BOT, text=text)


async def the_number(shop: Shop) -> Channel:
    async with unit_of_work(shop.system):
        return await session().get_one(Channel, shop.channel.id)


async def test_what_a_person_typed_leaves_at_once_while_the_bot_types_elsewhere(
    shop: Shop, tmp_path: Path, configure: Configure
):
    configure(send_pace=10)
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    await bot_says(shop, ana, AS_LONG_AS_IT_GETS)
    async with running(await the_number(shop), tmp_path) as number:
        await until(_typing_at(number, ANA))
        async with unit_of_work(shop.alice):
            await send_message(shop.alice, beto, text="Soy Alice")
        async with unit_of_work(shop.alice):
            await send_to_phone(shop.alice, shop.channel.id, to=f"+{CARO}", text="Y yo")
        await until(_sent(number, ["Soy Alice", "Y yo"]))


def _typing_at(number, phone: str):
    async def shown() -> bool:
        return number.transport.typed == [(f"{phone}@s.whatsapp.net", True)]

    return shown


def _sent(number, texts: list[str]):
    async def sent() -> bool:
        return [outgoing.text for outgoing in number.transport.sent] == texts

    return sent


async def test_the_bot_types_sends_its_burst_in_order_and_stops_typing(
    shop: Shop, tmp_path: Path, configure: Configure
):
    configure(send_pace=0.05)
    ana = await shop.hears("hola", phone=ANA)
    async with running(await the_number(shop), tmp_path) as number:
        await bot_says(shop, ana, AS_LONG_AS_IT_GETS, "segundo", "tercero")
        await until(_sent(number, [AS_LONG_AS_IT_GETS, "segundo", "tercero"]))
        jid = f"{ANA}@s.whatsapp.net"

        async def stopped() -> bool:
            return number.transport.typed == [(jid, True), (jid, False)]

        await until(stopped)


async def test_a_slow_chat_holds_up_no_other_chat_of_the_bot(shop: Shop, tmp_path: Path, configure: Configure):
    configure(send_pace=10)
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    await bot_says(shop, ana, AS_LONG_AS_IT_GETS)
    await bot_says(shop, beto, "")
    async with running(await the_number(shop), tmp_path) as number:
        await until(_sent(number, [""]), seconds=15)


async def test_in_a_chat_the_order_is_kept_and_a_person_does_not_wait_for_a_pace(
    shop: Shop, tmp_path: Path, configure: Configure
):
    configure(send_pace=10)
    ana = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, ana, text="primero yo")
    await bot_says(shop, ana, AS_LONG_AS_IT_GETS)  # under the ownership of now: a hand-off's last words
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, ana, text="y yo otra vez")
    async with running(await the_number(shop), tmp_path) as number:
        await until(_sent(number, ["primero yo", AS_LONG_AS_IT_GETS, "y yo otra vez"]))


async def test_people_come_first_even_without_a_pace(shop: Shop):
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    await bot_says(shop, ana, "uno", "dos")
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, beto, text="Soy Alice")
    assert await _claimed(shop.system, shop.channel.id) == ["Soy Alice", "uno", "dos"]


async def _claimed(actor: Actor, channel_id: UUID) -> list[str]:
    texts = []
    async with unit_of_work(actor):
        epoch = await acquire_lease(actor, channel_id, holder="one")
        while (message := await claim_outbox(actor, channel_id, epoch=epoch or 0)) is not None:
            texts.append(message.text)
    return texts
