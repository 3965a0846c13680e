"""Whatever goes wrong on the network, the number says so truthfully, and every message arrives once."""

import pytest

from saasbot.domain.channels import connect
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.models import ChannelStatus
from tests.fixtures.simulator import BETO, RunningSimulator, until


async def reconnect(simulator: RunningSimulator) -> None:
    async with unit_of_work(simulator.alice):
        await connect(simulator.alice, simulator.channel_id)


async def texts(simulator: RunningSimulator, count: int) -> list[str]:
    return [message.text for message in await simulator.arrived(count)]


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("disconnect", ChannelStatus.RECONNECTING, "connection_lost"),
        ("ban", ChannelStatus.BANNED, "temporarily_banned"),
        ("deaf", ChannelStatus.DEAF, "keepalive_timeout"),
    ],
)
async def test_while_it_lasts_messages_wait_and_afterwards_they_arrive_once(
    running_simulator: RunningSimulator, kind: str, status: ChannelStatus, reason: str
):
    await running_simulator.fault(kind, seconds=60)
    channel = await running_simulator.status_is(status)
    assert channel.reason == reason
    assert channel.retry_at is not None
    await running_simulator.write("¿Están?")
    assert await running_simulator.messages() == []
    await running_simulator.fault(kind, seconds=0)
    await running_simulator.status_is("open")
    assert await texts(running_simulator, 1) == ["¿Están?"]


async def test_a_disconnection_is_over_by_itself(running_simulator: RunningSimulator):
    await running_simulator.fault("disconnect", seconds=3)
    await running_simulator.status_is("reconnecting")
    await running_simulator.status_is("open")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("stream_replaced", ChannelStatus.FAILED),
        ("client_outdated", ChannelStatus.FAILED),
        ("passkey", ChannelStatus.PASSKEY_REQUIRED),
    ],
)
async def test_what_ends_the_session_stops_the_number_until_its_owner_connects_it(
    running_simulator: RunningSimulator, kind: str, status: ChannelStatus
):
    await running_simulator.fault(kind)
    channel = await running_simulator.status_is(status)
    assert channel.reason == ("passkey_required" if kind == "passkey" else kind)
    assert channel.desired == "stopped"
    await running_simulator.write("mientras tanto")
    await reconnect(running_simulator)
    await running_simulator.status_is("open")
    assert await texts(running_simulator, 1) == ["mientras tanto"]


async def test_a_phone_that_unlinks_the_device_leaves_a_number_that_must_be_paired_again(
    running_simulator: RunningSimulator,
):
    await running_simulator.fault("logout")
    channel = await running_simulator.status_is("logged_out")
    assert (channel.reason, channel.device_jid) == ("device_removed", None)
    await reconnect(running_simulator)
    await running_simulator.status_is("pending_qr")


async def test_a_number_unlinked_while_it_was_stopped_learns_it_when_it_connects(running_simulator: RunningSimulator):
    await running_simulator.fault("stream_replaced")
    await running_simulator.status_is("failed")
    await running_simulator.fault("logout")
    await reconnect(running_simulator)
    assert (await running_simulator.status_is("logged_out")).reason == "device_removed"


async def test_a_repeated_event_is_one_message(running_simulator: RunningSimulator):
    await running_simulator.fault("duplicate", times=2)
    for text in ("uno", "dos", "tres"):
        await running_simulator.write(text)
    assert await texts(running_simulator, 3) == ["uno", "dos", "tres"]
    async with unit_of_work(running_simulator.alice):
        assert (await sql("SELECT count(*) FROM wa_event WHERE code = 17")).scalar_one() == 5
        assert (await sql("SELECT count(*) FROM wa_event WHERE error IS NOT NULL")).scalar_one() == 0


async def test_a_shuffled_burst_is_put_in_order_by_its_time(running_simulator: RunningSimulator):
    await running_simulator.fault("shuffle", window=6)
    sent = [await running_simulator.write(str(number)) for number in range(12)]
    await running_simulator.arrived(12)
    assert [m.wa_id for m in await running_simulator.messages()] == sent
    async with unit_of_work(running_simulator.alice):
        arrived = (await sql("SELECT text FROM message ORDER BY seq")).scalars()
    assert arrived != [str(number) for number in range(12)], "nothing was shuffled"


async def test_a_window_that_does_not_fill_is_not_held_back_for_ever(running_simulator: RunningSimulator):
    await running_simulator.fault("shuffle", window=50)
    await running_simulator.write("sola")
    assert await texts(running_simulator, 1) == ["sola"]


async def test_a_slow_network_delivers_later_and_all(running_simulator: RunningSimulator):
    await running_simulator.fault("delay", ms=2000)
    await running_simulator.write("lento")
    assert await running_simulator.messages() == []
    await running_simulator.write("de otro", sender=BETO, name="Beto")
    assert await texts(running_simulator, 2) == ["lento", "de otro"]


async def test_faults_are_kept_until_they_are_cleared(running_simulator: RunningSimulator):
    await running_simulator.fault("ban", seconds=60)
    await running_simulator.status_is("banned")
    await running_simulator.network.stop()
    running_simulator.network.events.clear()
    await running_simulator.network.start()

    async def said_again() -> bool:
        return any(event.kind == "channel" for event in running_simulator.network.events)

    await until(said_again, "the restarted number says how it is")
    await running_simulator.status_is("banned")
    await running_simulator.fault("clear")
    await running_simulator.status_is("open")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "earthquake"},
        {"kind": "ban", "seconds": -1},
        {"kind": "duplicate", "times": -1},
        {"kind": "delay", "ms": 10**12},
        {"kind": "shuffle", "window": 10**6},
    ],
    ids=lambda wrong: str(wrong["kind"]),
)
async def test_a_fault_that_makes_no_sense_is_refused(running_simulator: RunningSimulator, wrong: dict[str, object]):
    with pytest.raises(InvalidInput):
        await running_simulator.fault(**wrong)  # pyright: ignore[reportArgumentType]
