"""Customers who write and people who answer, at a rate, and what was accepted of it."""

import asyncio
import contextlib
import itertools
import json
import random
import sys

from soak.accepted import Accepted
from soak.customers import CUSTOMERS_A_NUMBER, phone_of
from soak.world import ROOT, Number, World

ANSWERS = 0.2
"""People send one message for every five that customers write."""


class Load:
    """Customers write to the network's servers, from a process of their own; people answer over the app's REST."""

    def __init__(self, world: World, numbers: list[Number], *, rate: float, chance: random.Random) -> None:
        self._world, self._numbers, self._rate, self._chance = world, numbers, rate, chance
        self._ids = itertools.count(1)
        self._over = asyncio.Event()
        self.accepted = Accepted()

    async def run(self, seconds: float | None) -> None:
        """Returns when the time is over, or after `stop`, and everything that was begun is accepted."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._customers())
            tasks.create_task(self._people())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._over.wait()
            self.stop()

    def stop(self) -> None:
        self._over.set()

    async def _customers(self) -> None:
        customers = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "soak.customers",
            cwd=ROOT,
            env=self._world.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        asked = {
            "numbers": [number.id for number in self._numbers],
            "rate": self._rate,
            "seed": self._chance.randrange(2**32),
        }
        assert customers.stdin is not None
        customers.stdin.write(json.dumps(asked).encode() + b"\n")
        await self._over.wait()
        customers.stdin.close()  # that is their end
        told, _ = await customers.communicate()
        if customers.returncode != 0:
            raise RuntimeError("the customers' process failed")
        self.accepted.chats = {(number, phone): ids for number, phone, ids in json.loads(told) if ids}

    async def _people(self) -> None:
        async with asyncio.TaskGroup() as sends:
            while not self._over.is_set():
                await asyncio.sleep(1 / (self._rate * ANSWERS))
                sends.create_task(self._send())

    async def _send(self) -> None:
        number = self._chance.choice(self._numbers)
        text = f"A{next(self._ids)}"
        phone = phone_of(self._chance.randrange(CUSTOMERS_A_NUMBER))
        path = f"/api/v1/channels/{number.id}/messages"
        await self._world.call("POST", path, owner=number.owner, key=text, to=f"+{phone}", text=text)
        self.accepted.answers.append(text)
