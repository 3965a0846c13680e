"""How soon numbers are back after a start. `python -m soak.restore [--neonize 25] [--simulator 50]`

The app is ended as by a power cut and started again. Printed: seconds from its start until pages are served, and until every
number is open. None may ask for a QR.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from typing import Any

import psycopg

from soak.wire_world import WireWorld, skipped, wire_world
from soak.world import World

PORT = 4151
SERVED_BY_NEONIZE, SERVED_BY_SIMULATOR = 20, 60
"""Seconds within which 25 neonize numbers, and 50 simulated ones, are promised to be open."""
_PATIENCE = 180


async def restore(world: World, count: int) -> tuple[float, float]:
    """Kill, start, wait. Seconds until pages are served, and until `count` numbers have gone through a start and are open.

    Raises: RuntimeError, when a number asks to be linked again; TimeoutError.
    """
    before = await asyncio.to_thread(_rows, world.superuser_url)
    began = time.monotonic()
    await world.kill_everything()
    served = time.monotonic() - began
    while True:
        rows = await asyncio.to_thread(_rows, world.superuser_url)
        states = Counter(status for status, _epoch in rows.values())
        if states["pending_qr"] or states["logged_out"]:
            raise RuntimeError(f"numbers ask to be linked again: {dict(states)}")
        back = sum(status == "open" and epoch > before[id][1] for id, (status, epoch) in rows.items())
        if back == count:
            return served, time.monotonic() - began
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError(f"not all numbers are back: {dict(states)}")
        await asyncio.sleep(0.2)


def _rows(dsn: str) -> dict[Any, tuple[str, int]]:
    """State and lease epoch of each number that shall run: a new epoch says that it was taken up anew."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT c.id, c.status, coalesce(l.epoch, 0) FROM channel c LEFT JOIN channel_lease l ON l.channel_id = c.id "
            "WHERE c.desired = 'running' AND c.name LIKE 'Number %'"
        ).fetchall()
    return {id: (status, epoch) for id, status, epoch in found}


def _tell(kind: str, count: int, seconds: tuple[float, float], promised: float) -> bool:
    served, opened = seconds
    kept = opened <= promised
    print(
        f"{count} {kind} numbers: pages after {served:.1f} s, all open after {opened:.1f} s "
        f"(promised {promised:.0f}){'' if kept else ' BROKEN'}",
        flush=True,
    )
    return kept


async def run(*, neonize: int, simulator: int, port: int) -> bool:
    """Whether every promise was kept."""
    kept = True
    if neonize:
        async with wire_world(port) as world:
            await _wire(world, neonize)
            kept &= _tell("neonize", neonize, await restore(world, neonize), SERVED_BY_NEONIZE)
    if simulator:
        plain = World(port)
        await plain.start()
        try:
            await plain.people(simulator)
            kept &= _tell("simulator", simulator, await restore(plain, simulator), SERVED_BY_SIMULATOR)
        finally:
            await plain.close()
    return kept


async def _wire(world: WireWorld, count: int) -> None:
    await world.whatsapp_numbers(count)
    await asyncio.sleep(5)  # the last one's holder has renewed its lease once


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak.restore", description=__doc__)
    parser.add_argument("--neonize", type=int, default=25)
    parser.add_argument("--simulator", type=int, default=50)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--required", action="store_true", help="fail when the wire lab is absent")
    chosen = parser.parse_args()
    code = skipped("restore of neonize numbers", required=chosen.required) if chosen.neonize else None
    if code:
        return code
    neonize = 0 if code is not None else chosen.neonize
    return 0 if asyncio.run(run(neonize=neonize, simulator=chosen.simulator, port=chosen.port)) else 1


if __name__ == "__main__":
    sys.exit(main())
