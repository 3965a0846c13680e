"""`kill -9` again and again, each at a random millisecond after the app has come back, under load.
`python -m soak.kills [--runs 200] [--numbers 40] [--rate 20] [--seed N]`

A table, and 1 when a promise was broken.
"""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections import Counter

from soak.load import Load
from soak.oracle import Verdict, judge, report
from soak.simulated import ANSWERING
from soak.world import World

PORT = 3997
_LONGEST_LIFE = 3.0
"""Seconds after the app serves again."""
_EVERYTHING = 0.1
"""The share of kills that take the watcher too."""


async def kills(*, runs: int, numbers: int, rate: float, seed: int, port: int = PORT) -> tuple[Verdict, Counter[str]]:
    """`kill -9` again and again, each at a random moment after the app has come back, under load; then the verdict."""
    world, chance = World(port), random.Random(seed)
    done: Counter[str] = Counter()
    await world.start()
    try:
        made = await world.people(numbers, answering=ANSWERING)
        load = Load(world, made, rate=rate, chance=random.Random(seed + 1))
        working = asyncio.create_task(load.run(None))
        for _ in range(runs):
            await asyncio.sleep(chance.random() * _LONGEST_LIFE)
            if chance.random() < _EVERYTHING:
                done["everything killed"] += 1
                await world.kill_everything()
            else:
                done["worker killed"] += 1
                world.signal_worker(signal.SIGKILL)
                await world.until(world.serves, seconds=60)
        load.stop()
        await working
        verdict = await judge(world.superuser_url, load.accepted)
    except BaseException:
        print(world.complaints(), file=sys.stderr)
        raise
    finally:
        await world.close()
    return verdict, done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak.kills", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--numbers", type=int, default=40)
    parser.add_argument("--rate", type=float, default=20, help="customers' messages a second")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    print(
        f"seed {chosen.seed}: {chosen.runs} kills, {chosen.numbers} simulated numbers, {chosen.rate:g} msg/s",
        flush=True,
    )
    return report(*asyncio.run(kills(runs=chosen.runs, numbers=chosen.numbers, rate=chosen.rate, seed=chosen.seed)))


if __name__ == "__main__":
    sys.exit(main())
