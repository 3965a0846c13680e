"""What goes wrong with neonize numbers, and the owner who links again what lost its session."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections import Counter

from soak.wire_world import WireNumber, WireWorld

REFUSALS = {
    "login refused 401": 401,
    "login refused 403": 403,
    "login refused 405": 405,
    "login refused 406": 406,
    "login refused 503": 503,
}
FAULTS = (
    "socket cut",
    "all sockets cut",
    *REFUSALS,
    "poison receipt",
    "acknowledgements dropped",
    "bridge killed",
    "app killed",
)
_LINK_AGAIN = ("logged_out", "banned")
_CONNECT_AGAIN = ("failed", "closed")
_LOOK_SECONDS = 2.0


class WireNemesis:
    """`done` counts what was done, `healed` what its owner had to do."""

    def __init__(
        self,
        world: WireWorld,
        numbers: list[WireNumber],
        *,
        every: float,
        chance: random.Random,
        faults: tuple[str, ...] = (),
    ) -> None:
        self._world, self._numbers, self._every, self._chance = world, numbers, every, chance
        self._faults = faults or FAULTS
        self.done: Counter[str] = Counter()
        self.healed: Counter[str] = Counter()
        self._healing: dict[str, asyncio.Task[None]] = {}

    async def run(self, seconds: float) -> None:
        """One fault every few seconds; each kind once before any comes twice. Meanwhile the owner heals."""
        owner = asyncio.create_task(self._heal_forever())
        end, left = time.monotonic() + seconds, []
        try:
            while time.monotonic() + self._every < end:
                await asyncio.sleep(self._every)
                left = left or self._chance.sample(self._faults, len(self._faults))
                fault = left.pop()
                self.done[fault] += 1
                await self._do(fault)
        finally:
            owner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await owner

    async def _do(self, fault: str) -> None:
        number, lab = self._chance.choice(self._numbers), self._world.lab
        if fault == "socket cut":
            await lab.command("kick", phone=number.phone)
        elif fault == "all sockets cut":
            await lab.command("kick")
        elif fault in REFUSALS:
            await lab.command("refuse", phone=number.phone, code=REFUSALS[fault])
            await lab.command("kick", phone=number.phone)
        elif fault == "poison receipt":
            await lab.command("poison", phone=number.phone)
        elif fault == "acknowledgements dropped":
            await lab.command("drop_acks", phone=number.phone, times=1)
        elif fault == "bridge killed":
            for pid in self._world.bridges()[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        elif fault == "app killed":
            await self._world.kill_everything()

    async def relent(self, seconds: float = 240) -> float:
        """Every number is linked and open. How long that took. Raises: TimeoutError."""
        began = time.monotonic()
        await self._world.until(self._all_open, seconds=seconds)
        return time.monotonic() - began

    async def _all_open(self) -> bool:
        await self._heal()
        await asyncio.sleep(_LOOK_SECONDS / 4)
        states = [(await self._world.channel(number))["status"] for number in self._numbers]
        return all(status == "open" for status in states)

    async def _heal_forever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self._heal()

    async def _heal(self) -> None:
        """What waits for its owner is connected or linked again, each number by a task of its own."""
        for number in self._numbers:
            if number.id not in self._healing:
                state = await self._world.channel(number)
                if state["status"] in (*_LINK_AGAIN, *_CONNECT_AGAIN) and not state.get("retry_at"):
                    task = asyncio.create_task(self._mend(number, state["status"], state["reason"]))
                    self._healing[number.id] = task

    async def _mend(self, number: WireNumber, status: str, reason: str) -> None:
        self.healed[f"healed: {status} {reason}"] += 1
        try:
            if status in _LINK_AGAIN:
                await self._world.link(number)
            else:
                await self._world.call("POST", f"/api/v1/channels/{number.id}/connect", owner=number.owner)
                await asyncio.sleep(_LOOK_SECONDS)
        except (TimeoutError, RuntimeError) as error:  # the world fell meanwhile: looked at anew
            self.healed[f"not healed at once: {error}"[:60]] += 1
        finally:
            del self._healing[number.id]
