"""The process that runs the numbers ends in every possible way; the network goes on, and nothing is lost or twice."""

import asyncio
import signal
import subprocess
import sys

from saasbot.domain.channels import disconnect
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.roles import DatabaseUrls
from tests.fixtures.simulator import RunningSimulator, until

CHILD = """
import asyncio, sys
from saasbot.infra import db
from saasbot.infra.events import Listener
from saasbot.wa_runtime.processor import Processor
from saasbot.wa_runtime.simulator.runtime import SimulatorRuntime

async def main():
    db.connect(app_url=sys.argv[1], platform_url=sys.argv[2])
    listener = Listener(db.app_dsn())
    processor, runtime = Processor(listener), SimulatorRuntime(listener)
    await listener.start(); await processor.start(); await runtime.start()
    print("running", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_was_written_while_nothing_ran_arrives_once_and_no_qr_is_needed(
    running_simulator: RunningSimulator,
):
    await running_simulator.write("antes")
    await running_simulator.arrived()
    await running_simulator.network.stop()
    await running_simulator.write("mientras estaba apagado")
    await running_simulator.network.start()
    assert [m.text for m in await running_simulator.arrived(2)] == ["antes", "mientras estaba apagado"]
    assert await running_simulator.qr(running_simulator.channel_id) is None
    await running_simulator.status_is("open")


async def test_a_stopped_number_stays_stopped_over_a_restart(running_simulator: RunningSimulator):
    async with unit_of_work(running_simulator.alice):
        await disconnect(running_simulator.alice, running_simulator.channel_id)

    async def let_go() -> bool:
        async with unit_of_work(running_simulator.alice):
            return (await sql("SELECT holder FROM channel_lease")).scalar_one() is None

    await until(let_go, "the number is released")
    await running_simulator.network.stop()
    await running_simulator.write("hola?")
    await running_simulator.network.start()
    assert (await running_simulator.channel()).status == "closed"
    assert await running_simulator.messages() == []


async def test_a_killed_process_is_followed_at_once_with_nothing_lost_or_twice(
    simulator: RunningSimulator, database: DatabaseUrls
):
    await simulator.network.stop()
    child = await asyncio.to_thread(_start, database)
    try:
        simulator.channel_id = await simulator.add_number()
        await simulator.scan(simulator.channel_id)
        for number in range(20):
            await simulator.write(str(number))
        child.send_signal(signal.SIGKILL)
        await asyncio.to_thread(child.wait)
    finally:
        child.kill()
    async with unit_of_work(simulator.alice):
        before = (await sql("SELECT epoch FROM channel_lease")).scalar_one()
    for number in range(20, 30):
        await simulator.write(str(number))
    await simulator.network.start()
    arrived = [m.text for m in await simulator.arrived(30)]
    assert arrived == [str(number) for number in range(30)]
    async with unit_of_work(simulator.alice):
        assert (await sql("SELECT epoch FROM channel_lease")).scalar_one() > before


def _start(database: DatabaseUrls) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, database.app, database.platform], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.strip() == "running":
            return child
    raise AssertionError("the process did not start")
