"""What the governor holds back stays queued with its reason, and everything else of the number goes on."""

import asyncio
from collections.abc import Sequence
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from saasbot.domain.bots.edit import set_bot_enabled
from saasbot.domain.channels import acquire_lease, begin_pairing, claim_outbox, complete_pairing, mark_failed
from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.channel_settings import change_settings
from saasbot.domain.channels.governor import pause_after
from saasbot.domain.channels.holding import LATE_TASK, UNANSWERED_TASK, postpone
from saasbot.domain.channels.manage import update_channel
from saasbot.domain.channels.new_chats import NewChatsPaused, Pause, note_refusal, pause_in_chat
from saasbot.domain.channels.outbox import waiting_chats
from saasbot.domain.channels.outbox_drops import drop_queued_message
from saasbot.domain.channels.views import read_channels
from saasbot.domain.companies import profile
from saasbot.domain.inbox.access import access_conversation
from saasbot.domain.inbox.outbound import add_outbound
from saasbot.domain.inbox.ownership import hand_back, set_conversation_bot, take_over
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.i18n import error_text
from saasbot.jobs.channels import give_up_late, leave_unanswered
from saasbot.models import Author, Channel, Conversation, Message
from saasbot.models.table import utcnow
from saasbot.state.channel_rows import ChannelRow, channel_row
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


async def fail_all(shop: Shop, epoch: int) -> None:
    """Nobody of those to whom something leaves now is on WhatsApp."""
    while True:
        async with unit_of_work(shop.system):
            message = await claim_outbox(shop.system, shop.channel.id, epoch=epoch, budgeted=True)
            if message is None:
                return
            await mark_failed(shop.system, message.id, epoch=epoch, error="not_on_whatsapp")


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
        await note_refusal(shop.system, shop.channel.id, message.id, code=code, until=until)


async def time_passes(shop: Shop) -> None:
    """What is held is due again."""
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL")


async def an_hour_passes(shop: Shop) -> None:
    """The hour's budget is free again."""
    async with unit_of_work(shop.system):
        await sql("UPDATE conversation SET written_first_at = written_first_at - interval '1 hour'")


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


@pytest.mark.parametrize(
    ("code", "hours"), [("reachout_timelocked", 24), ("new_chats_capped", 24), ("rate_limited", 1)]
)
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
    await an_hour_passes(shop)
    await time_passes(shop)
    assert await leaves(shop, epoch, budgeted=True) == ["Hola", "Hola"]


async def test_where_no_budget_is_kept_none_holds(shop: Shop, epoch: int):
    await write_first(shop, *[f"54911000001{n:02}" for n in range(12)])
    assert len(await leaves(shop, epoch)) == 12


async def test_numbers_that_are_not_on_whatsapp_stop_first_messages(shop: Shop, epoch: int):
    await write_first(shop, *[f"54911000001{n:02}" for n in range(5)])
    await fail_all(shop, epoch)
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
    await say(shop, ana, Author.BOT, "uno", "dos")
    assert await leaves(shop, epoch) == ["uno", "dos"]
    await they_left(shop, timedelta(minutes=55))
    await say(shop, ana, Author.BOT, "tres")
    assert await leaves(shop, epoch) == []
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, beto, text="Soy Alice")
    assert await leaves(shop, epoch) == ["Soy Alice"]
    await late_ones_are_given_up(shop)
    third = (await shop.messages(ana))[-1]  # it leaves in five minutes
    assert (third.status, third.held_reason) == ("queued", "hourly_limit")
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, hourly_limit=3)
    assert await leaves(shop, epoch) == ["tres"]


async def test_what_the_limit_would_hold_for_long_goes_to_the_team(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, daily_limit=1)
    ana, beto, caro = [await shop.hears("hola", phone=phone) for phone in (ANA, BETO, CARO)]
    await say(shop, ana, Author.BOT, "uno")
    assert await leaves(shop, epoch) == ["uno"]
    await say(shop, beto, Author.BOT, "dos", "y tres")
    await say(shop, caro, Author.SYSTEM, "No atendemos llamadas")
    assert await leaves(shop, epoch) == []
    for _ in range(2):
        await late_ones_are_given_up(shop)
    assert await answered_by(shop, beto) == ("human", "open", None)
    _, two, three, line = await shop.messages(beto)
    assert [(m.status, m.error, m.held_until) for m in (two, three)] == [("failed", "limit_reached", None)] * 2
    assert (await shop.conversation(beto)).last_status == "failed"
    assert (line.type, line.payload["reason"]) == ("activity", "limit_reached")
    assert await answered_by(shop, ana) == await answered_by(shop, caro) == ("bot", "pending", None), "nothing is owed"
    *_, dropped = await shop.messages(caro)
    assert (dropped.status, dropped.error) == ("failed", "limit_reached")
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, daily_limit=None)
    assert await leaves(shop, epoch) == [], "nothing of it is sent the next day"


