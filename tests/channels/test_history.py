"""What became of a number is kept, once, and no more of it than is read; its facts are those that its holder wrote."""

import os
from datetime import timedelta

import pytest

from saasbot.domain import channels
from saasbot.domain.actor import Actor
from saasbot.domain.channels.acks import AckMeter
from saasbot.domain.channels.facts import ChannelFacts, read_facts
from saasbot.domain.channels.gaps import begin_gap, end_gap
from saasbot.domain.channels.history import KEPT, Change, read_changes
from saasbot.domain.channels.lease import acquire_lease, renew_lease
from saasbot.domain.channels.state import report_state, set_state
from saasbot.infra import process_identity
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.models import Channel, ChannelStatus, GapCause
from saasbot.models.table import utcnow
from tests.fixtures.numbers import simulator_channel


async def changes(actor: Actor, channel: Channel, **page: int) -> list[Change]:
    async with unit_of_work(actor):
        return await read_changes(actor, channel.id, **page)


async def facts(actor: Actor, channel: Channel) -> ChannelFacts:
    async with unit_of_work(actor):
        return await read_facts(actor, channel.id)


async def report(actor: Actor, channel: Channel, status: ChannelStatus, reason: str | None = None) -> None:
    async with unit_of_work(actor):
        await report_state(actor, channel.id, epoch=None, device_jid=None, status=status, reason=reason)


async def test_each_change_is_kept_once_and_read_newest_first(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await channels.connect(alice, channel.id)
        await channels.connect(alice, channel.id)
    for _ in range(2):
        await report(alice, channel, ChannelStatus.OPEN)
    await report(alice, channel, ChannelStatus.RECONNECTING, "connection_lost")
    await report(alice, channel, ChannelStatus.RECONNECTING, "network_unreachable")
    assert [(change.status, change.reason) for change in await changes(alice, channel)] == [
        ("reconnecting", "network_unreachable"),
        ("reconnecting", "connection_lost"),
        ("open", None),
        ("starting", None),
    ]


async def test_another_moment_of_the_next_try_is_no_change(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        locked = await channels.access_channel(alice, channel.id, lock=True)
        assert set_state(locked, ChannelStatus.RECONNECTING, "network_unreachable", retry_at=utcnow())
        assert set_state(locked, ChannelStatus.RECONNECTING, "network_unreachable", retry_at=utcnow())
        since = locked.since
    [change] = await changes(alice, channel)
    assert change.at == since


async def test_what_is_rolled_back_did_not_happen(alice: Actor):
    channel = await simulator_channel(alice)
    with pytest.raises(ZeroDivisionError):
        async with unit_of_work(alice):
            await channels.connect(alice, channel.id)
            raise ZeroDivisionError
    assert await changes(alice, channel) == []


async def test_only_the_newest_of_each_number_are_kept(alice: Actor):
    flapping, calm = await simulator_channel(alice), await simulator_channel(alice, "Depósito")
    await report(alice, calm, ChannelStatus.CLOSED, "stopped_by_user")
    async with unit_of_work(alice):
        await channels.connect(alice, calm.id)
        locked = await channels.access_channel(alice, flapping.id, lock=True)
        for number in range(KEPT + 20):
            set_state(locked, ChannelStatus.RECONNECTING, f"reason_{number}")
    async with unit_of_work(alice):
        locked = await channels.access_channel(alice, flapping.id, lock=True)
        set_state(locked, ChannelStatus.FAILED, "bridge_crashed")
        await channels.disconnect(alice, calm.id)
    kept = await changes(alice, flapping, limit=1000)
    assert len(kept) == KEPT
    assert (kept[0].reason, kept[-1].reason) == ("bridge_crashed", "reason_21")
    assert len(await changes(alice, calm)) == 2


async def test_the_history_is_read_page_by_page(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        locked = await channels.access_channel(alice, channel.id, lock=True)
        for number in range(5):
            set_state(locked, ChannelStatus.RECONNECTING, str(number))
    first = await changes(alice, channel, limit=3)
    rest = await changes(alice, channel, before=first[-1].id, limit=3)
    assert [change.reason for change in first + rest] == ["4", "3", "2", "1", "0"]


async def test_another_company_sees_neither_history_nor_facts(alice: Actor, mallory: Actor):
    channel = await simulator_channel(alice)
    await report(alice, channel, ChannelStatus.CLOSED)
    async with unit_of_work(alice):
        await channels.connect(alice, channel.id)
    for read in (read_changes, read_facts):
        with pytest.raises(NotFound):
            async with unit_of_work(mallory):
                await read(mallory, channel.id)
    async with unit_of_work(mallory):
        assert (await sql("SELECT count(*) FROM channel_change")).scalar_one() == 0


async def test_a_number_that_nobody_held_has_few_facts(alice: Actor):
    channel = await simulator_channel(alice)
    found = await facts(alice, channel)
    assert (found.held, found.pid, found.epoch, found.seen_at, found.queued) == (False, None, 0, None, 0)


async def test_the_last_time_in_which_messages_may_have_been_lost_is_a_fact(alice: Actor):
    channel = await simulator_channel(alice)
    assert (await facts(alice, channel)).gap_began_at is None
    began = utcnow() - timedelta(minutes=30)
    async with unit_of_work(alice):
        await begin_gap(alice, channel.id, cause=GapCause.DEAF, at=began)
    found = await facts(alice, channel)
    assert (found.gap_began_at, found.gap_ended_at) == (began, None)
    async with unit_of_work(alice):
        await end_gap(alice, channel.id)
    assert (await facts(alice, channel)).gap_ended_at is not None


async def test_its_holder_tells_who_it_is_and_what_it_needs(alice: Actor):
    channel, meter = await simulator_channel(alice), AckMeter()
    for seconds in (0.01, 0.05, 0.3, 45.0):
        meter.note(seconds)
    async with unit_of_work(alice):
        epoch = await acquire_lease(alice, channel.id, holder=process_identity.this_process())
        assert epoch is not None
        await renew_lease(alice, channel.id, epoch=epoch, memory_bytes=123_000_000, acks=meter.take())
        meter.note(0.2)
        await renew_lease(alice, channel.id, epoch=epoch, acks=meter.take())
        row = (await sql("SELECT acks, ack_seconds FROM channel_lease")).one()
    found = await facts(alice, channel)
    assert (found.held, found.host, found.pid, found.epoch) == (True, os.uname().nodename, os.getpid(), 1)
    assert found.memory_bytes == 123_000_000
    assert found.seen_at is not None
    assert found.last_receipt_at is not None
    assert row.acks == [2, 0, 1, 1, 0, 0, 0, 0, 0, 1]
    assert row.ack_seconds == pytest.approx(45.56)


async def test_ends_of_its_process_are_counted_by_day(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await channels.connect(alice, channel.id)
    for _ in range(2):
        await report(alice, channel, ChannelStatus.RECONNECTING, "bridge_restarting")
        await report(alice, channel, ChannelStatus.OPEN)
    assert (await facts(alice, channel)).restarts_today == 2
    async with unit_of_work(alice):
        await sql("UPDATE channel_change SET at = at - interval '2 days'")
    assert (await facts(alice, channel)).restarts_today == 0
