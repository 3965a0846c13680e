"""The first story on a real WhatsApp number, in a browser: linked by its QR, answered, taken over, handed back, killed.

WhatsApp is the wire lab: what the unmodified library does on the wire is real, what WhatsApp's own servers decide is not here.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from saasbot.wa_runtime.protobufs import e2e
from tests.fixtures.server import RunningServer, StartServer
from tests.people import PASSWORD
from tests.wa_runtime.conftest import Customer
from tests.wire_lab import WireLab

QUESTION = "Hola, ¿cuánto cuestan las zapatillas rojas?"
EMAIL = "alice@wire.example"
WAIT = 30_000


@pytest.fixture
async def server(
    lab: WireLab, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningServer]:
    """The served app, whose bridges reach the lab, with a company that sells shoes."""
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    running = await asyncio.to_thread(lambda: start_server(AGENT_DEBOUNCE_MS="200"))
    async with httpx2.AsyncClient(base_url=f"{running.url}/api/v1", trust_env=False, timeout=30) as api:
        owner = {"company_name": "Real", "name": "Alice", "email": EMAIL, "password": PASSWORD, "accept_terms": True}
        token = (await api.post("/auth/register", json=owner)).json()["access_token"]
        shoes = {"title": "Zapatillas rojas", "description": "", "price": 4599000, "currency": "ARS", "active": True}
        made = await api.post("/products", json=shoes, headers={"Authorization": f"Bearer {token}"})
        assert made.status_code == 201, made.text
    yield running
    await asyncio.to_thread(running.stop)


@pytest.fixture
async def page(server: RunningServer, chromium: Browser) -> AsyncIterator[Page]:
    """Alice is signed in."""
    context = await chromium.new_context(locale="es-AR", viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(WAIT)
    await page.goto(f"{server.url}/login")
    await page.fill("#email", EMAIL)
    await page.fill("#password", PASSWORD)
    await page.click("#submit")
    await page.wait_for_url(lambda url: "/login" not in url and "/auth/" not in url)
    yield page
    await context.close()


def by(page: Page, author: str) -> Locator:
    return page.locator(f"[data-testid=message][data-author={author}]")


async def link(page: Page, server: RunningServer, lab: WireLab, phone: str) -> None:
    """A number of kind WhatsApp is added and shows its QR; the phone scans it; the card says open without a reload."""
    await page.goto(f"{server.url}/channels")
    await page.locator("#channel-add").first.click()
    await page.fill("#channel-name", "Tienda")
    await page.locator("input[name=kind][value=whatsapp]").check()
    await page.click("#channel-save")
    qr = page.locator("#channel-qr")
    await expect(qr).to_be_visible(timeout=WAIT)
    code = await qr.get_attribute("data-code")
    assert code is not None and code.startswith("https://wa.me/settings/linked_devices#")
    await lab.scan(code, phone=phone, lid=f"99{phone}")
    await expect(page.locator("#channel-status")).to_have_attribute("data-status", "open", timeout=WAIT)


async def open_chat(page: Page, server: RunningServer) -> None:
    await page.goto(f"{server.url}/inbox")
    await expect(page.get_by_test_id("conversation-row")).to_have_count(1, timeout=WAIT)
    await page.get_by_test_id("conversation-row").click()


async def sent_texts(lab: WireLab, phone: str) -> list[str | None]:
    return [message["text"] for message in await lab.sent(phone)]


async def type_on_the_phone(lab: WireLab, phone: str, customer: Customer, text: str) -> None:
    """The owner answers on the phone itself: WhatsApp tells the linked device of it."""
    inner = e2e.Message(conversation=text)
    wrapped = e2e.Message(deviceSentMessage=e2e.DeviceSentMessage(destinationJID=customer.chat, message=inner))
    await lab.deliver(
        phone=phone,
        e2e=wrapped.SerializeToString(),
        sender=phone,
        sender_lid=f"99{phone}",
        attrs={"recipient": customer.chat, "peer_recipient_pn": f"{customer.sender}@s.whatsapp.net"},
    )


async def test_a_real_number_is_linked_answered_taken_over_and_survives_a_kill(
    page: Page, server: RunningServer, lab: WireLab, phone: str, customer: Customer
):
    await link(page, server, lab, phone)

    await page.goto(f"{server.url}/inbox")
    await lab.deliver(QUESTION, phone=phone, **vars(customer))
    await open_chat(page, server)
    await expect(by(page, "customer").last).to_contain_text(QUESTION)
    answer = by(page, "bot").last
    await expect(answer).to_contain_text(re.compile(r"45\.990"), timeout=WAIT)
    await expect(answer).to_have_attribute("data-status", "sent", timeout=WAIT)
    wa_id = (await lab.sent(phone))[-1]["id"]
    await lab.receipt(wa_id, phone=phone, sender=customer.sender_lid)
    await expect(answer).to_have_attribute("data-status", "delivered", timeout=WAIT)
    await lab.receipt(wa_id, "read", phone=phone, sender=customer.sender_lid)
    await expect(answer).to_have_attribute("data-status", "read", timeout=WAIT)

    await page.click("#take-over")
    await expect(page.locator("#hand-back")).to_be_visible(timeout=WAIT)
    await lab.deliver("¿Sigues ahí?", phone=phone, **vars(customer))
    await expect(by(page, "customer")).to_have_count(2, timeout=WAIT)
    await page.fill("#composer", "Sí, soy Alice")
    await page.click("#composer-send")
    await expect(by(page, "agent").last).to_have_attribute("data-status", "sent", timeout=WAIT)
    assert (await sent_texts(lab, phone))[-1] == "Sí, soy Alice"

    await page.click("#hand-back")
    await expect(page.locator("#take-over")).to_be_visible(timeout=WAIT)
    await lab.deliver(QUESTION, phone=phone, **vars(customer))
    await expect(by(page, "bot")).to_have_count(2, timeout=WAIT)

    await type_on_the_phone(lab, phone, customer, "Te contesto desde el teléfono")
    await expect(by(page, "phone").last).to_contain_text("Te contesto desde el teléfono", timeout=WAIT)
    await expect(page.locator("#hand-back")).to_be_visible(timeout=WAIT)

    logins = await lab.logins()
    sent = await sent_texts(lab, phone)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await page.goto(f"{server.url}/channels")  # still signed in
    await expect(page.locator("#channel-status")).to_have_attribute("data-status", "open", timeout=60_000)
    assert await lab.logins() > logins, "the number has logged in anew, without a QR"
    await lab.deliver("¿Y ahora?", phone=phone, **vars(customer))
    await open_chat(page, server)
    await expect(by(page, "customer")).to_have_count(4, timeout=WAIT)
    await expect(by(page, "bot")).to_have_count(2)
    await expect(by(page, "phone")).to_have_count(1)
    assert await sent_texts(lab, phone) == sent, "a person has this chat, and nothing is sent twice"
    await page.click("#hand-back")
    await expect(page.locator("#take-over")).to_be_visible(timeout=WAIT)
    await lab.deliver(QUESTION, phone=phone, **vars(customer))
    await expect(by(page, "bot")).to_have_count(3, timeout=WAIT)


async def test_without_a_network_the_number_says_so_and_can_be_cancelled(
    page: Page, server: RunningServer, monkeypatch: pytest.MonkeyPatch
):
    await asyncio.to_thread(server.stop)
    server.set_environment(HTTPS_PROXY="http://127.0.0.1:9")  # nobody listens there
    await asyncio.to_thread(server.start)
    await page.goto(f"{server.url}/channels")
    await page.locator("#channel-add").first.click()
    await page.fill("#channel-name", "Sin red")
    await page.locator("input[name=kind][value=whatsapp]").check()
    await page.click("#channel-save")
    dialog = page.get_by_role("dialog", name="Vincular Sin red")
    await expect(dialog).to_contain_text("No se llega a WhatsApp", timeout=WAIT)
    await page.keyboard.press("Escape")
    await expect(page.locator("#channel-status")).to_have_attribute("data-status", "closed", timeout=WAIT)