async def test_a_limit_that_has_room_again_meanwhile_takes_no_chat_from_the_bot(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, daily_limit=1)
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "uno", "dos")
    assert await leaves(shop, epoch) == ["uno"]
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, daily_limit=2)
    await late_ones_are_given_up(shop)
    assert await leaves(shop, epoch) == ["dos"]


async def test_the_owner_sees_until_when_the_limit_is_reached(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, hourly_limit=2, daily_limit=5)
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "uno")
    assert await leaves(shop, epoch) == ["uno"]
    assert (await card(shop)).limited == ""
    await say(shop, ana, Author.BOT, "dos", "tres")
    assert await leaves(shop, epoch) == ["dos"]
    await they_left(shop, timedelta(minutes=55))
    limited = (await card(shop)).limited
    assert limited.startswith("Se alcanzó el límite de mensajes automáticos hasta")
    _, first, *_ = await shop.messages(ana)
    async with unit_of_work(shop.alice):
        [view] = await read_channels(shop.alice, count_today=True)
    assert first.left_at and view.limited_until == first.left_at + timedelta(hours=1)
    await they_left(shop, timedelta(minutes=61))
    assert (await card(shop)).limited == ""


async def late_ones_are_given_up(shop: Shop) -> None:
    """What the worker does with the jobs that wait."""
    for arguments in await deferred(shop, LATE_TASK):
        await give_up_late(**arguments)


async def deferred(shop: Shop, task: str) -> list[dict[str, str]]:
    async with unit_of_work(shop.system):
        jobs = await sql("SELECT args FROM procrastinate_jobs WHERE task_name = :name", name=task)
    return list(jobs.scalars())


async def they_left(shop: Shop, ago: timedelta) -> None:
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET left_at = now() - :ago WHERE left_at IS NOT NULL", ago=ago)


async def answered_by(shop: Shop, conversation_id: UUID) -> tuple[str, str, UUID | None]:
    conversation = await shop.conversation(conversation_id)
    return conversation.handler, conversation.status, conversation.assignee_id


async def card(shop: Shop) -> ChannelRow:
    async with unit_of_work(shop.alice):
        [view] = await read_channels(shop.alice, count_today=True)
    return channel_row(view, "es", "UTC")


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
        await sql("UPDATE message SET created_at = now() - interval '90 minutes' WHERE author = 'bot'")
    assert await leaves(shop, epoch) == ["uno"]


async def test_the_number_is_as_old_as_its_phone(shop: Shop):
    """Another phone on the same number begins anew."""
    assert await _ages_after(shop, ["5491144440000", "5491144440000", "5491144449999"]) == [True, False, True]


async def test_another_phone_owes_nothing_for_the_one_before(shop: Shop, epoch: int):
    await link(shop, "5491144440000")
    refused, *_ = await write_first(shop, *[f"54911000001{n:02}" for n in range(5)])
    await fail_all(shop, epoch)
    await an_hour_passes(shop)
    (waiting,) = await write_first(shop, CARO)
    await pause(shop, refused, until=utcnow() + timedelta(days=6))
    assert await leaves(shop, epoch, budgeted=True) == []
    await link(shop, "5491144440000")
    assert await leaves(shop, epoch, budgeted=True) == [], "the same phone links again"
    assert (await reread(shop, waiting)).held_reason == "reachout_timelocked"
    await link(shop, "5491144449999")
    channel = await number(shop)
    assert (channel.new_chats_paused_until, channel.new_chats_paused_reason) == (None, None)
    assert await leaves(shop, epoch, budgeted=True) == ["Hola"]


async def link(shop: Shop, phone: str) -> None:
    async with unit_of_work(shop.alice):
        attempt = (await begin_pairing(shop.alice, shop.channel.id)).attempt
        await complete_pairing(
            shop.alice, shop.channel.id, attempt=attempt, device_jid=f"{phone}:1@s.whatsapp.net", phone=phone,
            lid=None, push_name="",
        )  # fmt: skip


