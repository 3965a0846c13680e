"""The figures of the dashboard and of the frame are those of the rows behind them, and of nobody else's."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain import reports
from saasbot.domain.actor import Actor
from saasbot.domain.catalogue import create_product
from saasbot.domain.companies.ai import choose_source
from saasbot.domain.companies.notices import open_notice
from saasbot.domain.companies.onboarding import mark_step
from saasbot.domain.companies.policies import put_policies
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import hand_back, hand_off, take_over
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import Forbidden
from saasbot.models import AiSource, Author
from tests.fixtures.shops import Shop

ANA, BETO, CARLA = "5491100000001", "5491100000002", "5491100000003"


async def today(actor: Actor) -> reports.Today:
    async with unit_of_work(actor):
        return await reports.read_today(actor)


async def attention(actor: Actor) -> reports.Attention:
    async with unit_of_work(actor):
        return await reports.read_attention(actor)


async def bot_says(shop: Shop, conversation_id: UUID, text: str) -> None:
    async with unit_of_work(shop.system):
        conversation = await access_conversation(shop.system, conversation_id, lock=True)
        await add_outbound(conversation, author=Author.BOT, text=text)


async def pass_on(shop: Shop, conversation_id: UUID, reason: str = "customer_asked") -> None:
    async with unit_of_work(shop.system):
        conversation = await access_conversation(shop.system, conversation_id, lock=True)
        await hand_off(shop.system, conversation, reason=reason, summary="Wants an invoice")


async def say(shop: Shop, conversation_id: UUID, text: str) -> None:
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, conversation_id, text=text)


async def execute(actor: Actor, statement: str, **parameters: Any) -> None:
    async with unit_of_work(actor):
        await sql(statement, **parameters)


async def test_nothing_happened_yet(shop: Shop) -> None:
    found = await today(shop.alice)
    assert (found.waiting, found.conversations, found.answered, found.by_bot) == (0, 0, 0, 0)
    assert found.response_seconds is None
    assert found.by_hour == (0,) * 24


async def test_a_chat_that_the_bot_passed_on_waits_until_a_person_writes(shop: Shop) -> None:
    ana = await shop.hears("Quiero hablar con alguien", phone=ANA)
    assert (await today(shop.alice)).waiting == 0
    await pass_on(shop, ana)
    found = await today(shop.alice)
    assert found.waiting == 1
    assert [(w.conversation_id, w.contact_name, w.channel_name, w.preview) for w in found.waiting_first] == [
        (ana, "Ana", "Tienda 1", "Quiero hablar con alguien")
    ]
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, ana)
    assert (await today(shop.alice)).waiting == 1, "taken, but not answered"
    await say(shop, ana, "Hola, soy Alice")
    assert (await today(shop.alice)).waiting == 0
    await shop.hears("¿Y entonces?", phone=ANA)
    assert (await today(shop.alice)).waiting == 1


async def test_who_waits_longest_stands_first(shop: Shop) -> None:
    for phone, name in ((ANA, "Ana"), (BETO, "Beto"), (CARLA, "Carla")):
        await pass_on(shop, await shop.hears("Ayuda", phone=phone, name=name))
    await shop.hears("¿Hay alguien?", phone=ANA)
    names = [waiting.contact_name for waiting in (await today(shop.alice)).waiting_first]
    assert names == ["Beto", "Carla", "Ana"]


async def test_a_chat_in_which_only_the_bot_wrote_was_answered_by_the_bot(shop: Shop) -> None:
    ana, beto = await shop.hears("Hola", phone=ANA), await shop.hears("Hola", phone=BETO, name="Beto")
    await shop.hears("Hola", phone=CARLA, name="Carla")
    await bot_says(shop, ana, "Hola, ¿qué buscas?")
    await bot_says(shop, beto, "Hola, ¿qué buscas?")
    await say(shop, beto, "Sigo yo")
    dora = await shop.hears("Quiero un humano", phone="5491100000004", name="Dora")
    await bot_says(shop, dora, "Te paso con alguien")
    await pass_on(shop, dora)
    found = await today(shop.alice)
    assert (found.conversations, found.answered, found.by_bot) == (4, 3, 1)
    assert sum(found.by_hour) == 4


async def test_the_response_time_is_the_median_of_first_answers(shop: Shop) -> None:
    for phone, seconds in ((ANA, 10), (BETO, 20), (CARLA, 90)):
        chat = await shop.hears("Hola", phone=phone)
        await bot_says(shop, chat, "Hola")
        await bot_says(shop, chat, "¿Algo más?")
        await execute(
            shop.system,
            "UPDATE message SET sort_at = (SELECT min(sort_at) FROM message WHERE conversation_id = :chat) + :wait "
            "WHERE conversation_id = :chat AND author = 'bot' AND text = 'Hola'",
            chat=chat,
            wait=timedelta(seconds=seconds),
        )
        await execute(
            shop.system,
            "UPDATE message SET sort_at = sort_at + interval '1 hour' WHERE conversation_id = :chat AND text = '¿Algo más?'",
            chat=chat,
        )
    assert (await today(shop.alice)).response_seconds == pytest.approx(20)


async def test_yesterday_and_what_failed_do_not_count(shop: Shop) -> None:
    ana = await shop.hears("Hola", phone=ANA)
    await bot_says(shop, ana, "Hola")
    await execute(shop.system, "UPDATE message SET status = 'failed' WHERE author = 'bot'")
    found = await today(shop.alice)
    assert (found.conversations, found.answered) == (1, 0)
    await execute(shop.system, "UPDATE message SET created_at = created_at - interval '25 hours'")
    assert (await today(shop.alice)).conversations == 0


async def test_the_last_hand_offs_say_why_and_who_has_the_chat(shop: Shop) -> None:
    ana, beto = await shop.hears("Hola", phone=ANA), await shop.hears("Hola", phone=BETO, name="Beto")
    await pass_on(shop, ana)
    await pass_on(shop, beto, reason="no_data")
    async with unit_of_work(shop.bob):
        await take_over(shop.bob, ana)
    async with unit_of_work(shop.alice):
        await hand_back(shop.alice, beto)
        found = await reports.last_hand_offs(shop.alice)
        assert len(await reports.last_hand_offs(shop.alice, limit=1)) == 1
    assert [(h.contact_name, h.reason, h.summary, h.taken_by) for h in found] == [
        ("Beto", "no_data", "Wants an invoice", ""),
        ("Ana", "customer_asked", "Wants an invoice", "Bob"),
    ]


async def test_the_frame_knows_unread_chats_numbers_and_notices(shop: Shop) -> None:
    before = await attention(shop.bob)
    assert (before.company_name, before.unread, before.troubles, before.notices) == ("Zapatería Luna", 0, (), ())
    assert before.statuses == {"closed"}
    await shop.hears("Hola", phone=ANA)
    await shop.hears("Hola otra vez", phone=ANA)
    await execute(shop.system, "UPDATE channel SET status = 'logged_out', reason = 'device_removed'")
    async with unit_of_work(shop.system):
        await open_notice(shop.system, "ai_paused", details={"reason": "key_refused"})
    after = await attention(shop.bob)
    assert after.unread == 1, "a chat, however many messages"
    assert [(t.channel_id, t.name, t.status, t.reason) for t in after.troubles] == [
        (shop.channel.id, "Tienda 1", "logged_out", "device_removed")
    ]
    assert [(n.kind, n.details) for n in after.notices] == [("ai_paused", {"reason": "key_refused"})]


async def test_what_is_there_counts_as_done_in_the_setup(shop: Shop) -> None:
    async def setup() -> reports.Setup:
        async with unit_of_work(shop.alice):
            return await reports.read_setup(shop.alice)

    assert (await setup()).missing == ("company", "policies", "ai", "product", "number")
    async with unit_of_work(shop.alice):
        await put_policies(shop.alice, {"shipping": "In two days"})
        await choose_source(shop.alice, AiSource.DEMO)
        await create_product(shop.alice, title="Zapatillas rojas", price_minor=4_599_900)
        await mark_step(shop.alice, "company", "skipped")
    found = await setup()
    assert found.missing == ("company", "number")
    assert found.next_step == "number", "what was skipped is not asked again"
    await execute(shop.system, "UPDATE channel SET device_jid = '5491122223333:1@s.whatsapp.net'")
    assert (await setup()).missing == ("company",)


async def test_another_company_counts_for_nothing(shop: Shop, other_shop: Shop) -> None:
    ana = await shop.hears("Hola", phone=ANA)
    await pass_on(shop, ana)
    async with unit_of_work(other_shop.alice):
        assert await reports.last_hand_offs(other_shop.alice) == []
    found = await today(other_shop.alice)
    assert (found.waiting, found.conversations) == (0, 0)
    assert (await attention(other_shop.alice)).unread == 0


async def test_figures_need_their_permission(shop: Shop) -> None:
    nobody = Actor(shop.company.id)
    async with unit_of_work(nobody):
        for read in (reports.read_today, reports.last_hand_offs, reports.read_attention, reports.read_setup):
            with pytest.raises(Forbidden):
                await read(nobody)
