"""`python -m soak [--minutes 10] [--numbers 200] [--rate 50] [--every 5] [--seed N] [--faults NAME …]`: a table, and 1 when a
promise was broken."""

import argparse
import asyncio
import random
import sys
import time

from soak.load import Load
from soak.nemesis import NETWORK, PROCESS, Nemesis
from soak.oracle import Verdict, judge
from soak.world import World


async def soak(
    *,
    numbers: int,
    rate: float,
    seconds: float,
    every: float,
    seed: int,
    faults: tuple[str, ...] = (),
    port: int = 3998,
) -> tuple[Verdict, Nemesis]:
    """Load and faults for that long, then the verdict."""
    world, chance = World(port), random.Random(seed)
    await world.start()
    try:
        made = await world.people(numbers)
        load = Load(world, made, rate=rate, chance=random.Random(seed + 1))
        nemesis = Nemesis(world, made, every=every, chance=chance, faults=faults)
        await asyncio.gather(load.run(seconds), nemesis.run(seconds))
        await world.until(world.serves, seconds=60)
        await nemesis.relent()
        verdict = await judge(world.superuser_url, load.accepted)
    except BaseException:
        print(world.complaints(), file=sys.stderr)
        raise
    finally:
        await world.close()
    return verdict, nemesis


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--numbers", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50, help="customers' messages a second")
    parser.add_argument("--every", type=float, default=5, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", nargs="*", default=[], choices=[*PROCESS, *NETWORK])
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}: {chosen.numbers} numbers, {chosen.rate:g} msg/s, {chosen.minutes:g} min", flush=True)
    verdict, nemesis = asyncio.run(
        soak(
            numbers=chosen.numbers,
            rate=chosen.rate,
            seconds=chosen.minutes * 60,
            every=chosen.every,
            seed=chosen.seed,
            faults=tuple(chosen.faults),
        )
    )
    for name, value in [*nemesis.done.most_common(), *verdict.figures.items()]:
        print(f"{name:<32}{value:>10}")
    for sentence in verdict.broken:
        print(f"BROKEN: {sentence}")
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
