"""The first message to a phone number: WhatsApp says how it knows the number, and to that chat it goes."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from saasbot.domain.channels.access import access_channel
from saasbot.domain.channels.pairing import digits_of_phone
from saasbot.domain.inbox.identities import Address, resolve_contacts
from saasbot.domain.inbox.send import send_message, send_to_phone
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.models import ChannelStatus, Message
from saasbot.wa_runtime.transport import NotConnected, SendDelayed, SendRefused, StateChange
from tests.fixtures.numbers import until
from tests.fixtures.shops import Shop
from tests.inbox.heard import hears, message, rows
from tests.wa_runtime.test_number import running, status_of

TYPED, REAL = "5541987654321", "554187654321"
"""Curitiba: people write the ninth digit, WhatsApp knows the number without it."""
LID = "123456789012345"


async def write(shop: Shop, text: str = "Hola", *, to: str = TYPED) -> UUID:
    async with unit_of_work(shop.bob):
        return (await send_to_phone(shop.bob, shop.channel.id, to=to, text=text)).id


async def reached(shop: Shop, message_id: UUID, status: str) -> None:
    async def holds() -> bool:
        return (await status_of(shop.bob, message_id))[0] == status

    await until(holds)


async def phones(shop: Shop) -> set[str]:
    return {row["value"] for row in await rows(shop, "contact_identity") if row["kind"] == "phone"}


async def test_it_goes_to_the_number_as_whatsapp_knows_it(shop: Shop, tmp_path: Path) -> None:
    async with running(shop.channel, tmp_path) as number:
        number.transport.known_as[TYPED] = REAL
        first = await write(shop)
        await reached(shop, first, "sent")
        second = await write(shop, "¿Sigues ahí?")
        await reached(shop, second, "sent")
        assert [sent.chat_jid for sent in number.transport.sent] == [f"{REAL}@s.whatsapp.net"] * 2
        assert number.transport.looked_up == [TYPED]
    (conversation,) = await rows(shop, "conversation")
    assert conversation["chat_jid"] == f"{REAL}@s.whatsapp.net"
    assert await phones(shop) == {TYPED, REAL}


async def test_both_forms_lead_to_one_conversation(shop: Shop, tmp_path: Path) -> None:
    async with running(shop.channel, tmp_path) as number:
        number.transport.known_as[TYPED] = REAL
        await reached(shop, await write(shop), "sent")
        await hears(shop, message("¡Hola!", wa_id="IN", phone=REAL, lid=LID))
        await reached(shop, await write(shop, "otra", to=REAL), "sent")
        assert number.transport.looked_up == [TYPED]
        assert number.transport.sent[-1].chat_jid == f"{LID}@lid"
    assert len(await rows(shop, "conversation")) == 1
    assert len(await rows(shop, "contact")) == 1


async def test_somebody_who_has_written_from_the_other_form_is_found(shop: Shop, tmp_path: Path) -> None:
    """The number was off when the team wrote, and the customer wrote meanwhile: one conversation, and the message in it."""
    await hears(shop, message("Buenas", wa_id="IN", phone=REAL, lid=LID))
    queued = await write(shop)
    assert len(await rows(shop, "conversation")) == 2
    async with running(shop.channel, tmp_path, known_as={TYPED: REAL}) as number:
        await reached(shop, queued, "sent")
        assert [sent.chat_jid for sent in number.transport.sent] == [f"{LID}@lid"]
    (conversation,) = await rows(shop, "conversation")
    assert conversation["handler"] == "human"
    assert {row["text"] for row in await rows(shop, "message") if row["type"] == "text"} == {"Buenas", "Hola"}


async def test_a_number_that_is_not_on_whatsapp_is_told_and_nothing_is_sent(shop: Shop, tmp_path: Path) -> None:
    async with running(shop.channel, tmp_path) as number:
        number.transport.lookup_failure = SendRefused("not_on_whatsapp")
        refused = await write(shop)
        await reached(shop, refused, "failed")
        assert number.transport.sent == []
    assert await status_of(shop.bob, refused) == ("failed", "not_on_whatsapp")


async def test_without_an_answer_it_waits(shop: Shop, tmp_path: Path) -> None:
    async with running(shop.channel, tmp_path) as number:
        number.transport.lookup_failure = NotConnected()
        waiting = await write(shop)
        await until(lambda: _asked(number.transport.looked_up))
        await reached(shop, waiting, "queued")
        assert number.transport.sent == []
        number.transport.lookup_failure = None
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))  # the connection is back
        await reached(shop, waiting, "sent")


async def _asked(looked_up: list[Any]) -> bool:
    return bool(looked_up)


async def test_who_has_written_is_not_asked_about(shop: Shop, tmp_path: Path) -> None:
    await hears(shop, message("Hola", wa_id="IN", phone=REAL))
    async with running(shop.channel, tmp_path) as number:
        await reached(shop, await write(shop, to=REAL), "sent")
        assert number.transport.looked_up == []


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+54 11 15 1234 5678", "5491112345678"),
        ("+54 9 11 1234-5678", "5491112345678"),
        ("+52 1 55 1234 5678", "525512345678"),
        ("5215512345678", "525512345678"),
        ("+55 (41) 98765-4321", "5541987654321"),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, digits: str) -> None:
    assert digits_of_phone(written) == digits


async def held_for(shop: Shop, message_id: UUID) -> str | None:
    async with unit_of_work(shop.bob):
        return (await session().get_one(Message, message_id)).held_reason


async def be_due(shop: Shop) -> None:
    async with unit_of_work(shop.system):
        await sql("UPDATE message SET held_until = clock_timestamp() WHERE held_until IS NOT NULL")


async def test_while_whatsapp_does_not_answer_about_a_number_all_other_chats_go_on(shop: Shop, tmp_path: Path) -> None:
    ana = await shop.hears("hola")
    async with running(shop.channel, tmp_path) as number:
        number.transport.lookup_failure = SendDelayed("no answer")
        waiting = await write(shop)
        another = await write(shop, to="5541987650000")
        async with unit_of_work(shop.bob):
            reply = await send_message(shop.bob, ana, text="¡Hola Ana!")
        await reached(shop, reply.id, "sent")
        for message_id in (waiting, another):
            assert (await status_of(shop.bob, message_id), await held_for(shop, message_id)) == (
                ("queued", None),
                "no_answer",
            )
        assert number.transport.looked_up == [TYPED], "who is silent is not asked about everybody"
        number.transport.lookup_failure = None
        await be_due(shop)
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))
        await reached(shop, waiting, "sent")
        await reached(shop, another, "sent")


async def test_where_whatsapp_rations_questions_new_chats_pause_and_nothing_is_lost(shop: Shop, tmp_path: Path) -> None:
    ana = await shop.hears("hola")
    async with running(shop.channel, tmp_path) as number:
        number.transport.lookup_failure = SendRefused("rate_limited")
        waiting = await write(shop)

        async def paused() -> bool:
            async with unit_of_work(shop.system):
                return (await access_channel(shop.system, shop.channel.id)).new_chats_paused_reason == "rate_limited"

        await until(paused)
        async with unit_of_work(shop.bob):
            reply = await send_message(shop.bob, ana, text="¡Hola Ana!")
        await reached(shop, reply.id, "sent")
        assert (await status_of(shop.bob, waiting))[0] == "queued"
        await be_due(shop)
        number.transport.wiring.on_state(StateChange(ChannelStatus.OPEN))

        async def rests() -> bool:
            return await held_for(shop, waiting) == "rate_limited"

        await until(rests)
        assert number.transport.looked_up == [TYPED], "nobody asks again before the pause is over"


@pytest.mark.parametrize(("asking", "status"), [(True, "queued"), (False, "failed")])
async def test_a_refusal_counts_in_the_chat_where_its_message_is_by_then(
    shop: Shop, tmp_path: Path, asking: bool, status: str
) -> None:
    """Its person was joined with one known for longer while it was on its way: the chat that it was taken from is no more."""

    async def join() -> None:
        async with unit_of_work(shop.system):
            await resolve_contacts(shop.system, [Address(REAL, None, also=TYPED)])

    async def paused() -> bool:
        async with unit_of_work(shop.system):
            return (await access_channel(shop.system, shop.channel.id)).new_chats_paused_reason == "rate_limited"

    async with running(shop.channel, tmp_path) as number:
        await reached(shop, await write(shop, to=REAL), "sent")
        if asking:
            number.transport.lookup_failure = SendRefused("rate_limited")
        else:
            number.transport.failure = SendRefused("rate_limited")
        number.transport.before_failure = join
        refused = await write(shop)
        await until(paused)
        assert (await status_of(shop.bob, refused))[0] == status
        assert len(number.host.held) == 1, "the number goes on"
    assert len(await rows(shop, "conversation")) == 1
