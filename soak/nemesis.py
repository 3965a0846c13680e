"""What goes wrong, one thing every few seconds, by chance that a seed repeats."""

import asyncio
import random
import signal
import time
from collections import Counter

from soak.world import Number, World

_DATABASE = {"database restarted fast": signal.SIGINT, "database crashed": signal.SIGQUIT}
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
PROCESS = ("worker killed", "everything killed", "worker stopped for a while", *_DATABASE)


class Nemesis:
    """`done` counts what was done to the app."""

    def __init__(
        self, world: World, numbers: list[Number], *, every: float, chance: random.Random, faults: tuple[str, ...] = ()
    ) -> None:
        self._world, self._numbers, self._every, self._chance = world, numbers, every, chance
        self._faults = faults or (*PROCESS, *NETWORK)
        self.done: Counter[str] = Counter()

    async def run(self, seconds: float, *, stopped_for: float = 12) -> None:
        """`stopped_for`: how long a stopped worker sleeps, in seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() + self._every < end:
            await asyncio.sleep(self._every)
            fault = self._chance.choice(self._faults)
            self.done[fault] += 1
            await self._do(fault, stopped_for)

    async def _do(self, fault: str, stopped_for: float) -> None:
        if fault in _DATABASE:
            await self._world.restart_database(_DATABASE[fault])
        elif fault == "worker killed":
            self._world.signal_worker(signal.SIGKILL)
        elif fault == "everything killed":
            await self._world.kill_everything()
        elif fault == "worker stopped for a while":
            pid = self._world.worker()
            self._world.signal_worker(signal.SIGSTOP)
            await asyncio.sleep(stopped_for)
            if pid == self._world.worker():
                self._world.signal_worker(signal.SIGCONT)
        else:
            number = self._chance.choice(self._numbers)
            await self._world.call("POST", f"/sim/v1/channels/{number.id}/faults", **NETWORK[fault])
            if fault == "session taken elsewhere":
                await asyncio.sleep(1)
                await self._world.call("POST", f"/api/v1/channels/{number.id}/connect", token=number.token)

    async def relent(self) -> None:
        """No fault is left on any number, and every number is wanted."""
        for number in self._numbers:
            await self._world.call("POST", f"/sim/v1/channels/{number.id}/faults", kind="clear")
            await self._world.call("POST", f"/api/v1/channels/{number.id}/connect", token=number.token)
