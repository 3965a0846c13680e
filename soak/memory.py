"""What a bridge costs. `python -m soak.memory [--numbers 3 25] [--per-bridge 10] [--minutes 0] [--port 4155]`

For each count of idle neonize numbers: resident memory (RSS) of the bridges, their proportional share (PSS: a page that the app
and other bridges map too is counted once among them) and what is theirs alone (USS). With `--minutes` the last count stays for
that long, one line a minute, and the slope of a straight line through what is theirs alone is printed (the shares also move when
other processes come and go).

Bridges are forked from a process that holds no number, the nursery, and share its pages. So it is measured too, and each bridge
is charged an equal part of it: what is printed as a bridge's is what the machine would have back if there were none.

The promises are of PSS: it is what adds up to the memory in use. RSS counts the pages of a shared library, which the app and
every bridge map from the same file, once for each of them. So the base is measured as it is promised, 25 numbers at 10 per
process: three bridges that map the library of neonize together. What a number costs is the difference to three numbers at one
per process, which are three bridges too. The wire lab adds a little to each: it searches the library in memory for the key that
it replaces, and so leaves pages resident which WhatsApp's own key would not. Let nothing else of this program run meanwhile: it would
take its share of the same pages.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import linear_regression

from soak.wire_world import WireWorld, skipped, wire_world

PORT = 4155
SETTLED_SECONDS = 20
WARM_UP_MINUTES = 10
PER_NUMBER_MB, BASE_MB, FLAT_MB_AN_HOUR = 10, 70, 5
_MEGABYTE = 1024


@dataclass(frozen=True)
class Memory:
    """Of one process or of several together, in MB."""

    rss: float
    pss: float
    uss: float

    @classmethod
    def of(cls, *pids: int) -> "Memory":
        """Raises: FileNotFoundError, when one has ended."""
        rss = pss = uss = 0.0
        for pid in pids:
            fields = _rollup(pid)
            rss, pss = rss + fields["Rss"], pss + fields["Pss"]
            uss += fields["Private_Clean"] + fields["Private_Dirty"]
        return cls(rss / _MEGABYTE, pss / _MEGABYTE, uss / _MEGABYTE)

    def __str__(self) -> str:
        return f"RSS {self.rss:6.1f}  PSS {self.pss:6.1f}  USS {self.uss:6.1f} MB"


def _rollup(pid: int) -> dict[str, int]:
    """The kilobytes of `/proc/PID/smaps_rollup` (proc(5)), by name."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def mean(several: list[Memory], count: int) -> Memory:
    return Memory(*(sum(getattr(one, kind) for one in several) / count for kind in ("rss", "pss", "uss")))


async def idle(world: WireWorld, seconds: float = SETTLED_SECONDS) -> tuple[list[Memory], Memory]:
    """Of each bridge, once it has been idle for a while, and of the nursery."""
    await asyncio.sleep(seconds)
    return [Memory.of(pid) for pid in world.bridges()], Memory.of(*world.nurseries())


def charged(bridges: list[Memory], nursery: Memory) -> Memory:
    """The mean bridge with its part of the nursery."""
    return mean([*bridges, nursery], len(bridges))


async def watch(world: WireWorld, minutes: float) -> float:
    """A line a minute. The slope of the bridges' USS together, in MB an hour, once they have done everything that an idle bridge
    does: what they share with the nursery becomes theirs the first time they write to it, and no more after."""
    began, hours, megabytes = time.monotonic(), [], []
    while (passed := time.monotonic() - began) <= minutes * 60:
        pids = world.bridges()
        together = Memory.of(*pids)
        if passed >= min(WARM_UP_MINUTES, minutes / 2) * 60:
            hours.append(passed / 3600)
            megabytes.append(together.uss)
        print(f"minute {passed / 60:5.1f}  {len(pids)} bridges  {together}", flush=True)
        await asyncio.sleep(60)
    return linear_regression(hours, megabytes).slope


async def run(counts: list[int], *, minutes: float, per_bridge: int, port: int) -> bool:
    """Each count in a world of its own; in the first, numbers are spread over as many bridges as the last count needs. Whether every
    promise was kept."""
    bridges, kept = ceil(counts[-1] / per_bridge), True
    found: dict[int, Memory] = {}
    for count in counts:
        spread = per_bridge if count == counts[-1] else max(1, count // bridges)
        async with wire_world(port, NUMBERS_PER_BRIDGE=str(spread)) as world:
            await world.whatsapp_numbers(count)
            each, nursery = await idle(world)
            for memory in each:
                print(f"{count:3} idle numbers, {len(each)} bridges: {memory}", flush=True)
            print(f"{count:3} idle numbers, the nursery: {nursery}", flush=True)
            if len(each) == bridges:
                found[count] = charged(each, nursery)
            if count == counts[-1] and minutes:
                slope = await watch(world, minutes)
                kept &= slope <= FLAT_MB_AN_HOUR
                print(f"slope {slope:+.2f} MB an hour (flat is {FLAT_MB_AN_HOUR} at most)", flush=True)
    few, many = min(found, default=0), max(found, default=0)
    if few < many:
        number = (found[many].pss - found[few].pss) * bridges / (many - few)
        base = found[many].pss - number * many / bridges
        print(f"an idle number {number:.2f} MB (promised {PER_NUMBER_MB}), ", end="")
        print(f"a bridge without one {base:.1f} MB (promised {BASE_MB}); with its share of {many}: {found[many]}")
        kept &= number <= PER_NUMBER_MB and base <= BASE_MB
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak.memory", description=__doc__)
    parser.add_argument("--numbers", type=int, nargs="+", default=[3, 25], help="idle numbers, one world each")
    parser.add_argument("--per-bridge", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=0, help="how long to watch the last world")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--required", action="store_true", help="fail when the wire lab is absent")
    chosen = parser.parse_args()
    if (code := skipped("memory of neonize numbers", required=chosen.required)) is not None:
        return code
    kept = asyncio.run(run(chosen.numbers, minutes=chosen.minutes, per_bridge=chosen.per_bridge, port=chosen.port))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
