"""Ticks that wait for a message: of our reactions, edits and deletions none ever comes."""

from datetime import timedelta

from saasbot.domain.inbox.incoming import IncomingReceipt
from saasbot.domain.inbox.receipts import apply_receipts
from saasbot.infra.db import sql, unit_of_work
from saasbot.jobs.channels import forget_receipts
from saasbot.models import MessageStatus
from saasbot.models.table import utcnow
from tests.fixtures.shops import Shop


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
