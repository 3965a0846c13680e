"""A phone's history as the unmodified library hands it over, from the wire to the inbox (the wire lab)."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from saasbot.domain.history.choose import choose_history
from saasbot.domain.media.pending import fetch_again
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.models import ChannelHistory, Media
from saasbot.models.table import utcnow
from saasbot.wa_runtime.protobufs import MessageKey, WebMessage, e2e, history
from tests.fixtures.simulator import until
from tests.fixtures.wire import RealNumbers
from tests.wa_runtime.conftest import Customer


def said(wa_id: str, body: e2e.Message, at: datetime, *, from_me: bool = False) -> history.HistorySyncMsg:
    return history.HistorySyncMsg(
        message=WebMessage(
            key=MessageKey(remoteJID="x", fromMe=from_me, ID=wa_id),
            message=body,
            messageTimestamp=int(at.timestamp()),
            status=WebMessage.READ if from_me else WebMessage.DELIVERY_ACK,
        )
    )


def part(*conversations: history.Conversation, percent: int = 100) -> bytes:
    return history.HistorySync(
        syncType=history.HistorySync.RECENT, conversations=conversations, chunkOrder=1, progress=percent
    ).SerializeToString()


async def want(numbers: RealNumbers, channel_id: UUID, days: int) -> None:
    async with unit_of_work(numbers.shop.alice):
        await choose_history(numbers.shop.alice, channel_id, days=days)


async def test_a_phone_hands_its_history_over(real_numbers: RealNumbers, customer: Customer):
    channel_id = await real_numbers.add()
    await want(real_numbers, channel_id, 30)
    phone = await real_numbers.link(channel_id)
    now = utcnow()
    picture = e2e.ImageMessage(
        URL="https://mmg.whatsapp.net/v/old.enc",
        directPath="/v/old.enc",
        mediaKey=b"\3" * 32,
        fileEncSHA256=b"\2" * 32,
        fileSHA256=b"\1" * 32,
        fileLength=9,
        mimetype="image/jpeg",
        caption="La foto",
    )
    chat = history.Conversation(
        ID=customer.chat, name="Ana de la agenda", pnJID=f"{customer.sender}@s.whatsapp.net", lidJID=customer.chat
    )
    chat.messages.extend(
        [
            said("OLD4", e2e.Message(imageMessage=picture), now - timedelta(days=1)),
            said("OLD3", e2e.Message(conversation="Quedan dos"), now - timedelta(days=2), from_me=True),
            said("OLD2", e2e.Message(conversation="¿Hay en 42?"), now - timedelta(days=3)),
            said("OLD1", e2e.Message(conversation="de hace mucho"), now - timedelta(days=31)),
        ]
    )
    group = history.Conversation(ID="120363000000000001@g.us", name="Familia")
    group.messages.extend([said("GROUP1", e2e.Message(conversation="hola a todos"), now)])
    await real_numbers.lab.hand_over(part(chat, group), phone=phone, lid=f"99{phone}")

    newest = await real_numbers.message("OLD4")
    messages = await real_numbers.messages()
    assert [(m.wa_id, m.author, m.text) for m in messages] == [
        ("OLD2", "customer", "¿Hay en 42?"),
        ("OLD3", "phone", "Quedan dos"),
        ("OLD4", "customer", "La foto"),
    ]
    assert messages[0].sort_at == (now - timedelta(days=3)).replace(microsecond=0)
    conversation = await real_numbers.conversation(customer.sender)
    assert (conversation.unread, conversation.last_preview) == (0, "📷 La foto")
    async with unit_of_work(real_numbers.shop.alice):
        media = await session().get_one(Media, newest.media_id)
        name = (await sql("SELECT name FROM contact WHERE id = :id", id=conversation.contact_id)).scalar_one()
    assert (media.status, media.error, media.mime) == ("failed", "older_media", "image/jpeg")
    assert name == "Ana de la agenda"

    async with unit_of_work(real_numbers.shop.bob):
        await fetch_again(real_numbers.shop.bob, conversation.id, newest.id)

    async def answered() -> str | None:
        async with unit_of_work(real_numbers.shop.alice):
            asked = await session().get_one(Media, media.id)
            return asked.error if asked.status == "failed" else None

    assert await until(answered, "what WhatsApp says of the file") == "media_expired"

    live = await real_numbers.lab.deliver("¿y en 43?", phone=phone, push="Ana", **vars(customer))
    assert (await real_numbers.message(live)).conversation_id == conversation.id


async def test_without_days_nothing_of_it_is_kept(real_numbers: RealNumbers, customer: Customer):
    channel_id = await real_numbers.add()
    phone = await real_numbers.link(channel_id)
    chat = history.Conversation(ID=customer.chat)
    chat.messages.extend([said("OLD1", e2e.Message(conversation="secreto de ayer"), utcnow() - timedelta(days=1))])
    await real_numbers.lab.hand_over(part(chat), phone=phone, lid=f"99{phone}")
    await real_numbers.message(await real_numbers.lab.deliver("hoy", phone=phone, **vars(customer)))
    async with unit_of_work(real_numbers.shop.alice):
        assert (await sql("SELECT count(*) FROM history_chunk")).scalar_one() == 0
        assert (await sql("SELECT count(*) FROM wa_event WHERE raw LIKE '%HISTORY%'::bytea")).scalar_one() == 0
        assert (await sql("SELECT count(*) FROM message")).scalar_one() == 1


async def test_a_live_message_passes_a_history_of_megabytes(real_numbers: RealNumbers, customer: Customer):
    channel_id = await real_numbers.add()
    await want(real_numbers, channel_id, 90)
    phone = await real_numbers.link(channel_id)
    now = utcnow()
    chats = []
    for place in range(60):
        lid = f"77{phone}{place:02}"
        chat = history.Conversation(ID=f"{lid}@lid")
        chat.messages.extend(
            said(f"BIG{place}-{n}", e2e.Message(conversation=f"{n} " + "palabra " * 60), now - timedelta(minutes=n))
            for n in range(100)
        )
        chats.append(chat)
    big = part(*chats)
    assert len(big) > 3_000_000
    await real_numbers.lab.hand_over(big, phone=phone, lid=f"99{phone}")

    async def progress() -> ChannelHistory | None:
        async with unit_of_work(real_numbers.shop.alice):
            return await session().get(ChannelHistory, channel_id)

    await until(progress, "the first of the history", 60)
    began = time.monotonic()
    await real_numbers.message(await real_numbers.lab.deliver("¿hola?", phone=phone, **vars(customer)))
    waited = time.monotonic() - began
    running = await progress()
    assert running is not None and running.finished_at is None, "the history was over before anybody wrote"
    assert waited < 15, waited

    async def complete() -> ChannelHistory | None:
        found = await progress()
        return found if found is not None and found.finished_at is not None else None

    done = await until(complete, "a complete history", 120)
    assert (done.messages, done.chats) == (6000, 60)
