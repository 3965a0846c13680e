"""The served app: a customer's message to the DOM of an open inbox, memory of each part, and the second start."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import websockets
from playwright.async_api import Page, async_playwright

from bench.report import Figure, latencies
from saasbot.infra.roles import embedded_cluster
from saasbot.infra.settings import load_settings
from tests.fixtures.browser import CHROMIUM, FLAGS
from tests.story.shop import ANA, PASSWORD, Shop, until
from tests.wire_lab import ABSENT, WireLab

PORT, MESSAGES = 3999, 60
ROOT = Path(__file__).parents[1]

_WATCH = """() => {
  window.__seen = {};
  window.__told = {};
  new MutationObserver(records => {
    const now = performance.timeOrigin + performance.now();  // before our own search, which is not what is measured
    const nodes = records.flatMap(record => [record.target, ...record.addedNodes]);
    for (const found of nodes.map(node => node.textContent).join(" ").matchAll(/bench-\\d+-mark/g)) {
      window.__seen[found[0]] ??= now;
      window.__told[found[0]]?.(window.__seen[found[0]]);
    }
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""

# Waits without polling: a page that is asked at every frame draws every frame, and takes a core for it.
_WHEN_SEEN = "mark => window.__seen[mark] ?? new Promise(tell => { window.__told[mark] = tell; })"


def measure() -> list[Figure]:
    return asyncio.run(_measure())


async def _measure() -> list[Figure]:
    lab = None if ABSENT else await WireLab().start()
    with tempfile.TemporaryDirectory(prefix="saasbot-bench-app-") as folder:
        Path(folder).chmod(0o755)
        with _served(folder):
            pass
        started = time.perf_counter()
        with _served(folder, **(lab.env if lab else {})) as server:
            second = Figure("second start to first page", round(time.perf_counter() - started, 1), "s", 1, "≤ 15")
            shop = await asyncio.to_thread(Shop, f"http://localhost:{PORT}", f"bench{int(time.time())}")
            await asyncio.to_thread(shop.open_number)
            live = await _to_the_dom(shop)
            if lab is not None:
                await _open_real_number(shop, lab)
            memory = _memory(server.pid, Path(folder))
    if lab is not None:
        await lab.stop()
    return [second, *live, *memory]


@contextmanager
def _served(folder: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("SAASBOT_")}  # other measures'
    environment = others | {"SAASBOT_DATA_DIR": folder, "SAASBOT_PORT": str(PORT), "SAASBOT_DEMO": "1"} | more
    server = subprocess.Popen(
        [sys.executable, "-m", "saasbot", "run"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        until(_first_page, seconds=600)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        os.environ["SAASBOT_DATA_DIR"] = folder
        embedded_cluster(load_settings()).stop()


def _first_page() -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{PORT}/login", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


async def _open_real_number(shop: Shop, lab: WireLab) -> None:
    """A WhatsApp number on the wire lab: its bridge is then there to be weighed."""
    channel = await asyncio.to_thread(shop.call, "POST", "/channels", {"kind": "whatsapp", "name": "Bench"})
    await asyncio.to_thread(shop.call, "POST", f"/channels/{channel['id']}/connect")

    def status() -> str:
        return shop.call("GET", f"/channels/{channel['id']}")["status"]

    await asyncio.to_thread(until, lambda: status() == "pending_qr")
    qr = await asyncio.to_thread(shop.call, "GET", f"/channels/{channel['id']}/qr")
    await lab.scan(qr["code"])
    await asyncio.to_thread(until, lambda: status() == "open")


async def _to_the_dom(shop: Shop) -> list[Figure]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        bare = await _bare_push(await browser.new_page())
        await page.goto(f"{shop.url}/login")
        await page.fill("#email", shop.email)
        await page.fill("#password", PASSWORD)
        await page.click("#submit")
        await page.wait_for_url(lambda url: "/login" not in url)
        await asyncio.to_thread(shop.write, "hola", id="FIRST")
        await page.goto(f"{shop.url}/inbox")
        await page.get_by_test_id("conversation-row").first.click()
        await page.wait_for_selector("[data-testid=message]")
        await asyncio.to_thread(shop.call, "POST", f"/conversations/{shop.conversation()['id']}/take-over")
        await page.evaluate(_WATCH)
        taken = []
        phone = httpx2.AsyncClient(base_url=f"{shop.url}/sim/v1/channels/{shop.channel_id}", trust_env=False)
        for i in range(MESSAGES + 5):
            mark, sent = f"bench-{i}-mark", time.time()
            body = {"from": ANA, "name": "Ana", "type": "text", "text": mark, "id": f"B{i}"}
            (await phone.post("/messages", json=body)).raise_for_status()
            taken.append(await page.evaluate(_WHEN_SEEN, mark) - sent * 1000)
            await asyncio.sleep(0.4)  # one at a time: what follows a message (read marks, their receipts) is over
        await phone.aclose()
        await browser.close()
    ours = latencies("simulator inbound → DOM of an open inbox", taken[5:], p50="≤ 40", p95="≤ 100")
    return [*ours, *latencies("raw: a bare push to the DOM", bare)]


async def _bare_push(page: Page) -> list[float]:
    """A websocket that writes one text into an empty page: what browser and event loop allow."""
    taken: list[float] = []
    connected: asyncio.Future[websockets.ServerConnection] = asyncio.get_running_loop().create_future()

    async def keep(connection: websockets.ServerConnection) -> None:
        connected.set_result(connection)
        await connection.wait_closed()

    # the page comes from the same server: a browser lets no page from elsewhere (about:blank included) reach loopback
    async with websockets.serve(keep, "127.0.0.1", 0, process_request=_empty_page) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await page.goto(f"http://127.0.0.1:{port}/")
        await page.evaluate(_WATCH)
        await page.evaluate(
            "() => { const s = new WebSocket(`ws://${location.host}/socket`);"
            " s.onmessage = e => { const p = document.createElement('p'); p.textContent = e.data;"
            " document.body.append(p); }; }"
        )
        connection = await asyncio.wait_for(connected, 30)
        for i in range(MESSAGES):
            mark, sent = f"bench-{i}-mark", time.time()
            await connection.send(mark)
            taken.append(await page.evaluate(_WHEN_SEEN, mark) - sent * 1000)
    await page.close()
    return taken


def _empty_page(_connection: websockets.ServerConnection, request: websockets.Request) -> websockets.Response | None:
    if request.path == "/socket":
        return None
    return websockets.Response(200, "OK", websockets.Headers({"Content-Type": "text/html"}), b"<body></body>")


def _memory(run_pid: int, folder: Path) -> list[Figure]:
    """Proportional set sizes (smaps_rollup), so that shared pages count once."""
    figures = []
    processes = _processes()
    children = {pid for pid in processes if run_pid in _ancestors(pid, processes)} | {run_pid}
    postgres = {pid for pid, (_, command) in processes.items() if str(folder) in command and "postgres" in command}
    postgres |= {pid for pid, (parent, _) in processes.items() if parent in postgres}
    runtime = {pid for pid in children if "wa_runtime.nursery" in processes[pid][1]}
    bridges = {pid for pid in runtime if processes[pid][0] in runtime}  # forked from the nursery
    app = children - postgres - runtime
    largest = max(app, key=_pss, default=run_pid)
    figures.append(Figure("memory: app process", round(_pss(largest)), "MB", 1, "≤ 250"))
    figures.append(Figure("memory: launcher and watcher", round(sum(map(_pss, app - {largest}))), "MB", len(app) - 1))
    figures.append(Figure("memory: embedded PostgreSQL", round(sum(map(_pss, postgres))), "MB", len(postgres)))
    for pid in sorted(runtime - bridges):
        figures.append(Figure("memory: nursery of the bridges", round(_pss(pid)), "MB", 1))
    for pid in sorted(bridges)[:1]:
        figures.append(Figure("memory: one bridge process", round(_pss(pid)), "MB", 1))
    return figures


def _processes() -> dict[int, tuple[int, str]]:
    """Pid to (parent, command line)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                command = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            found[int(entry.name)] = (int(stat[stat.rindex(")") + 2 :].split()[1]), command)
    return found


def _ancestors(pid: int, processes: dict[int, tuple[int, str]]) -> set[int]:
    found = set()
    while pid in processes and (pid := processes[pid][0]) not in found:
        found.add(pid)
    return found


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
