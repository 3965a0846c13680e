"""What a bridge costs. `python -m soak.memory [--numbers 0 10 25] [--per-bridge 10] [--minutes 0] [--port 4155]`

For each count of idle neonize numbers: resident memory (RSS) of the bridges, their proportional share (PSS: a page that the app
and other bridges map too is counted once among them) and what is theirs alone (USS). With `--minutes` the last count stays for
that long, one line a minute, and the slope of a straight line through what is theirs alone is printed (the shares also move when
other processes come and go).

The promises are of PSS: it is what adds up to the memory in use. RSS counts the pages of a shared library, which the app and
every bridge map from the same file, once for each of them.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from soak.wire_world import WireWorld, skipped, wire_world

PORT = 4155
SETTLED_SECONDS = 20
PER_NUMBER_MB, BASE_MB = 10, 70
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


async def idle(world: WireWorld, seconds: float = SETTLED_SECONDS) -> list[Memory]:
    """Of each bridge, once it has been idle for a while."""
    await asyncio.sleep(seconds)
    return [Memory.of(pid) for pid in world.bridges()]


async def watch(world: WireWorld, minutes: float) -> float:
    """A line a minute. The slope of the bridges' USS together, in MB an hour."""
    began, hours, megabytes = time.monotonic(), [], []
    while (passed := time.monotonic() - began) <= minutes * 60:
        pids = world.bridges()
        together = Memory.of(*pids)
        hours.append(passed / 3600)
        megabytes.append(together.uss)
        print(f"minute {passed / 60:5.1f}  {len(pids)} bridges  {together}", flush=True)
        await asyncio.sleep(60)
    return linear_regression(hours, megabytes).slope


async def run(counts: list[int], *, minutes: float, per_bridge: int, port: int) -> None:
    found: dict[int, float] = {}
    for count in counts:
        async with wire_world(port, NUMBERS_PER_BRIDGE=str(per_bridge)) as world:
            # a number that waits for its QR is in no bridge: the base is that of a bridge with one, less what one costs
            await world.whatsapp_numbers(max(count, 1))
            bridges = await idle(world)
            for memory in bridges:
                print(f"{max(count, 1):3} idle numbers, {len(bridges)} bridges: {memory}", flush=True)
            found[max(count, 1)] = sum(memory.pss for memory in bridges) / len(bridges)
            if count == counts[-1] and minutes:
                print(f"slope {await watch(world, minutes):+.2f} MB an hour", flush=True)
    if per_bridge in found and 1 in found:
        each = (found[per_bridge] - found[1]) / (per_bridge - 1)
        print(
            f"an idle number {each:.2f} MB (promised {PER_NUMBER_MB}), a bridge without one {found[1] - each:.1f} MB",
            end="",
        )
        print(f" (promised {BASE_MB})")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak.memory", description=__doc__)
    parser.add_argument("--numbers", type=int, nargs="+", default=[1, 10, 25], help="idle numbers, one world each")
    parser.add_argument("--per-bridge", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=0, help="how long to watch the last world")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--required", action="store_true", help="fail when the wire lab is absent")
    chosen = parser.parse_args()
    if (code := skipped("memory of neonize numbers", required=chosen.required)) is not None:
        return code
    asyncio.run(run(chosen.numbers, minutes=chosen.minutes, per_bridge=chosen.per_bridge, port=chosen.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
