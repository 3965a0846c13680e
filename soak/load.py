"""Customers who write and people who answer, at a rate, and what was accepted of it."""

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field

from soak.world import Number, World

CUSTOMERS_A_NUMBER = 8
ANSWERS = 0.2
"""People send one message for every five that customers write."""
_LATE = 30.0


@dataclass
class Accepted:
    """What the app (or the network before it) has said yes to: it may not be lost, doubled or out of order."""

    chats: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """WhatsApp ids of what a customer wrote, in order, by number and customer."""
    answers: list[str] = field(default_factory=list)
    """Texts of what people sent; each is unlike any other."""

    @property
    def inbound(self) -> int:
        return sum(map(len, self.chats.values()))


class Load:
    """One writer a chat, so that what one customer writes is in order; together they keep the rate."""

    def __init__(self, world: World, numbers: list[Number], *, rate: float, chance: random.Random) -> None:
        self._world, self._numbers, self._rate, self._chance = world, numbers, rate, chance
        self._ids = itertools.count(1)
        self.accepted = Accepted()

    async def run(self, seconds: float) -> None:
        """Returns when the time is over and everything that was begun is accepted."""
        chats = [(number, customer) for number in self._numbers for customer in range(CUSTOMERS_A_NUMBER)]
        pause = len(chats) / self._rate
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as writers:
            for number, customer in chats:
                writers.create_task(self._writes(number, customer, pause, end))
            writers.create_task(self._answer(end))

    async def _writes(self, number: Number, customer: int, pause: float, end: float) -> None:
        phone = str(5491170000000 + customer)
        await asyncio.sleep(self._chance.random() * pause)
        while time.monotonic() < end:
            wa_id = f"S{next(self._ids)}"
            body = {"from": phone, "name": f"Customer {customer}", "type": "text", "text": wa_id, "id": wa_id}
            await self._world.call("POST", f"/sim/v1/channels/{number.id}/messages", **body)
            self.accepted.chats.setdefault((number.id, phone), []).append(wa_id)
            await asyncio.sleep(pause * (0.5 + self._chance.random()))

    async def _answer(self, end: float) -> None:
        async with asyncio.TaskGroup() as sends:
            while time.monotonic() < end:
                await asyncio.sleep(1 / (self._rate * ANSWERS))
                sends.create_task(self._send())

    async def _send(self) -> None:
        number = self._chance.choice(self._numbers)
        text = f"A{next(self._ids)}"
        phone = str(5491170000000 + self._chance.randrange(CUSTOMERS_A_NUMBER))
        path = f"/api/v1/channels/{number.id}/messages"
        await self._world.call("POST", path, token=number.token, key=text, to=f"+{phone}", text=text)
        self.accepted.answers.append(text)
