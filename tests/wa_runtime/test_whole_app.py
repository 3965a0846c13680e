"""The served app with a real WhatsApp number: killed as by a power cut and started again, it goes on as if nothing were."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, expect

from tests.fixtures.server import RunningServer, StartServer
from tests.fixtures.simulator import until
from tests.wa_runtime.conftest import Customer
from tests.wire_lab import WireLab

SECONDS = 90.0
PHONE, STOPPED_PHONE = "5491166660001", "5491166660002"


class Shop:
    """A company over REST."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.client = httpx2.AsyncClient(base_url=f"{server.url}/api/v1", trust_env=False, timeout=30)

    async def register(self) -> None:
        answer = await self.client.post(
            "/auth/register",
            json={
                "company_name": "Zapatería Luna",
                "name": "Alice",
                "email": "alice@luna.example",
                "password": "a long enough one",
                "accept_terms": True,
            },
        )
        assert answer.status_code == 201, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def call(self, method: str, path: str, **body: Any) -> Any:
        answer = await self.client.request(method, path, json=body or None)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def channel_is(self, channel_id: str, status: str) -> None:
        async def reached() -> bool:
            return (await self.call("GET", f"/channels/{channel_id}"))["status"] == status

        await until(reached, f"channel {status}", SECONDS)

    async def heard(self, text: str) -> dict[str, Any]:
        """The conversation whose last message is this one."""

        async def found() -> dict[str, Any] | None:
            for conversation in (await self.call("GET", "/conversations"))["data"]:
                for message in (await self.call("GET", f"/conversations/{conversation['id']}/messages"))["data"]:
                    if message["text"] == text:
                        return conversation
            return None

        return await until(found, f"the message {text!r}", SECONDS)


@pytest.fixture
async def shop(lab: WireLab, start_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    server = await asyncio.to_thread(start_server)
    made = Shop(server)
    yield made
    await made.client.aclose()
    await asyncio.to_thread(server.stop)


async def test_a_killed_app_opens_its_number_again_without_a_qr(shop: Shop, lab: WireLab, customer: Customer):
    await shop.register()
    channel_id = (await shop.call("POST", "/channels", kind="whatsapp", name="Tienda"))["id"]
    await shop.call("POST", f"/channels/{channel_id}/connect")
    await shop.channel_is(channel_id, "pending_qr")
    qr = await shop.call("GET", f"/channels/{channel_id}/qr")
    await lab.scan(qr["code"], phone=PHONE, lid=f"99{PHONE}")
    await shop.channel_is(channel_id, "open")
    await lab.deliver("antes del corte", phone=PHONE, **vars(customer))
    conversation = await shop.heard("antes del corte")
    logins = await lab.logins()

    await asyncio.to_thread(shop.server.kill)
    await asyncio.to_thread(shop.server.start)

    async def logged_in_again() -> bool:
        return await lab.logins() > logins

    await until(logged_in_again, "the number logged in again", SECONDS)
    await shop.channel_is(channel_id, "open")
    await shop.call("POST", f"/conversations/{conversation['id']}/messages", text="después del corte")

    async def delivered() -> bool:
        return [m["text"] for m in await lab.sent(PHONE)][-1:] == ["después del corte"]

    await until(delivered, "the answer on the customer's phone", SECONDS)
    await lab.deliver("¿y ahora?", phone=PHONE, **vars(customer))
    assert (await shop.heard("¿y ahora?"))["id"] == conversation["id"]


async def test_a_stop_with_a_send_in_hand_takes_twenty_seconds_at_most_and_loses_nothing(
    shop: Shop, lab: WireLab, customer: Customer, chromium: Browser
):
    await shop.register()
    channel_id = (await shop.call("POST", "/channels", kind="whatsapp", name="Tienda"))["id"]
    await shop.call("POST", f"/channels/{channel_id}/connect")
    await shop.channel_is(channel_id, "pending_qr")
    qr = await shop.call("GET", f"/channels/{channel_id}/qr")
    await lab.scan(qr["code"], phone=STOPPED_PHONE, lid=f"99{STOPPED_PHONE}")
    await shop.channel_is(channel_id, "open")
    await lab.deliver("hola", phone=STOPPED_PHONE, **vars(customer))
    conversation = await shop.heard("hola")
    await lab.acknowledge("drop", 100)  # WhatsApp takes the answer and never says so
    await shop.call("POST", f"/conversations/{conversation['id']}/messages", text="en la mano")

    async def in_hand() -> bool:
        return [m["text"] for m in await lab.sent(STOPPED_PHONE)][-1:] == ["en la mano"]

    await until(in_hand, "the answer on the wire", SECONDS)
    await lab.deliver("al cerrar", phone=STOPPED_PHONE, **vars(customer))
    await shop.heard("al cerrar")
    tab = await chromium.new_page()  # its socket never ends by itself
    await tab.goto(f"{shop.server.url}/login")
    await expect(tab.locator("#email")).to_be_visible()
    bridges = _bridges(shop.server)
    assert bridges
    began = time.monotonic()
    await asyncio.to_thread(shop.server.stop)

    async def bridges_gone() -> bool:
        return not any(Path(f"/proc/{bridge}").exists() for bridge in bridges)

    await until(bridges_gone, "the bridges gone", 30)
    took = time.monotonic() - began
    assert took < 20, took
    await tab.close()
    await lab.acknowledge("ok")
    await asyncio.to_thread(shop.server.start)

    async def told() -> bool:
        messages = (await shop.call("GET", f"/conversations/{conversation['id']}/messages"))["data"]
        return {m["text"]: m["status"] for m in messages}["en la mano"] == "unconfirmed"

    await until(told, "that nobody knows what became of it", SECONDS)
    assert [m["text"] for m in await lab.sent(STOPPED_PHONE)].count("en la mano") == 1


def _bridges(server: RunningServer) -> list[int]:
    """Process ids of that server's bridges: they inherit its settings."""
    mark = f"SAASBOT_PORT={server.url.rpartition(':')[2]}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            name, environment = (folder / "comm").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if name == b"wa-bridge\n" and mark in environment:
            found.append(int(folder.name))
    return found
