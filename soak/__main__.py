"""`python -m soak [ROW …]`: the promises about numbers under load and faults, row by row; 1 when one was broken.

Rows: `simulated` (load on simulated numbers while everything around them fails), `kills` (`kill -9` at a random millisecond, again
and again).
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any

from soak import simulated
from soak.nemesis import NETWORK, PROCESS

ROWS = ("simulated", "kills")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; all when none is named")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--numbers", type=int, default=200)
    parser.add_argument("--rate", type=float, default=50, help="customers' messages a second")
    parser.add_argument("--every", type=float, default=5, help="seconds between two faults")
    parser.add_argument("--faults", nargs="*", default=[], choices=[*PROCESS, *NETWORK])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    broken = 0
    for row in chosen.rows or ROWS:
        began = time.monotonic()
        print(f"\n{row}, seed {chosen.seed}", flush=True)
        broken += _ROWS[row](chosen)
        print(f"  {'took (min)':<32}{(time.monotonic() - began) / 60:>12.1f}", flush=True)
    return 1 if broken else 0


def _simulated(chosen: argparse.Namespace) -> int:
    print(
        f"  {chosen.numbers} numbers, {chosen.rate:g} msg/s, {chosen.minutes:g} min, a fault every {chosen.every:g} s"
    )
    verdict, done = asyncio.run(
        simulated.soak(
            numbers=chosen.numbers,
            rate=chosen.rate,
            seconds=chosen.minutes * 60,
            every=chosen.every,
            seed=chosen.seed,
            faults=tuple(chosen.faults),
        )
    )
    return report(dict(done.most_common()) | verdict.figures, verdict.broken)


def _kills(chosen: argparse.Namespace) -> int:
    verdict, done = asyncio.run(simulated.kills(runs=chosen.kills, numbers=40, rate=20, seed=chosen.seed))
    return report(dict(done) | verdict.figures, verdict.broken)


_ROWS = {"simulated": _simulated, "kills": _kills}


def report(figures: Mapping[str, Any], broken: list[str]) -> int:
    """Print what was seen. How many promises were broken."""
    for name, value in figures.items():
        print(f"  {name:<32}{value!s:>12}")
    for sentence in broken:
        print(f"  BROKEN: {sentence}")
    return len(broken)


if __name__ == "__main__":
    sys.exit(main())
