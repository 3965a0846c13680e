"""What goes wrong, one thing every few seconds, by chance that a seed repeats."""

import asyncio
import random
import signal
import time
from collections import Counter

from soak.world import Number, World

_DATABASE = {"database restarted fast": signal.SIGINT, "database crashed": signal.SIGQUIT}
_STOPPED = {"worker stopped for 12 s": 12, "worker stopped for 60 s": 60}
NETWORK = {
    "connection cut": {"kind": "disconnect", "seconds": 4},
    "deaf": {"kind": "deaf", "seconds": 4},
    "duplicated": {"kind": "duplicate", "times": 5},
    "shuffled": {"kind": "shuffle", "window": 5},
    "delayed": {"kind": "delay", "ms": 1500},
    "acknowledgements dropped": {"kind": "drop_ack", "times": 2},
    "sends refused": {"kind": "send_error", "code": 479, "times": 2},
    "session taken elsewhere": {"kind": "stream_replaced"},
}
PROCESS = ("worker killed", "everything killed", "second server, then killed", *_STOPPED, *_DATABASE)

_WEIGHTS = {"worker stopped for 60 s": 0.25} | dict.fromkeys(NETWORK, 3.0)
"""How often a fault is chosen, against 1. Whatever takes the app away for seconds is rarer, so that between two of them
something can go wrong that only a living app can get wrong."""

_ALL_ONCE_FROM = 300.0
"""Seconds of a run in which there is room for every fault; it has each at least once."""

_SECOND_LIVES = 25.0


class Nemesis:
    """`done` counts what was done to the app."""

    def __init__(
        self, world: World, numbers: list[Number], *, every: float, chance: random.Random, faults: tuple[str, ...] = ()
    ) -> None:
        self._world, self._numbers, self._every, self._chance = world, numbers, every, chance
        self._faults = faults or (*PROCESS, *NETWORK)
        self._second: asyncio.Task[None] | None = None
        self.done: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        weights = [_WEIGHTS.get(fault, 1.0) for fault in self._faults]
        due = self._chance.sample(self._faults, len(self._faults)) if seconds >= _ALL_ONCE_FROM else []
        end = time.monotonic() + seconds
        while time.monotonic() + self._every < end:
            await asyncio.sleep(self._every)
            fault = due.pop() if due else self._chance.choices(self._faults, weights)[0]
            self.done[fault] += 1
            await self._do(fault)
        if self._second is not None:
            await self._second

    async def _do(self, fault: str) -> None:
        if fault in _DATABASE:
            await self._world.restart_database(_DATABASE[fault])
        elif fault == "worker killed":
            self._world.signal_worker(signal.SIGKILL)
        elif fault == "everything killed":
            await self._world.kill_everything()
        elif fault == "second server, then killed":
            if self._second is None or self._second.done():
                self._second = asyncio.create_task(self._world.second_server(_SECOND_LIVES))
        elif fault in _STOPPED:
            await self._stop_worker(_STOPPED[fault])
        else:
            number = self._chance.choice(self._numbers)
            await self._world.call("POST", f"/sim/v1/channels/{number.id}/faults", **NETWORK[fault])
            if fault == "session taken elsewhere":
                await asyncio.sleep(1)
                await self._world.call("POST", f"/api/v1/channels/{number.id}/connect", owner=number.owner)

    async def _stop_worker(self, seconds: float) -> None:
        """It sleeps, as a machine that pages or a laptop that is closed, and wakes up believing that no time has passed."""
        pid = self._world.worker()
        self._world.signal_worker(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if pid == self._world.worker():
            self._world.signal_worker(signal.SIGCONT)

    async def relent(self) -> None:
        """No fault is left on any number, and every number is wanted."""
        for number in self._numbers:
            await self._world.call("POST", f"/sim/v1/channels/{number.id}/faults", kind="clear")
            await self._world.call("POST", f"/api/v1/channels/{number.id}/connect", owner=number.owner)
