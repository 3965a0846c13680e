"""A number that kills its process is found among those that share it, and stopped alone."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from saasbot.domain.channels import access_channel, add_channel, connect, disconnect
from saasbot.domain.inbox.send import send_message
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.models import Channel
from saasbot.wa_runtime import shard
from saasbot.wa_runtime.supervisor import Supervisor
from tests.fixtures.shops import Shop
from tests.fixtures.simulator import until
from tests.inbox.heard import hears, message

SECONDS = 60.0


@pytest.fixture
async def numbers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """Six linked numbers; the fourth is deadly."""
    made = []
    async with unit_of_work(shop.alice):
        for number in range(6):
            channel = await add_channel(shop.alice, kind="whatsapp", name=f"Tienda {number}")
            await connect(shop.alice, channel.id)
            channel.device_jid = f"549111111000{number}:1@s.whatsapp.net"
            made.append(channel.id)
    monkeypatch.setenv("DEADLY_CHANNEL", str(made[3]))
    monkeypatch.setattr(shard, "MODULE", "tests.wa_runtime.fragile_bridge")
    monkeypatch.setattr(shard, "FIRST_PAUSE_SECONDS", 0.01)
    return made


@pytest.fixture
async def supervisor(numbers: list[UUID]) -> AsyncIterator[Supervisor]:
    listener = Listener(db.app_dsn())
    running = Supervisor(listener)
    await listener.start()
    await running.start()
    yield running
    await running.stop()
    await listener.stop()


@pytest.fixture
async def in_hand(shop: Shop, numbers: list[UUID]) -> UUID:
    """A message that a holder of the deadly number took and never marked."""
    async with unit_of_work(shop.alice):
        channel = await access_channel(shop.alice, numbers[3])
    await hears(shop, message("Hola", wa_id="A"), channel=channel)
    async with unit_of_work(shop.alice):
        conversation_id = (await sql("SELECT id FROM conversation")).scalar_one()
        sent = await send_message(shop.alice, conversation_id, text="Buenas")
    async with unit_of_work(shop.alice):
        await sql("UPDATE message SET status = 'sending', sending_epoch = 7 WHERE id = :id", id=sent.id)
    return sent.id


async def test_the_number_that_kills_its_bridge_is_stopped_and_the_others_go_on(
    shop: Shop, numbers: list[UUID], in_hand: UUID, supervisor: Supervisor
):
    async def stopped() -> Channel | None:
        async with unit_of_work(shop.alice):
            channel = await access_channel(shop.alice, numbers[3])
        return channel if channel.status == "failed" else None

    assert (await until(stopped, "the deadly number stopped", SECONDS)).reason == "bridge_crashed"
    async with unit_of_work(shop.alice):
        status = (await sql("SELECT status FROM message WHERE id = :id", id=in_hand)).scalar_one()
    assert status == "unconfirmed", "nobody will hold the number who could say what became of it"

    async def others_held() -> bool:
        held = set().union(*supervisor.bridges.values())
        return held == set(numbers) - {numbers[3]}

    await until(others_held, "the others held", SECONDS)


async def test_a_stopped_number_leaves_its_bridge(shop: Shop, numbers: list[UUID], supervisor: Supervisor):
    async with unit_of_work(shop.alice):
        await disconnect(shop.alice, numbers[3])
        await disconnect(shop.alice, numbers[0])

    async def held() -> bool:
        return set().union(*supervisor.bridges.values()) == set(numbers) - {numbers[0], numbers[3]}

    await until(held, "the others held", SECONDS)


async def test_a_lost_bridge_is_told_to_the_owner(shop: Shop, numbers: list[UUID], supervisor: Supervisor):
    async def reasons() -> bool:
        async with unit_of_work(shop.alice):
            rows = (await sql("SELECT status, reason FROM channel")).all()
        return ("reconnecting", "bridge_restarting") in {tuple(row) for row in rows}

    await until(reasons, "a restarting bridge", SECONDS)
