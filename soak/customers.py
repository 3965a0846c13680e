"""`python -m soak.customers`: the customers of simulated numbers, in a process of their own beside the app.

As with WhatsApp, they write to the network's servers and not to the app: what they write is accepted while the app is dead, and
waits. Standard input is a line of JSON, `numbers` (ids), `rate` in messages a second, `seed`; its end is theirs. Standard output, then,
is JSON: `[number, phone, [WhatsApp ids in order]]` for each chat.
"""

import asyncio
import contextlib
import itertools
import json
import random
import sys
from dataclasses import dataclass
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import company_of_simulator
from saasbot.domain.simulator.customers import parse_customer
from saasbot.infra import db
from saasbot.infra.roles import database_urls
from saasbot.infra.settings import settings
from saasbot.wa_runtime.simulator.bodies import Content
from saasbot.wa_runtime.simulator.network import customer_writes

CUSTOMERS_A_NUMBER = 8
_DATABASE_AWAY = (*db.UNAVAILABLE, OSError)


def phone_of(customer: int) -> str:
    return str(5491170000000 + customer)


@dataclass
class _Chat:
    number: UUID
    actor: Actor
    customer: int
    written: list[str]

    async def write(self, wa_id: str) -> None:
        """Returns when the network has it. Asked twice, because an answer was cut off, it repeats the event as WhatsApp would."""
        sender = parse_customer(phone_of(self.customer), None, f"Customer {self.customer}")
        while True:
            try:
                async with db.unit_of_work(self.actor):
                    await customer_writes(
                        self.actor, self.number, sender=sender, content=Content("text", wa_id), wa_id=wa_id
                    )
            except _DATABASE_AWAY:
                await asyncio.sleep(0.2)
            else:
                self.written.append(wa_id)
                return


async def _customers(numbers: list[UUID], *, rate: float, chance: random.Random, over: asyncio.Event) -> list[_Chat]:
    """Each chat has one writer, so that what a customer writes is in order; together they keep the rate."""
    chats: list[_Chat] = []
    for number in numbers:
        company_id = await company_of_simulator(number)
        assert company_id is not None
        chats += [_Chat(number, Actor.system(company_id), customer, []) for customer in range(CUSTOMERS_A_NUMBER)]
    ids, pause = itertools.count(1), len(chats) / rate

    async def rests(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await over.wait()

    async def writes(chat: _Chat) -> None:
        await rests(chance.random() * pause)
        while not over.is_set():
            await chat.write(f"S{next(ids)}")
            await rests(pause * (0.5 + chance.random()))

    async with asyncio.TaskGroup() as writers:
        for chat in chats:
            writers.create_task(writes(chat))
    return chats


async def _main() -> None:
    asked = json.loads(sys.stdin.readline())
    urls = database_urls(settings())
    db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=8)
    over = asyncio.Event()
    asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: over.set())
    numbers = [UUID(number) for number in asked["numbers"]]
    chats = await _customers(numbers, rate=asked["rate"], chance=random.Random(asked["seed"]), over=over)
    await db.disconnect()
    json.dump([[str(chat.number), phone_of(chat.customer), chat.written] for chat in chats], sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())
