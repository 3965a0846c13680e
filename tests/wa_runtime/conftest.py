"""Numbers on the wire lab: processes that hold one each, driven line by line."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from saasbot.infra.roles import DatabaseUrls
from tests.wire_lab import WireLab

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 40


class NumberProcess:
    """What `number_process.py` says, and what it is told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.phone = ""
        self.said: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._numbers = count(1)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.said.append(json.loads(line))
            self._changed.set()
        self.said.append({"kind": "ended"})
        self._changed.set()

    async def until(self, kind: str, after: int = 0, **values: Any) -> dict[str, Any]:
        """The first thing said of that kind, with those values, from position `after` on. Fails when the process ends."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                self._changed.clear()
                for item in self.said[after:]:
                    if item["kind"] == kind and all(item.get(name) == value for name, value in values.items()):
                        return item
                    assert item["kind"] != "ended", f"the process ended before {kind} {values}: {self.said[after:]}"
                await self._changed.wait()

    async def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Tell it and wait for the answer; `error` and `text` when it raised."""
        return await self.until("answer", n=self.tell(what, **arguments))

    def tell(self, what: str, **arguments: Any) -> int:
        assert self.process.stdin is not None
        number = next(self._numbers)
        self.process.stdin.write(json.dumps({"n": number, "do": what, **arguments}).encode() + b"\n")
        return number

    def states(self, after: int = 0) -> list[tuple[str, str | None]]:
        return [(item["status"], item["reason"]) for item in self.said[after:] if item["kind"] == "state"]

    def journalled(self, code: int) -> list[bytes]:
        return [base64.b64decode(i["raw"]) for i in self.said if i["kind"] == "journal" and i["code"] == code]

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reading


Start = Callable[..., Awaitable[NumberProcess]]
_phones = count(5491112340001)
_customers = count(5491155000001)


@dataclass(frozen=True)
class Linked:
    """A number that a phone has linked: what a `hold` process needs."""

    phone: str
    device_jid: str


@dataclass(frozen=True)
class Customer:
    """Somebody who writes to a number; `lab.deliver(..., **vars(customer))`."""

    sender: str
    sender_lid: str

    @property
    def chat(self) -> str:
        return f"{self.sender_lid}@lid"


@pytest.fixture
def phone() -> str:
    """A phone number that no other test uses."""
    return str(next(_phones))


@pytest.fixture
def customer() -> Customer:
    """A customer of this test alone."""
    digits = str(next(_customers))
    return Customer(digits, f"88{digits}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def start(lab: WireLab, session_database: DatabaseUrls) -> AsyncIterator[Start]:
    """`await start("pair"[, phone])` or `await start("hold", device_jid)`; keyword arguments are environment."""
    running: list[NumberProcess] = []

    async def start_one(job: str, *arguments: str, store: str = session_database.wa_store, **env: str) -> NumberProcess:
        environment = os.environ | lab.env | env
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), lab.env["PYTHONPATH"]])
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("number_process.py")),
            job,
            store,
            *arguments,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=1 << 26,
        )
        running.append(NumberProcess(process))
        return running[-1]

    yield start_one
    for number in running:
        await number.end()


Link = Callable[[], Awaitable[Linked]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def link(start: Start, lab: WireLab) -> Link:
    """Link one more number, with a phone of its own."""

    async def link_one() -> Linked:
        phone = str(next(_phones))
        pairing = await start("pair", SETTLE_SECONDS="0.1")
        await lab.scan((await pairing.until("code"))["code"], phone=phone, lid=f"99{phone}")
        return Linked(phone, (await pairing.until("paired"))["device_jid"])

    return link_one


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def linked(link: Link) -> Linked:
    """A linked number that nobody holds between tests."""
    return await link()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def held(link: Link, start: Start) -> tuple[Linked, NumberProcess]:
    shared = await link()
    return shared, await start("hold", shared.device_jid)


@pytest_asyncio.fixture(loop_scope="session")
async def number(held: tuple[Linked, NumberProcess]) -> NumberProcess:
    """A number that is open, shared by the tests that leave it so; its phone is `number.phone`."""
    shared, process = held
    process.phone = shared.phone
    await process.until("state", status="open")
    return process


@pytest_asyncio.fixture(loop_scope="session")
async def silent_proxy() -> AsyncIterator[str]:
    """A proxy that takes connections and never answers."""
    never = asyncio.Event()

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    never.set()
    server.close()