async def _ages_after(shop: Shop, phones: Sequence[str]) -> list[bool]:
    """Whether each link began a new age."""
    fresh = []
    before = None
    for phone in phones:
        await link(shop, phone)
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


async def test_what_could_not_leave_for_three_days_does_not_leave_any_more(shop: Shop, epoch: int):
    ana = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.alice):
        answer = await send_message(shop.alice, ana, text="La lista de precios")
    for hours, became in ((1, ("queued", None)), (72, ("failed", "held_too_long"))):
        assert await leaves(shop, epoch) == ["La lista de precios"]
        async with unit_of_work(shop.system):
            await sql("UPDATE message SET created_at = created_at - CAST(:age AS interval)", age=timedelta(hours=hours))
            await postpone(shop.system, shop.channel.id, answer.id, epoch=epoch, reason="file_unreachable")
        now = await reread(shop, answer)
        assert (now.status, now.error) == became
        assert (await shop.conversation(ana)).last_status == now.status
        assert await leaves(shop, epoch) == [], "not before its time"
        await time_passes(shop)


async def test_a_persons_reply_does_not_wait_behind_what_it_has_overtaken(shop: Shop, epoch: int):
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "Una foto")
    assert await leaves(shop, epoch) == ["Una foto"]
    [photo] = [message for message in await shop.messages(ana) if message.author == Author.BOT]
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET created_at = created_at - interval '10 minutes' WHERE id = :id", id=photo.id)
        await postpone(shop.system, shop.channel.id, photo.id, epoch=epoch, reason="file_unreachable")
    assert await leaves(shop, epoch) == [], "it waits for its file"
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, ana, text="Soy Alice")
    assert await leaves(shop, epoch) == ["Soy Alice"]
    assert (await reread(shop, photo)).error == "person_took_over"


async def test_what_holds_many_leaves_alone_what_somebody_takes_back(shop: Shop, epoch: int):
    """The outbox has the chat and wants its messages; who takes one of them back has that one and wants the chat."""
    [first] = await write_first(shop, ANA)
    ana = first.conversation_id
    await be_quiet_now(shop)
    async with unit_of_work(shop.alice):
        second = await send_message(shop.alice, ana, text="¿Sigues ahí?")
    taken, elsewhere = asyncio.Event(), copy_context()

    async def take_back() -> None:
        async with unit_of_work(shop.alice):
            await sql("SELECT 1 FROM message WHERE id = :id FOR NO KEY UPDATE", id=second.id)
            taken.set()
            assert await drop_queued_message(shop.alice, ana, second.id, error="cancelled")

    async with unit_of_work(shop.system):
        await access_conversation(shop.system, ana, lock=True)
        taking = asyncio.create_task(take_back(), context=elsewhere)
        await taken.wait()
        async with asyncio.timeout(5):
            assert await claim_outbox(shop.system, shop.channel.id, epoch=epoch) is None
    await taking
    assert [(await reread(shop, message)).status for message in (first, second)] == ["queued", "failed"]


def test_trouble_that_lasts_is_asked_about_ever_more_seldom():
    pauses = [pause_after(timedelta(seconds=age)).total_seconds() for age in (0, 20, 200, 86_400)]
    assert pauses == [5, 10, 100, 300]


async def grow_old(shop: Shop, conversation_id: UUID, **span: float) -> None:
    """Messages were queued so much earlier; what holds them stays."""
    async with unit_of_work(shop.system):
        await sql(
            "UPDATE message SET created_at = created_at - CAST(:span AS interval) WHERE conversation_id = :id AND status = 'queued'",
            span=timedelta(**span),
            id=conversation_id,
        )


@pytest.mark.parametrize("author", [Author.BOT, Author.SYSTEM])
async def test_what_no_person_typed_does_not_leave_hours_later(shop: Shop, epoch: int, author: Author):
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    await say(shop, ana, author, "viejo")
    await grow_old(shop, ana, hours=2)
    await say(shop, beto, author, "de hace un rato")
    await grow_old(shop, beto, hours=1, minutes=59)
    assert await leaves(shop, epoch) == ["de hace un rato"]
    old = (await shop.messages(ana))[-1]
    assert (old.status, old.error) == ("failed", "answer_too_late")
    assert (await shop.conversation(ana)).last_status == "failed"
    for _ in range(2):
        for arguments in await deferred(shop, UNANSWERED_TASK):
            await leave_unanswered(**arguments)
    assert await answered_by(shop, beto) == ("bot", "pending", None)
    if author == Author.BOT:
        assert await answered_by(shop, ana) == ("human", "open", None), "its customer waits for a person"
        assert (await shop.messages(ana))[-1].payload["reason"] == "answer_too_late"
    else:
        assert await answered_by(shop, ana) == ("bot", "pending", None)


