"""Real neonize numbers on a bad day. `python -m soak.wire [--minutes 5] [--numbers 25] [--rate 20] [--every 5] [--seed N]`

A table, and 1 when a promise was broken. Without the wire lab it says so and counts as passed, unless `--required`.
"""

import argparse
import asyncio
import random
import sys
import time

from soak.oracle import Verdict, report
from soak.wire_load import WireLoad
from soak.wire_nemesis import FAULTS, WireNemesis
from soak.wire_oracle import judge
from soak.wire_world import skipped, wire_world

PORT = 4150


async def soak_wire(
    *,
    numbers: int,
    rate: float,
    seconds: float,
    every: float,
    seed: int,
    faults: tuple[str, ...] = (),
    port: int = PORT,
) -> tuple[Verdict, WireNemesis]:
    """Load and faults for that long, then the verdict."""
    async with wire_world(port, SEND_PACE="0") as world:
        made = await world.whatsapp_numbers(numbers)
        load = WireLoad(world, made, rate=rate, chance=random.Random(seed + 1))
        nemesis = WireNemesis(world, made, every=every, chance=random.Random(seed), faults=faults)
        await asyncio.gather(load.run(seconds), nemesis.run(seconds))
        await world.until(world.serves, seconds=60)
        healed = await nemesis.relent()
        verdict = await judge(world, made, load)
        verdict.figures |= {"all open again after (s)": round(healed, 1), "not taken, no device": load.not_taken}
        if verdict.broken:
            print(world.complaints(), file=sys.stderr)
    return verdict, nemesis


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak.wire", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--numbers", type=int, default=25)
    parser.add_argument("--rate", type=float, default=20, help="customers' messages a second")
    parser.add_argument("--every", type=float, default=5, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", nargs="*", default=[], choices=FAULTS)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--required", action="store_true", help="fail when the wire lab is absent")
    chosen = parser.parse_args()
    if (code := skipped("the soak of neonize numbers", required=chosen.required)) is not None:
        return code
    print(
        f"seed {chosen.seed}: {chosen.numbers} neonize numbers, {chosen.rate:g} msg/s, {chosen.minutes:g} min",
        flush=True,
    )
    verdict, nemesis = asyncio.run(
        soak_wire(
            numbers=chosen.numbers,
            rate=chosen.rate,
            seconds=chosen.minutes * 60,
            every=chosen.every,
            seed=chosen.seed,
            faults=tuple(chosen.faults),
            port=chosen.port,
        )
    )
    return report(verdict, nemesis.done + nemesis.healed)


if __name__ == "__main__":
    sys.exit(main())
