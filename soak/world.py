"""A served app of its own that can be hurt: its worker, its watcher and its database are processes to kill."""

import asyncio
import base64
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from saasbot.infra.roles import DATABASE, database_urls, embedded_cluster
from saasbot.infra.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
PASSWORD = "a horse, a battery & 1 staple"
NUMBERS_A_COMPANY = 20
_AWAY = (502, 503, 504)
_LINKED_AT_ONCE = 8


@dataclass
class Number:
    """A simulator number that is linked and shall stay so."""

    id: str
    owner: str
    """The e-mail address of its company's owner."""


def owner_of(company: int) -> str:
    return f"soak{company}@soak.example"


class World:
    """`start` and `close` around everything; between them parts of it die."""

    def __init__(self, port: int) -> None:
        self.url = f"http://localhost:{port}"
        self._folder = tempfile.TemporaryDirectory(prefix="saasbot-soak-")
        Path(self._folder.name).chmod(0o755)
        others = {name: value for name, value in os.environ.items() if not name.startswith("SAASBOT_")}
        self.environment = others | {
            "SAASBOT_DATA_DIR": self._folder.name,
            "SAASBOT_PORT": str(port),
            "SAASBOT_AGENT_DEBOUNCE_MS": "300",
            "SAASBOT_SECRET_KEYS": base64.b64encode(os.urandom(32)).decode(),
        }
        self._settings = self._own_settings()
        self._app: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}
        self._signing_in: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._http = httpx2.AsyncClient(trust_env=False, timeout=30, limits=httpx2.Limits(max_connections=64))

    def _own_settings(self) -> Settings:
        before = dict(os.environ)
        os.environ |= {name: value for name, value in self.environment.items() if name.startswith("SAASBOT_")}
        try:
            return load_settings()
        finally:
            os.environ.clear()
            os.environ |= before

    async def start(self) -> None:
        """Afterwards pages are served."""
        log = (Path(self._folder.name) / "app.log").open("ab")
        self._app = subprocess.Popen(
            [sys.executable, "-m", "saasbot", "run"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
        )
        await self.until(self._served_or_ended, seconds=300)
        if self._app.poll() is not None:
            raise RuntimeError(f"the app did not start:\n{self.complaints(20)}")

    async def _served_or_ended(self) -> bool:
        assert self._app is not None
        return self._app.poll() is not None or await self.serves()

    def complaints(self, most: int = 120) -> str:
        """The end of what the app logged as an error, traces included."""
        text = (Path(self._folder.name) / "app.log").read_text(errors="replace")
        lines = [line for line in text.splitlines() if "[info " not in line]
        return "\n".join(lines[-most:])

    async def close(self) -> None:
        """Nothing of it runs any more."""
        await self._http.aclose()
        if self._app is not None:
            self._app.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self._app.wait, 60)
        await asyncio.to_thread(embedded_cluster(self._settings).stop)
        self._folder.cleanup()

    @property
    def superuser_url(self) -> str:
        return embedded_cluster(self._settings).ensure_running().superuser_url(DATABASE)

    async def serves(self, url: str = "") -> bool:
        try:
            answer = await self._http.get(f"{url or self.url}/api/v1/health")
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    async def call(self, method: str, path: str, *, owner: str = "", key: str = "", **body: Any) -> Any:
        """The JSON answer, asked for again and again while the app is away: a request must be safe to repeat.

        `owner` asks, when given; whoever's token has run out signs in again.
        """
        while True:
            token = self._tokens[owner] if owner else ""
            headers = {"Authorization": f"Bearer {token}"} if owner else {}
            if key:
                headers["Idempotency-Key"] = key
            try:
                answer = await self._http.request(method, self.url + path, json=body or None, headers=headers)
            except httpx2.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code in _AWAY or "idempotency_in_progress" in answer.text:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 401 and owner:
                await self._sign_in(owner, instead_of=token)
                continue
            if answer.status_code >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            return answer.json() if answer.content else None

    async def _sign_in(self, owner: str, *, instead_of: str) -> None:
        """Once, whoever finds at the same time that the token has run out: many at once would be taken for guessing."""
        async with self._signing_in[owner]:
            if self._tokens[owner] == instead_of:
                signed_in = await self.call("POST", "/api/v1/auth/login", email=owner, password=PASSWORD)
                self._tokens[owner] = signed_in["access_token"]

    async def people(self, count: int, *, answering: float = 1.0) -> list[Number]:
        """Companies with linked and open numbers, `count` numbers in all. In `answering` of the companies, and in at least one,
        the bot answers; in the others people do."""
        numbers: list[Number] = []
        while len(numbers) < count:
            company = len(numbers) // NUMBERS_A_COMPANY
            owner = owner_of(company)
            made = await self.call(
                "POST",
                "/api/v1/auth/register",
                company_name=f"Soak {company}",
                name="Alice",
                email=owner,
                password=PASSWORD,
                accept_terms=True,
            )
            self._tokens[owner] = made["access_token"]
            if company >= max(1, answering * count / NUMBERS_A_COMPANY):
                await self.call("PUT", "/api/v1/company/bot", owner=owner, enabled=False)
            for _ in range(min(NUMBERS_A_COMPANY, count - len(numbers))):
                name = f"Number {len(numbers)}"
                channel = await self.call("POST", "/api/v1/channels", owner=owner, kind="simulator", name=name)
                numbers.append(Number(channel["id"], owner))
        gate = asyncio.Semaphore(_LINKED_AT_ONCE)
        await asyncio.gather(*(self._link(number, index, gate) for index, number in enumerate(numbers)))
        return numbers

    async def _link(self, number: Number, index: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            await self.call("POST", f"/api/v1/channels/{number.id}/connect", owner=number.owner)
            await self.until(lambda: self._is(number, "pending_qr"), seconds=120)
            await self.call("POST", f"/sim/v1/channels/{number.id}/scan", phone=str(5491160000000 + index))
            await self.until(lambda: self._is(number, "open"), seconds=120)

    async def _is(self, number: Number, status: str) -> bool:
        return (await self.call("GET", f"/api/v1/channels/{number.id}", owner=number.owner))["status"] == status

    async def until(self, ask: Callable[[], Any], *, seconds: float) -> None:
        """Returns when `await ask()` is true. Raises: TimeoutError."""
        end = time.monotonic() + seconds
        while not await ask():
            if time.monotonic() > end:
                raise TimeoutError("it did not come true in time")
            await asyncio.sleep(0.2)

    # What can be killed

    def worker(self) -> int | None:
        """The process that serves, runs jobs and holds the simulated numbers; its watcher starts another when it dies."""
        assert self._app is not None
        children = Path(f"/proc/{self._app.pid}/task/{self._app.pid}/children")
        found = [int(pid) for pid in children.read_text().split()] if children.exists() else []
        serving = [pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return serving[-1] if serving else None

    def signal_worker(self, number: signal.Signals) -> None:
        """Nothing happens while there is none."""
        pid = self.worker()
        if pid is not None:
            os.kill(pid, number)

    async def kill_everything(self) -> None:
        """Watcher and worker, as by a power cut of the app's machine; the database goes on. Then it is started again."""
        assert self._app is not None
        self._app.kill()
        await asyncio.to_thread(self._app.wait)
        await asyncio.sleep(0.5)
        await self.start()

    async def second_server(self, seconds: float) -> None:
        """Another machine's server on the same database for so long, from when it serves; then it is killed.

        What only it has (its spool) is kept for the next one. The one that holds a number goes on with it, so this one takes
        numbers up when the first dies.
        """
        port = int(self.environment["SAASBOT_PORT"]) + 1
        folder = Path(self._folder.name) / "second"
        folder.mkdir(exist_ok=True)
        others = {"SAASBOT_DATA_DIR": str(folder), "SAASBOT_PORT": str(port), "SAASBOT_DEMO": "0"}
        database = {"SAASBOT_DATABASE_URL": database_urls(self._settings).owner}
        with (folder / "app.log").open("ab") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "saasbot", "run"],
                cwd=ROOT,
                env=self.environment | others | database,
                stdout=log,
                stderr=log,
            )
        try:
            with contextlib.suppress(TimeoutError):
                await self.until(lambda: self.serves(f"http://localhost:{port}"), seconds=60)
            await asyncio.sleep(seconds)
        finally:
            server.kill()
            await asyncio.to_thread(server.wait)

    async def restart_database(self, number: signal.Signals) -> None:
        """SIGINT: fast, connections are cut; SIGQUIT: immediate, as a crash, with recovery at the start."""
        cluster = embedded_cluster(self._settings)
        pid = int((Path(self._folder.name) / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, number)
        while Path(f"/proc/{pid}").exists():
            await asyncio.sleep(0.05)
        await asyncio.to_thread(cluster.ensure_running)