async def test_who_writes_again_is_answered_by_the_bot(shop: Shop, epoch: int):
    ana = await shop.hears("hola", phone=ANA)
    await say(shop, ana, Author.BOT, "viejo")
    await grow_old(shop, ana, hours=3)
    assert await leaves(shop, epoch) == []
    await shop.hears("¿y?", phone=ANA)
    for arguments in await deferred(shop, UNANSWERED_TASK):
        await leave_unanswered(**arguments)
    assert await answered_by(shop, ana) == ("bot", "pending", None)


async def test_what_a_person_typed_leaves_however_late(shop: Shop, epoch: int):
    ana = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.alice):
        await send_message(shop.alice, ana, text="Soy Alice")
    await grow_old(shop, ana, days=4)
    assert await leaves(shop, epoch) == ["Soy Alice"]


async def test_what_the_owners_limit_held_is_as_late_as_that_makes_it(shop: Shop, epoch: int):
    async with unit_of_work(shop.alice):
        await change_settings(shop.alice, shop.channel.id, daily_limit=1)
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    await say(shop, ana, Author.BOT, "uno", "dos")
    await say(shop, beto, Author.BOT, "tres")
    assert await leaves(shop, epoch) == ["uno"]
    for chat, held_until in ((ana, timedelta(hours=1)), (beto, timedelta(hours=2))):
        await grow_old(shop, chat, hours=23)
        async with unit_of_work(shop.system):
            await sql(
                "UPDATE message SET held_until = now() - CAST(:ago AS interval), left_at = left_at - interval '1 day' "
                "WHERE conversation_id = :id",
                ago=held_until,
                id=chat,
            )
    assert await leaves(shop, epoch) == ["dos"]
    assert (await shop.messages(beto))[-1].error == "answer_too_late"


async def switch_off(shop: Shop, conversation_id: UUID, switch: str) -> None:
    async with unit_of_work(shop.alice):
        if switch == "chat":
            await set_conversation_bot(shop.alice, conversation_id, enabled=False)
        elif switch == "number":
            await update_channel(shop.alice, shop.channel.id, bot_enabled=False)
        elif switch == "bot":
            await set_bot_enabled(shop.alice, shop.bot.id, enabled=False)
        else:
            await profile.set_bot_enabled(shop.alice, enabled=False)


@pytest.mark.parametrize("switch", ["chat", "number", "bot", "company"])
async def test_of_a_bot_that_was_switched_off_nothing_leaves_any_more(shop: Shop, epoch: int, switch: str):
    ana = await shop.hears("hola", phone=ANA)
    async with unit_of_work(shop.system):
        await sql(
            "UPDATE conversation SET status = 'pending', answered_seq = last_customer_seq"
        )  # the bot has answered
    await say(shop, ana, Author.BOT, "Soy el bot")
    await say(shop, ana, Author.SYSTEM, "No podemos atender llamadas.")
    await switch_off(shop, ana, switch)
    assert await leaves(shop, epoch) == ["No podemos atender llamadas."]
    dropped = next(message for message in await shop.messages(ana) if message.author == Author.BOT)
    assert (dropped.status, dropped.error) == ("failed", "bot_switched_off")
    assert (await shop.conversation(ana)).status == "open", "its customer waits for a person"


async def test_what_is_dropped_says_why_and_the_list_shows_it(shop: Shop, epoch: int):
    ana, beto = await shop.hears("hola", phone=ANA), await shop.hears("hola", phone=BETO)
    for chat in (ana, beto):
        await say(shop, chat, Author.BOT, "Soy el bot")
    await switch_off(shop, ana, "chat")
    async with unit_of_work(shop.alice):
        await set_conversation_bot(shop.alice, ana, enabled=True)
        await take_over(shop.alice, beto)
        await hand_back(shop.alice, beto)
    assert await leaves(shop, epoch) == []
    for chat, error in ((ana, "bot_switched_off"), (beto, "person_took_over")):
        dropped = next(message for message in await shop.messages(chat) if message.author == Author.BOT)
        assert (dropped.status, dropped.error) == ("failed", error)
        assert (await shop.conversation(chat)).last_status == "failed"
