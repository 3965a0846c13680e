"""Simulated numbers under load while everything around them dies.
`python -m soak.simulated [--minutes 10] [--numbers 200] [--rate 50] [--every 5] [--seed N] [--faults NAME …]`

A table, and 1 when a promise was broken.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack

from soak.load import Load
from soak.nemesis import NETWORK, PROCESS, Nemesis
from soak.oracle import Verdict, judge, report
from soak.viewer import Viewer
from soak.world import World

PORT = 3998
ANSWERING = 0.1
"""In so many of the companies the bot answers; in the others people do. Each of its answers costs the app several messages' work."""


async def soak(
    *,
    numbers: int,
    rate: float,
    seconds: float,
    every: float,
    seed: int,
    faults: tuple[str, ...] = (),
    port: int = PORT,
    watched: bool = True,
) -> tuple[Verdict, Counter[str]]:
    """Load and a fault `every` so many seconds, then the verdict, and what was done. `watched`: by a browser on the inbox."""
    world, chance = World(port), random.Random(seed)
    await world.start()
    try:
        made = await world.people(numbers, answering=ANSWERING)
        load = Load(world, made, rate=rate, chance=random.Random(seed + 1))
        nemesis = Nemesis(world, made, every=every, chance=chance, faults=faults)
        async with AsyncExitStack() as stack:
            viewer = await stack.enter_async_context(Viewer(world)) if watched else None
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(load.run(seconds))
                tasks.create_task(nemesis.run(seconds))
                if viewer is not None:
                    tasks.create_task(viewer.open_first())
            await world.until(world.serves, seconds=60)
            await nemesis.relent()
            verdict = await judge(world.superuser_url, load.accepted)
            if viewer is not None:
                differences = await viewer.differences(world.superuser_url)
                verdict.figures["page otherwise than database"] = len(differences)
                verdict.broken += differences
    except BaseException:
        print(world.complaints(), file=sys.stderr)
        raise
    finally:
        await world.close()
    return verdict, nemesis.done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak.simulated", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--numbers", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50, help="customers' messages a second")
    parser.add_argument("--every", type=float, default=5, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", nargs="*", default=[], choices=[*PROCESS, *NETWORK])
    chosen = parser.parse_args()
    print(
        f"seed {chosen.seed}: {chosen.numbers} simulated numbers, {chosen.rate:g} msg/s, {chosen.minutes:g} min",
        flush=True,
    )
    verdict, done = asyncio.run(
        soak(
            numbers=chosen.numbers,
            rate=chosen.rate,
            seconds=chosen.minutes * 60,
            every=chosen.every,
            seed=chosen.seed,
            faults=tuple(chosen.faults),
        )
    )
    return report(verdict, done)


if __name__ == "__main__":
    sys.exit(main())
