"""What the governor holds back stays queued with its reason, and everything else of the number goes on."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from saasbot.domain.channels import acquire_lease, begin_pairing, claim_outbox, complete_pairing, mark_failed
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.channels.new_chats import NewChatsPaused, Pause, note_refusal, pause_in_chat
from saasbot.domain.channels.outbox import waiting_chats
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.i18n import error_text
from saasbot.models import Author, Channel, Conversation, Message
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop

ANA, BETO, CARO = "5491100000001", "5491100000002", "5491100000003"


@pytest.fixture
async def epoch(shop: Shop) -> int:
    async with unit_of_work(shop.system):
        found = await acquire_lease(shop.system, shop.channel.id, holder="test")
    assert found is not None
    return found


async def leaves(shop: Shop, epoch: int, **options: Any) -> list[str]:
    """The texts that the holder takes now, in order."""
    texts = []
    while True:
        async with unit_of_work(shop.system):
            message = await claim_outbox(shop.system, shop.channel.id, epoch=epoch, **options)
        if message is None:
            return texts
        texts.append(message.text)


async def write_first(shop: Shop, *phones: str, text: str = "Hola") -> list[Message]:
    written = []
    for phone in phones:
        async with unit_of_work(shop.alice):
            written.append(await send_to_phone(shop.alice, shop.channel.id, to=f"+{phone}", text=text))
    return written


async def say(shop: Shop, conversation_id: UUID, author: Author, *texts: str) -> None:
    async with unit_of_work(shop.system):
        conversation = await access_conversation(shop.system, conversation_id, lock=True)
        for text in texts:
            await add_outbound(conversation, author=author, text=text)


async def reread(shop: Shop, message: Message) -> Message:
    async with unit_of_work(shop.system):
        return await session().get_one(Message, message.id)


async def number(shop: Shop) -> Channel:
    async with unit_of_work(shop.system):
        return await access_channel(shop.system, shop.channel.id)


async def be_quiet_now(shop: Shop) -> datetime:
    """Quiet hours began an hour ago and end in one, which is returned."""
    here = ZoneInfo(shop.company.timezone)
    local = utcnow().astimezone(here).replace(second=0, microsecond=0)
    begin, end = local - timedelta(hours=1), local + timedelta(hours=1)
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, quiet_from=f"{begin:%H:%M}", quiet_until=f"{end:%H:%M}")
    return end


async def pause(shop: Shop, message: Message, *, code: str = "reachout_timelocked", until: datetime | None = None):
    async with unit_of_work(shop.system):
        await note_refusal(shop.system, shop.channel.id, message.conversation_id, code=code, until=until)


async def time_passes(shop: Shop) -> None:
    """What is held is due again."""
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL")


async def test_in_quiet_hours_a_stranger_waits_and_everybody_else_is_answered(shop: Shop, epoch: int):
    end = await be_quiet_now(shop)
    (first,) = await write_first(shop, BETO)
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "¡Hola Ana!")
    assert await leaves(shop, epoch) == ["¡Hola Ana!"]
    held = await reread(shop, first)
    assert (held.status, held.held_reason, held.held_until) == ("queued", "quiet_hours", end)


async def test_a_chat_waits_behind_its_held_message(shop: Shop, epoch: int):
    await be_quiet_now(shop)
    (first,) = await write_first(shop, BETO)
    assert await leaves(shop, epoch) == []
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, first.conversation_id, text="y otra cosa")
    await say(shop, first.conversation_id, Author.BOT, "Soy el bot")
    assert await leaves(shop, epoch) == []
    assert await leaves(shop, epoch, ready=[first.conversation_id]) == []
    async with unit_of_work(shop.system):
        assert await waiting_chats(shop.system, shop.channel.id) == [], "nobody is shown typing in it"


async def test_as_soon_as_the_stranger_writes_nothing_holds(shop: Shop, epoch: int):
    await be_quiet_now(shop)
    await write_first(shop, BETO)
    assert await leaves(shop, epoch) == []
    await shop.hears("¿quién sos?", phone=BETO)
    assert await leaves(shop, epoch) == ["Hola"]


async def test_when_its_time_has_come_it_leaves_by_itself(shop: Shop, epoch: int):
    await be_quiet_now(shop)
    (first,) = await write_first(shop, BETO)
    assert await leaves(shop, epoch) == []
    async with unit_of_work(shop.system):
        channel = await access_channel(shop.system, shop.channel.id, lock=True)
        channel.quiet_from = channel.quiet_until = None
    assert await leaves(shop, epoch) == []
    await time_passes(shop)
    assert await leaves(shop, epoch) == ["Hola"]
    left = await reread(shop, first)
    assert (left.status, left.held_until, left.held_reason) == ("sending", None, None)


async def test_other_settings_are_looked_at_at_once(shop: Shop, epoch: int):
    await be_quiet_now(shop)
    await write_first(shop, BETO)
    assert await leaves(shop, epoch) == []
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, quiet_from=None, quiet_until=None)
    assert await leaves(shop, epoch) == ["Hola"]


async def test_whatsapps_pause_holds_new_chats_only_and_lifts_by_itself(shop: Shop, epoch: int):
    refused, waiting = await write_first(shop, BETO, CARO)
    until = utcnow() + timedelta(hours=6)
    await pause(shop, refused, until=until)
    channel = await number(shop)
    assert (channel.new_chats_paused_until, channel.new_chats_paused_reason) == (until, "reachout_timelocked")
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "¡Hola Ana!")
    assert await leaves(shop, epoch) == ["¡Hola Ana!"]
    held = await reread(shop, waiting)
    assert (held.held_reason, held.held_until) == ("reachout_timelocked", until)
    async with unit_of_work(shop.system):
        (await access_channel(shop.system, shop.channel.id)).new_chats_paused_until = utcnow()
    await time_passes(shop)
    assert await leaves(shop, epoch) == ["Hola", "Hola"]


async def test_a_person_is_told_of_the_pause_at_once(shop: Shop, epoch: int):
    (refused,) = await write_first(shop, BETO)
    until = utcnow() + timedelta(hours=6)
    await pause(shop, refused, until=until)
    for write in (
        lambda: send_to_phone(shop.alice, shop.channel.id, to=f"+{CARO}", text="Hola"),
        lambda: send_message(shop.alice, refused.conversation_id, text="¿Hola?"),
    ):
        with pytest.raises(NewChatsPaused) as raised:
            async with unit_of_work(shop.alice):
                await write()
        assert raised.value.details["until"] == until
    assert "hasta" in error_text("es", raised.value)
    async with unit_of_work(shop.alice):
        assert await pause_in_chat(shop.alice, refused.conversation_id) == Pause(until, "reachout_timelocked")
    ana = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, ana, text="¡Hola Ana!")
        assert await pause_in_chat(shop.alice, ana) is None


@pytest.mark.parametrize(("code", "hours"), [("reachout_timelocked", 24), ("rate_limited", 1)])
async def test_without_a_time_the_pause_has_the_usual_length(shop: Shop, code: str, hours: int):
    (refused,) = await write_first(shop, BETO)
    await pause(shop, refused, code=code)
    until = (await number(shop)).new_chats_paused_until
    assert until is not None
    assert abs(until - utcnow() - timedelta(hours=hours)) < timedelta(minutes=1)


async def test_a_longer_pause_stays(shop: Shop):
    (refused,) = await write_first(shop, BETO)
    until = utcnow() + timedelta(days=6)
    await pause(shop, refused, until=until)
    await pause(shop, refused, code="rate_limited")
    channel = await number(shop)
    assert (channel.new_chats_paused_until, channel.new_chats_paused_reason) == (until, "reachout_timelocked")


async def test_what_says_nothing_about_strangers_pauses_nothing(shop: Shop):
    (refused,) = await write_first(shop, BETO)
    await pause(shop, refused, code="not_on_whatsapp")
    ana = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.alice):
        answer = await send_message(shop.alice, ana, text="¡Hola Ana!")
    await pause(shop, answer)
    assert (await number(shop)).new_chats_paused_until is None


async def test_a_young_number_writes_to_five_strangers_an_hour(shop: Shop, epoch: int):
    phones = [f"54911000001{n:02}" for n in range(7)]
    written = await write_first(shop, *phones)
    assert await leaves(shop, epoch, budgeted=True) == ["Hola"] * 5
    held = [await reread(shop, message) for message in written[5:]]
    assert {(message.status, message.held_reason) for message in held} == {("queued", "hourly_budget")}
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, written[0].conversation_id, text="¿Lo viste?")
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "¡Hola Ana!")
    assert sorted(await leaves(shop, epoch, budgeted=True)) == ["¡Hola Ana!", "¿Lo viste?"], "nobody new"
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET written_first_at = written_first_at - interval '1 hour'")
    await time_passes(shop)
    assert await leaves(shop, epoch, budgeted=True) == ["Hola", "Hola"]


async def test_where_no_budget_is_kept_none_holds(shop: Shop, epoch: int):
    await write_first(shop, *[f"54911000001{n:02}" for n in range(12)])
    assert len(await leaves(shop, epoch)) == 12


async def test_numbers_that_are_not_on_whatsapp_stop_first_messages(shop: Shop, epoch: int):
    await write_first(shop, *[f"54911000001{n:02}" for n in range(5)])
    for _ in range(5):
        async with unit_of_work(shop.system):
            message = await claim_outbox(shop.system, shop.channel.id, epoch=epoch, budgeted=True)
            assert message is not None
            await mark_failed(shop.system, message.id, epoch=epoch, error="not_on_whatsapp")
    (sixth,) = await write_first(shop, CARO)
    assert await leaves(shop, epoch, budgeted=True) == []
    assert (await reread(shop, sixth)).held_reason == "failures"
    channel = await number(shop)
    assert channel.new_chats_paused_reason == "failures"
    with pytest.raises(NewChatsPaused):
        await write_first(shop, BETO)


async def test_what_was_held_for_days_does_not_leave_any_more(shop: Shop, epoch: int):
    (first,) = await write_first(shop, BETO)
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET created_at = now() - interval '73 hours'")
    assert await leaves(shop, epoch) == []
    gone = await reread(shop, first)
    assert (gone.status, gone.error) == ("failed", "held_too_long")
    conversation = await shop.conversation(first.conversation_id)
    assert conversation.last_status == "failed"


async def test_the_bots_limit_holds_the_bot_and_nobody_else(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, hourly_limit=2)
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    await say(shop, ana, Author.BOT, "uno", "dos", "tres")
    assert await leaves(shop, epoch) == ["uno", "dos"]
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, beto, text="Soy Alice")
    assert await leaves(shop, epoch) == ["Soy Alice"]
    third = (await shop.messages(ana))[-1]
    assert (third.status, third.held_reason) == ("queued", "hourly_limit")
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, hourly_limit=3)
    assert await leaves(shop, epoch) == ["tres"]


async def test_a_person_never_waits_behind_what_is_limited(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, daily_limit=1)
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.SYSTEM, "uno", "dos")
    assert await leaves(shop, epoch) == ["uno"]
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, ana, text="Soy Alice")
    assert await leaves(shop, epoch) == ["dos", "Soy Alice"]


async def test_what_left_long_after_it_was_queued_counts_when_it_left(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, hourly_limit=1)
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "uno", "dos")
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET created_at = now() - interval '2 hours' WHERE author = 'bot'")
    assert await leaves(shop, epoch) == ["uno"]


async def test_the_number_is_as_old_as_its_phone(shop: Shop):
    """Another phone on the same number begins anew."""
    assert await _ages_after(shop, ["5491144440000", "5491144440000", "5491144449999"]) == [True, False, True]


async def _ages_after(shop: Shop, phones: Sequence[str]) -> list[bool]:
    """Whether each link began a new age."""
    fresh = []
    before = None
    for phone in phones:
        async with unit_of_work(shop.alice):
            attempt = (await begin_pairing(shop.alice, shop.channel.id)).attempt
            await complete_pairing(
                shop.alice, shop.channel.id, attempt=attempt, device_jid=f"{phone}:1@s.whatsapp.net", phone=phone,
                lid=None, push_name="",
            )  # fmt: skip
        now = (await number(shop)).first_linked_at
        fresh.append(now != before)
        before = now
    return fresh


async def test_who_was_written_to_first_is_remembered(shop: Shop, epoch: int):
    (first,) = await write_first(shop, BETO)
    await leaves(shop, epoch)
    async with unit_of_work(shop.system):
        conversation = await session().get_one(Conversation, first.conversation_id)
    assert conversation.written_first_at is not None
    ana = await shop.hears("hola", phone=ANA)
    assert (await shop.conversation(ana)).written_first_at is None
