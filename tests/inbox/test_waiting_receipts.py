"""Ticks that wait for a message: of our reactions, edits and deletions none ever comes."""

import asyncio
from datetime import timedelta
from uuid import UUID

from saasbot.domain.channels.lease import acquire_lease
from saasbot.domain.channels.outbox import claim_outbox
from saasbot.domain.channels.outbox_marks import mark_sent
from saasbot.domain.inbox.incoming import IncomingReceipt
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.domain.inbox.send import send_message
from saasbot.infra.db import sql, unit_of_work
from saasbot.jobs.channels import apply_receipts_left, forget_receipts
from saasbot.models import MessageStatus
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop
from tests.inbox.heard import rows


async def ticked(shop: Shop, wa_id: str, *, days: int) -> None:
    """A tick of so many days ago, for what is no message here."""
    at = utcnow() - timedelta(days=days)
    async with unit_of_work(shop.system):
        await apply_receipts(shop.system, shop.channel.id, [IncomingReceipt((wa_id,), MessageStatus.READ, at)])


async def waiting(shop: Shop) -> list[str]:
    async with unit_of_work(shop.system):
        return list((await sql("SELECT wa_id FROM waiting_receipt ORDER BY wa_id")).scalars())


async def test_ticks_that_no_message_will_come_for_are_forgotten_in_every_company(shop: Shop, other_shop: Shop) -> None:
    for place in (shop, other_shop):
        await ticked(place, "REACTION", days=31)
        await ticked(place, "STILL-COMING", days=29)
    await forget_receipts(0)
    assert await waiting(shop) == ["STILL-COMING"]
    assert await waiting(other_shop) == ["STILL-COMING"]
    await forget_receipts(0)
    assert await waiting(shop) == ["STILL-COMING"]


async def test_a_tick_and_its_message_written_at_the_same_instant_find_each_other(shop: Shop, other_shop: Shop) -> None:
    for place in (shop, other_shop):
        conversation_id = await place.hears("Hola")
        async with unit_of_work(place.alice):
            sent = await send_message(place.alice, conversation_id, text="Buenas")
        async with unit_of_work(place.system):
            epoch = await acquire_lease(place.system, place.channel.id, holder="one")
            assert epoch is not None
            assert await claim_outbox(place.system, place.channel.id, epoch=epoch) is not None
        told, marked = asyncio.Event(), asyncio.Event()

        async def mark(place: Shop, message_id: UUID, epoch: int, told: asyncio.Event, marked: asyncio.Event) -> None:
            await told.wait()
            async with unit_of_work(place.system):
                await mark_sent(
                    place.system, place.channel.id, message_id, epoch=epoch, wa_id="OURS", at=utcnow(), chat_jid=""
                )
            marked.set()

        async def tick(place: Shop, told: asyncio.Event, marked: asyncio.Event) -> None:
            async with unit_of_work(place.system):
                receipt = IncomingReceipt(("OURS",), MessageStatus.DELIVERED, utcnow())
                await apply_receipts(place.system, place.channel.id, [receipt])
                told.set()
                await marked.wait()

        await asyncio.gather(mark(place, sent.id, epoch, told, marked), tick(place, told, marked))
        assert (await place.messages(conversation_id))[-1].status == "sent"
    await ticked(shop, "REACTION", days=1)
    await apply_receipts_left(0)
    for place in (shop, other_shop):
        (row,) = [row for row in await rows(place, "message") if row["wa_id"] == "OURS"]
        assert (row["status"], row["delivered_at"] is not None) == ("delivered", True)
        assert [row["last_status"] for row in await rows(place, "conversation")] == ["delivered"]
    assert (await waiting(shop), await waiting(other_shop)) == (["REACTION"], [])
