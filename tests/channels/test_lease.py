"""One process holds a number, and the store refuses those who held it before."""

import asyncio
from datetime import timedelta

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import numbers_to_run
from saasbot.domain.channels import connect, disconnect
from saasbot.domain.channels.lease import LeaseLost, acquire_lease, check_epoch, release_lease, renew_lease
from saasbot.domain.channels.state import report_state
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import ChannelKind, ChannelStatus
from saasbot.models.table import utcnow
from tests.fixtures.numbers import simulator_channel


async def test_a_held_number_is_not_given_twice(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        assert await acquire_lease(alice, channel.id, holder="one") == 1
    async with unit_of_work(alice):
        assert await acquire_lease(alice, channel.id, holder="two") is None


async def test_a_released_number_is_taken_with_a_higher_epoch(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        epoch = await acquire_lease(alice, channel.id, holder="one")
        assert epoch is not None
        await release_lease(alice, channel.id, epoch=epoch)
        assert await acquire_lease(alice, channel.id, holder="two") == epoch + 1


async def test_a_lease_that_ran_out_is_taken(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await acquire_lease(alice, channel.id, holder="one")
        await sql("UPDATE channel_lease SET expires_at = now() - interval '1 second'")
        assert await acquire_lease(alice, channel.id, holder="two") == 2


async def test_the_number_of_a_dead_process_is_taken_at_once(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await acquire_lease(alice, channel.id, holder="one")
        assert await acquire_lease(alice, channel.id, holder="two", holder_is_dead=True) == 2


async def test_a_former_holder_can_neither_renew_nor_report(alice: Actor):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        await acquire_lease(alice, channel.id, holder="one")
        await acquire_lease(alice, channel.id, holder="two", holder_is_dead=True)
    with pytest.raises(LeaseLost):
        async with unit_of_work(alice):
            await renew_lease(alice, channel.id, epoch=1)
    with pytest.raises(LeaseLost):
        async with unit_of_work(alice):
            await report_state(alice, channel.id, epoch=1, device_jid=None, status=ChannelStatus.OPEN)
    async with unit_of_work(alice):
        await check_epoch(channel.id, 2)


ELSEWHERE = "another-machine/1/1"


@pytest.mark.parametrize("ended", [False, True])
async def test_of_a_number_that_another_server_holds_only_its_holder_says_how_it_is(alice: Actor, ended: bool):
    channel = await simulator_channel(alice)
    async with unit_of_work(alice):
        epoch = await acquire_lease(alice, channel.id, holder=ELSEWHERE)
        known = await connect(alice, channel.id)
        await report_state(alice, channel.id, epoch=epoch, device_jid=None, status=ChannelStatus.OPEN)
        assert not await report_state(
            alice, channel.id, epoch=None, device_jid=None, status=ChannelStatus.FAILED, ended=ended
        )
        assert (known.status, known.desired) == ("open", "running")
        await sql("UPDATE channel_lease SET expires_at = now() - interval '1 second'")
        assert await report_state(
            alice, channel.id, epoch=None, device_jid=None, status=ChannelStatus.FAILED, ended=ended
        )
        assert known.status == "failed"


@pytest.mark.parametrize("let_go", [False, True])
async def test_connecting_a_number_that_waits_for_the_end_of_a_block_changes_nothing(alice: Actor, let_go: bool):
    """Whether somebody still holds it or not: it goes on saying so. To stop it first has it tried at once."""
    channel, until = await simulator_channel(alice), utcnow() + timedelta(hours=3)
    async with unit_of_work(alice):
        known = await connect(alice, channel.id)
        known.device_jid = "549:1@s.whatsapp.net"
        epoch = await acquire_lease(alice, channel.id, holder=ELSEWHERE)
        banned = ChannelStatus.BANNED
        await report_state(
            alice,
            channel.id,
            epoch=epoch,
            device_jid=known.device_jid,
            status=banned,
            reason="temporarily_banned",
            retry_at=until,
        )
        if let_go:
            await release_lease(alice, channel.id, epoch=epoch or 0)
        await connect(alice, channel.id)
        assert (known.status, known.reason, known.retry_at) == ("banned", "temporarily_banned", until)
        assert (await sql("SELECT count(*) FROM channel_incident")).scalar_one() == 1
        await disconnect(alice, channel.id)
        await connect(alice, channel.id)
        assert (known.status, known.retry_at) == ("starting", None)


async def test_of_many_who_ask_at_once_one_gets_the_number(alice: Actor):
    channel = await simulator_channel(alice)

    async def ask(name: str) -> int | None:
        async with unit_of_work(alice):
            return await acquire_lease(alice, channel.id, holder=name)

    answers = await asyncio.gather(*(ask(str(i)) for i in range(8)))
    assert sorted(answers, key=lambda epoch: epoch or 0) == [None] * 7 + [1]


async def test_whoever_was_held_by_nobody_for_longest_starts_first(alice: Actor):
    """A server that keeps dying while it starts its numbers one by one gets round to each of them."""
    served, left_out, never_held = [await simulator_channel(alice, name=name) for name in ("A", "B", "C")]
    for channel in (left_out, served):
        async with unit_of_work(alice):
            await acquire_lease(alice, channel.id, holder="one")
    async with unit_of_work(alice):
        await sql("UPDATE channel SET desired = 'running'")
    numbers = await numbers_to_run(ChannelKind.SIMULATOR)
    assert [number.channel_id for number in numbers] == [never_held.id, left_out.id, served.id]
