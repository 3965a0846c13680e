"""Simulated numbers under load while everything around them dies, and `kills`: the worker alone, at a random millisecond."""

import asyncio
import random
import signal
import sys
from collections import Counter
from contextlib import AsyncExitStack

from soak.load import Load
from soak.nemesis import Nemesis
from soak.oracle import Verdict, judge
from soak.viewer import Viewer
from soak.world import World

ANSWERING = 0.1
"""In so many of the companies the bot answers; in the others people do. Each of its answers costs the app several messages' work."""

_LONGEST_LIFE = 3.0
_EVERYTHING = 0.1
"""The share of kills that take the watcher too."""


async def soak(
    *,
    numbers: int,
    rate: float,
    seconds: float,
    every: float,
    seed: int,
    faults: tuple[str, ...] = (),
    port: int = 3998,
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


async def kills(*, runs: int, numbers: int, rate: float, seed: int, port: int = 3998) -> tuple[Verdict, Counter[str]]:
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
