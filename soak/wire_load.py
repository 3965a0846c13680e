"""Customers who write to neonize numbers through the wire lab, and people who answer over REST."""

import asyncio
import itertools
import random
import time

from soak.customers import CUSTOMERS_A_NUMBER
from soak.load import ANSWERS
from soak.wire_world import WireNumber, WireWorld


def customer(number: WireNumber, index: int) -> str:
    """Digits of a customer who writes to this number alone."""
    return f"549117{number.phone[-3:]}{index:04}"


class WireLoad:
    """One writer a chat; together they keep the rate. The lab keeps the books of what was written and acknowledged."""

    def __init__(self, world: WireWorld, numbers: list[WireNumber], *, rate: float, chance: random.Random) -> None:
        self._world, self._numbers, self._rate, self._chance = world, numbers, rate, chance
        self._texts = itertools.count(1)
        self.answers: list[str] = []
        """Texts that REST took to send; each is unlike any other."""
        self.not_taken = 0
        """What customers could not write, because the number had no device linked."""

    async def run(self, seconds: float) -> None:
        """Returns when the time is over and every send that was begun is accepted."""
        chats = [(number, customer(number, index)) for number in self._numbers for index in range(CUSTOMERS_A_NUMBER)]
        pause = len(chats) / self._rate
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as writers:
            for number, phone in chats:
                writers.create_task(self._writes(number, phone, pause, end))
            writers.create_task(self._answer(end))

    async def _writes(self, number: WireNumber, phone: str, pause: float, end: float) -> None:
        await asyncio.sleep(self._chance.random() * pause)
        while time.monotonic() < end:
            text = f"W{next(self._texts)}"
            taken = await self._world.lab.command("write", phone=number.phone, text=text, **{"from": phone})
            self.not_taken += taken["id"] is None
            await asyncio.sleep(pause * (0.5 + self._chance.random()))

    async def _answer(self, end: float) -> None:
        async with asyncio.TaskGroup() as sends:
            while time.monotonic() < end:
                await asyncio.sleep(1 / (self._rate * ANSWERS))
                sends.create_task(self._send())

    async def _send(self) -> None:
        number = self._chance.choice(self._numbers)
        text, to = f"A{next(self._texts)}", customer(number, self._chance.randrange(CUSTOMERS_A_NUMBER))
        path = f"/api/v1/channels/{number.id}/messages"
        await self._world.call("POST", path, owner=number.owner, key=text, to=f"+{to}", text=text)
        self.answers.append(text)
