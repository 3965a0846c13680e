"""A served app whose numbers are real neonize numbers on the wire lab, linked as an owner links them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soak.world import PASSWORD, Number, World
from tests.wire_lab import ABSENT, WireLab

OWNER = "alice@wire.example"
_LINKED_AT_ONCE = 4
_LINK_SECONDS = 180
_SERVER = Path(__file__).with_name("wire_lab_server.py")


class BookkeepingLab(WireLab):
    """The lab with `wire_lab_server.py` of this folder: see there for its commands."""

    server = _SERVER


@dataclass
class WireNumber(Number):
    """A number and the phone that it belongs to."""

    phone: str = ""


class WireWorld(World):
    """`start` and `close` around everything. `lab` is WhatsApp."""

    def __init__(self, port: int, lab: WireLab, **chosen: str) -> None:
        """`chosen`: settings without their prefix."""
        super().__init__(port)
        self.lab = lab
        self.environment |= lab.env | {f"SAASBOT_{name}": value for name, value in chosen.items()}

    async def whatsapp_numbers(self, count: int) -> list[WireNumber]:
        """One company's numbers, linked by a scan of the QR that REST shows, and open."""
        made = await self.call(
            "POST",
            "/api/v1/auth/register",
            company_name="Wire",
            name="Alice",
            email=OWNER,
            password=PASSWORD,
            accept_terms=True,
        )
        self._tokens[OWNER] = made["access_token"]
        gate = asyncio.Semaphore(_LINKED_AT_ONCE)
        numbers = []
        for index in range(count):
            channel = await self.call("POST", "/api/v1/channels", owner=OWNER, kind="whatsapp", name=f"Number {index}")
            numbers.append(WireNumber(channel["id"], OWNER, str(5491160000000 + index)))
        await asyncio.gather(*(self.link(number, gate) for number in numbers))
        return numbers

    async def link(self, number: WireNumber, gate: asyncio.Semaphore | None = None) -> None:
        """A phone scans the code of the number, and the next one should that fail, until it opens. Raises: TimeoutError."""
        scanned: set[str] = set()

        async def opened() -> bool:
            status = (await self.channel(number))["status"]
            if status == "pending_qr":
                await self._scan(number, scanned)
            elif status in ("failed", "closed", "logged_out", "banned") and scanned:
                await self.call("POST", f"/api/v1/channels/{number.id}/connect", owner=number.owner)
            return status == "open"

        async with gate or contextlib.nullcontext():
            await self.call("POST", f"/api/v1/channels/{number.id}/connect", owner=number.owner)
            await self.until(opened, seconds=_LINK_SECONDS)

    async def _scan(self, number: WireNumber, scanned: set[str]) -> None:
        try:
            code = (await self.call("GET", f"/api/v1/channels/{number.id}/qr", owner=number.owner))["code"]
            if code not in scanned:
                scanned.add(code)
                await self.lab.command("pair", qr=code, phone=number.phone)
        except RuntimeError:
            return  # a code that is over by now: the next look sees another

    async def channel(self, number: WireNumber) -> dict[str, Any]:
        return await self.call("GET", f"/api/v1/channels/{number.id}", owner=number.owner)

    def complaints(self, most: int = 120) -> str:
        """The app's, and the end of what each of its processes printed."""
        logs = sorted((Path(self._folder.name) / "logs").glob("*.log"))
        parts = [f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs]
        return "\n".join([super().complaints(most), *parts])

    def bridges(self) -> list[int]:
        """The processes that hold numbers; those that link one are not among them."""
        return self._named("wa-bridge")

    def nurseries(self) -> list[int]:
        """The process that the bridges are forked from; two while one is being replaced."""
        return self._named("wa-nursery")

    def _named(self, name: str) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                inherited = (folder / "environ").read_bytes().split(b"\0")
                ours = f"SAASBOT_DATA_DIR={self._folder.name}".encode() in inherited
                if ours and (folder / "comm").read_text().strip() == name:
                    found.append(int(folder.name))
        return sorted(found)


@contextlib.asynccontextmanager
async def wire_world(port: int, **chosen: str) -> AsyncIterator[WireWorld]:
    """A world with its lab, running. What the app complained of is printed when something fails."""
    lab = await BookkeepingLab().start()
    world = WireWorld(port, lab, **chosen)
    try:
        await world.start()
        yield world
    except BaseException:
        print(world.complaints(), file=sys.stderr)
        raise
    finally:
        await world.close()
        await lab.stop()


def skipped(what: str, *, required: bool) -> int | None:
    """The exit code when the wire lab is absent, said loudly; nothing when it is there."""
    if not ABSENT:
        return None
    print(f"SKIPPED: {what}: {ABSENT}", file=sys.stderr)
    return 1 if required else 0
