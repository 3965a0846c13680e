"""A number that kills its process is found among those that share it, and stopped alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.channels import (
    access_channel,
    add_channel,
    claim_outbox,
    connect,
    delete_channel,
    disconnect,
    logout,
    state,
)
from saasbot.domain.channels.lease import acquire_lease, release_lease
from saasbot.domain.channels.outbox_marks import requeue
from saasbot.domain.channels.state import report_state
from saasbot.domain.inbox.send import send_message
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.events import Listener
from saasbot.models import Channel, ChannelStatus
from saasbot.models.table import utcnow
from saasbot.wa_runtime import shard
from saasbot.wa_runtime import supervisor as supervisor_module
from saasbot.wa_runtime.supervisor import Supervisor, _settle_left_in_hand
from saasbot.wa_runtime.transport import NumberRef
from saasbot.wa_runtime.unheld import report_unheld
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
        epoch = await acquire_lease(shop.alice, numbers[3], holder="another-machine/1/1")
        await sql(
            "UPDATE message SET status = 'sending', sending_epoch = :epoch WHERE id = :id", epoch=epoch, id=sent.id
        )
        await sql("UPDATE channel_lease SET expires_at = now() - interval '1 second'")
    return sent.id


@pytest.mark.parametrize("installed", ["0.5.2", "0.6.0"])
async def test_a_number_whose_client_was_too_old_comes_back_with_a_newer_one(
    shop: Shop, numbers: list[UUID], monkeypatch: pytest.MonkeyPatch, installed: str
):
    refused, stopped = numbers[0], numbers[1]
    monkeypatch.setattr(state, "client_version", lambda: "0.5.2")
    for place, number in enumerate((refused, stopped)):
        async with unit_of_work(shop.alice):
            await report_state(
                shop.alice,
                number,
                epoch=None,
                device_jid=f"549111111000{place}:1@s.whatsapp.net",
                status=ChannelStatus.FAILED,
                reason="client_outdated",
                ended=True,
            )
    async with unit_of_work(shop.alice):
        await disconnect(shop.alice, stopped)
    monkeypatch.setattr(supervisor_module, "client_version", lambda: installed)
    await Supervisor(Listener(db.app_dsn()))._resume_outdated()
    async with unit_of_work(shop.alice):
        found = [await access_channel(shop.alice, number) for number in (refused, stopped)]
    came_back = [(channel.desired, channel.status) for channel in found]
    of_refused = ("running", "starting") if installed == "0.6.0" else ("stopped", "failed")
    assert came_back == [of_refused, ("stopped", "closed")]


async def status_of(shop: Shop, id: UUID, table: str = "message") -> str:
    async with unit_of_work(shop.alice):
        return (await sql(f"SELECT status FROM {table} WHERE id = :id", id=id)).scalar_one()


async def test_the_number_that_kills_its_bridge_is_stopped_and_the_others_go_on(
    shop: Shop, numbers: list[UUID], in_hand: UUID, supervisor: Supervisor
):
    async def stopped() -> Channel | None:
        async with unit_of_work(shop.alice):
            channel = await access_channel(shop.alice, numbers[3])
        return channel if channel.status == "failed" else None

    assert (await until(stopped, "the deadly number stopped", SECONDS)).reason == "bridge_crashed"

    async def told() -> bool:
        return await status_of(shop, in_hand) == "unconfirmed"

    await until(told, "what was in hand told: nobody will hold the number who could say what became of it", SECONDS)

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


async def test_numbers_whose_bridge_has_lost_its_keeper_are_placed_anew(
    shop: Shop, numbers: list[UUID], supervisor: Supervisor
):
    async with unit_of_work(shop.alice):
        await disconnect(shop.alice, numbers[3])
    others = set(numbers) - {numbers[3]}

    async def held() -> dict[int, set[UUID]] | None:
        bridges = supervisor.bridges
        return bridges if set().union(*bridges.values()) == others else None

    before = await until(held, "the others held", SECONDS)
    for kept in supervisor._shards:
        kept._task.cancel()

    async def held_by_others() -> bool:
        now = await held()
        return now is not None and not now.keys() & before.keys()

    await until(held_by_others, "the others held anew", SECONDS)
    assert not [pid for pid in before if Path(f"/proc/{pid}").exists()]


async def test_the_crashes_of_a_number_that_has_left_are_not_held_against_the_one_left_alone(
    numbers: list[UUID], shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shard, "MODULE", "tests.wa_runtime.obedient_process")
    two = {number: NumberRef(shop.alice.company_id, number, "549:1@s.whatsapp.net") for number in numbers[2:4]}
    kept = shard.Shard(two, tmp_path, on_crash=lambda _: None, on_hopeless=lambda _: None)
    assert [kept._crashed_too_often() for _ in range(shard.CRASHES_TO_SUSPECT - 1)] == [False, False]
    kept.keep(dict(two))
    kept.keep({numbers[2]: two[numbers[2]]})
    assert not kept._crashed_too_often()
    await kept.end()


async def test_a_bridge_of_several_is_tried_in_halves_however_often_one_of_them_leaves(
    numbers: list[UUID], shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shard, "MODULE", "tests.wa_runtime.obedient_process")
    many = {number: NumberRef(shop.alice.company_id, number, "549:1@s.whatsapp.net") for number in numbers}
    kept = shard.Shard(many, tmp_path, on_crash=lambda _: None, on_hopeless=lambda _: None)
    hopeless = []
    for leaving in numbers[: shard.CRASHES_TO_SUSPECT]:
        hopeless.append(kept._crashed_too_often())
        kept.keep({number: ref for number, ref in kept.numbers.items() if number != leaving})
    assert hopeless == [False] * (shard.CRASHES_TO_SUSPECT - 1) + [True]
    await kept.end()


async def test_a_number_that_another_server_holds_is_not_stopped_by_a_bridge_that_died_waiting_for_it(
    shop: Shop, numbers: list[UUID], in_hand: UUID
):
    async with unit_of_work(shop.alice):
        epoch = await acquire_lease(shop.alice, numbers[3], holder="another-machine/1/1")
        await report_state(
            shop.alice,
            numbers[3],
            epoch=epoch,
            device_jid="5491111110003:1@s.whatsapp.net",
            status=ChannelStatus.OPEN,
        )
    waiting = Supervisor(Listener(db.app_dsn()))
    number = NumberRef(shop.alice.company_id, numbers[3], "5491111110003:1@s.whatsapp.net")
    await waiting._announce(number)
    await report_unheld(number, ChannelStatus.RECONNECTING, "bridge_restarting")
    await report_unheld(number, ChannelStatus.FAILED, "bridge_crashed", ended=True)
    async with unit_of_work(shop.alice):
        channel = await access_channel(shop.alice, numbers[3])
        assert (channel.status, channel.desired) == ("open", "running")
        assert (await sql("SELECT status FROM message WHERE id = :id", id=in_hand)).scalar_one() == "sending"


@pytest.mark.parametrize("leave", [disconnect, logout, delete_channel])
async def test_what_was_in_hand_is_told_when_the_number_is_stopped_before_anybody_holds_it_again(
    shop: Shop, numbers: list[UUID], in_hand: UUID, leave: Callable[[Actor, UUID], Awaitable[object]]
):
    await _settle_left_in_hand()
    assert await status_of(shop, in_hand) == "sending", "its next holder says so"
    async with unit_of_work(shop.alice):
        await sql(
            """
            INSERT INTO outgoing_act (id, created_at, company_id, channel_id, conversation_id, message_id, kind, text, status,
                sending_epoch)
            SELECT id, created_at, company_id, channel_id, conversation_id, id, 'reaction', '👍', 'sending', sending_epoch
            FROM message WHERE id = :id
            """,
            id=in_hand,
        )
        await leave(shop.alice, numbers[3])
    await _settle_left_in_hand()
    for table in ("message", "outgoing_act"):
        assert await status_of(shop, in_hand, table) == "unconfirmed"


async def test_what_its_holder_puts_back_into_the_outbox_of_a_deleted_number_fails(
    shop: Shop, numbers: list[UUID], in_hand: UUID
):
    async with unit_of_work(shop.alice):
        epoch = await acquire_lease(shop.alice, numbers[3], holder="another-machine/1/2")
        assert epoch is not None
        await sql("UPDATE message SET sending_epoch = :epoch WHERE id = :id", epoch=epoch, id=in_hand)
        await delete_channel(shop.alice, numbers[3])
    async with unit_of_work(shop.alice):
        await requeue(shop.alice, in_hand, epoch=epoch)
    await _settle_left_in_hand()
    assert await status_of(shop, in_hand) == "queued", "somebody holds the number still"
    async with unit_of_work(shop.alice):
        await release_lease(shop.alice, numbers[3], epoch=epoch)
    await _settle_left_in_hand()
    async with unit_of_work(shop.alice):
        [message] = (await sql("SELECT status, error FROM message WHERE id = :id", id=in_hand)).all()
    assert (message.status, message.error) == ("failed", "number_deleted")


async def test_what_a_stopped_number_has_in_hand_is_its_holders_to_tell(shop: Shop, numbers: list[UUID], in_hand: UUID):
    async with unit_of_work(shop.alice):
        await acquire_lease(shop.alice, numbers[3], holder="another-machine/1/2")
        await disconnect(shop.alice, numbers[3])
    await _settle_left_in_hand()
    assert await status_of(shop, in_hand) == "sending"


async def test_what_was_in_hand_of_a_simulated_number_is_told_too(shop: Shop):
    conversation_id = await shop.hears("Hola")
    async with unit_of_work(shop.alice):
        sent = await send_message(shop.alice, conversation_id, text="Buenas")
        epoch = await acquire_lease(shop.alice, shop.channel.id, holder="another-machine/1/1")
        assert epoch is not None
        assert await claim_outbox(shop.alice, shop.channel.id, epoch=epoch) is not None
        await release_lease(shop.alice, shop.channel.id, epoch=epoch)
        await disconnect(shop.alice, shop.channel.id)
    await _settle_left_in_hand()
    assert await status_of(shop, sent.id) == "unconfirmed"


async def _banned(shop: Shop, channel_id: UUID, until_then: datetime) -> None:
    async with unit_of_work(shop.alice):
        assert await report_state(
            shop.alice,
            channel_id,
            epoch=None,
            device_jid=(await access_channel(shop.alice, channel_id)).device_jid,
            status=ChannelStatus.BANNED,
            reason="temporarily_banned",
            retry_at=until_then,
        )


async def test_a_number_that_whatsapp_has_blocked_for_a_while_is_held_again_when_that_is_over(
    shop: Shop, numbers: list[UUID], supervisor: Supervisor
):
    blocked = numbers[0]
    async with unit_of_work(shop.alice):
        await disconnect(shop.alice, numbers[3])

    def held(expected: set[UUID]) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return set().union(*supervisor.bridges.values()) == expected

        return holds

    all_of_them = set(numbers) - {numbers[3]}
    await until(held(all_of_them), "all held", SECONDS)
    await _banned(shop, blocked, utcnow() + timedelta(hours=3))
    await until(held(all_of_them - {blocked}), "the blocked one let go of", SECONDS)
    async with unit_of_work(shop.alice):
        channel = await access_channel(shop.alice, blocked)
        assert (channel.status, channel.desired) == ("banned", "running")
        channel.retry_at = utcnow()
    await until(held(all_of_them), "all held anew", SECONDS)
    async with unit_of_work(shop.alice):
        assert (await access_channel(shop.alice, blocked)).status == "starting"


async def test_a_restart_does_not_forget_until_when_a_number_is_blocked(shop: Shop, numbers: list[UUID]):
    blocked, until_then = numbers[0], utcnow() + timedelta(hours=3)
    await _banned(shop, blocked, until_then)
    restarted = Supervisor(Listener(db.app_dsn()))
    await restarted._reconcile()
    placed = {channel_id for shard in restarted._shards for channel_id in shard.numbers}
    await report_unheld(
        NumberRef(shop.alice.company_id, blocked, "5491111110000:1@s.whatsapp.net"),
        ChannelStatus.RECONNECTING,
        "bridge_restarting",
    )
    await restarted.stop()
    assert placed == set(numbers) - {blocked}
    async with unit_of_work(shop.alice):
        channel = await access_channel(shop.alice, blocked)
        assert (channel.status, channel.reason, channel.retry_at) == ("banned", "temporarily_banned", until_then)


async def test_a_lost_bridge_is_told_to_the_owner(shop: Shop, numbers: list[UUID], supervisor: Supervisor):
    async def reasons() -> bool:
        async with unit_of_work(shop.alice):
            rows = (await sql("SELECT status, reason FROM channel")).all()
        return ("reconnecting", "bridge_restarting") in {tuple(row) for row in rows}

    await until(reasons, "a restarting bridge", SECONDS)
