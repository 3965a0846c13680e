"""The phones on screen, in a real browser: scan, write from both sides, and break the network."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.browser import NewOwner, OpenTab, Owner
from tests.fixtures.simulator import until

ANA = "5491155550001"


async def number_with_a_qr(owner: Owner) -> str:
    """A simulated number of the owner's that shows its QR."""
    made = await owner.api.post("/channels", json={"kind": "simulator", "name": "Tienda"})
    assert made.status_code == 201, made.text
    channel_id = made.json()["id"]
    await owner.api.post(f"/channels/{channel_id}/connect")
    return channel_id


async def messages(owner: Owner) -> list[dict[str, Any]]:
    """Of the only conversation, oldest first."""
    found = (await owner.api.get("/conversations")).json()["data"]
    if not found:
        return []
    return list(reversed((await owner.api.get(f"/conversations/{found[0]['id']}/messages")).json()["data"]))


async def write(page: Page, text: str, *, sender: str = ANA, name: str = "Ana Pérez") -> None:
    await page.fill("#phone-from", sender)
    await page.fill("#phone-name", name)
    await page.fill("#phone-text", text)
    await page.click("#phone-send")


@pytest.fixture
async def owner(new_owner: NewOwner) -> Owner:
    owner = await new_owner()
    await owner.api.put("/company/bot", json={"enabled": False})  # people answer in these tests
    return owner


async def test_scan_write_and_be_answered(owner: Owner, open_tab: OpenTab):
    page = await open_tab(owner, "/phone")
    await expect(page.locator("h1")).to_have_text("Teléfono simulado")
    await number_with_a_qr(owner)
    await page.click("#phone-scan")  # appears by itself when the QR is on screen somewhere
    await expect(page.locator("#phone-status")).to_have_attribute("data-status", "open")

    await write(page, "Hola, ¿tienen <b>42</b>?")
    bubble = page.get_by_test_id("phone-message").first
    await expect(bubble).to_contain_text("Hola, ¿tienen <b>42</b>?")
    await expect(bubble).to_have_attribute("data-tick", "delivered")
    await expect(page.locator("#phone-text")).to_have_value("")
    await expect(page.locator("#phone-from")).to_have_value(ANA)

    async def arrived() -> list[dict[str, Any]]:
        return await messages(owner)

    (message,) = await until(arrived, "Ana's message")
    assert (message["text"], message["author"]) == ("Hola, ¿tienen <b>42</b>?", "customer")
    conversation = (await owner.api.get("/conversations")).json()["data"][0]
    assert conversation["contact"]["name"] == "Ana Pérez"

    answer = await owner.api.post(f"/conversations/{conversation['id']}/messages", json={"text": "Sí, en rojo"})
    assert answer.status_code in (201, 202), answer.text
    await expect(page.locator("[data-by=number]")).to_contain_text("Sí, en rojo")

    async def read() -> bool:
        return (await messages(owner))[-1]["status"] == "read"

    await until(read, "the answer is read")


async def test_the_owner_answers_on_the_phone_itself_and_faults_show_at_once(owner: Owner, open_tab: OpenTab):
    await number_with_a_qr(owner)
    page = await open_tab(owner, "/phone")
    await page.click("#phone-scan")
    await expect(page.locator("#phone-status")).to_have_attribute("data-status", "open")
    await write(page, "¿Hay alguien?")
    await expect(page.get_by_test_id("phone-message")).to_have_count(1)
    await page.click("#phone-attach")
    await page.click("#phone-send-location")
    await expect(page.locator("[data-kind=location]")).to_be_visible()

    await page.click("#phone-as-owner")
    await page.fill("#phone-text", "Sí, soy Lucía")
    await page.press("#phone-text", "Enter")
    await expect(page.locator("[data-by=phone]")).to_have_attribute("data-tick", "read")

    async def three() -> list[dict[str, Any]]:
        found = await messages(owner)
        return found if len(found) == 3 else []

    found = await until(three, "both sides in the inbox")
    assert [(m["author"], m["type"]) for m in found] == [
        ("customer", "text"),
        ("customer", "location"),
        ("phone", "text"),
    ]

    await page.click("#fault-disconnect")
    await expect(page.locator("#phone-status")).to_have_attribute("data-status", "reconnecting")
    await page.click("#faults-clear")
    await expect(page.locator("#phone-status")).to_have_attribute("data-status", "open")
    await page.click("#fault-logout")
    await expect(page.locator("#phone-status")).to_have_attribute("data-status", "logged_out")
    await expect(page.locator("#phone-send")).to_be_disabled()


async def test_nobody_sees_the_phones_of_another_company(owner: Owner, new_owner: NewOwner, open_tab: OpenTab):
    await number_with_a_qr(owner)
    mallory = await new_owner("Mallory & Co", "Mallory")
    page = await open_tab(mallory, "/phone")
    await expect(page.locator("main")).to_contain_text("Todavía no hay un número simulado")
    assert await page.locator("#phone-scan").count() == 0


async def test_the_past_is_chosen_where_a_number_is_linked_and_comes_with_it(owner: Owner, open_tab: OpenTab):
    channel_id = await number_with_a_qr(owner)
    page = await open_tab(owner, "/channels")
    choice = page.get_by_role("radiogroup", name="Chats anteriores")
    await expect(choice.get_by_role("radio", name="Ninguno")).to_have_attribute("aria-checked", "true")
    code = await page.locator("#channel-qr").get_attribute("data-code")
    await choice.get_by_role("radio", name="30 días").click()
    await expect(choice.get_by_role("radio", name="30 días")).to_have_attribute("aria-checked", "true")
    await expect(page.locator("#channel-qr")).to_have_attribute("data-code", code or "")  # the code stays

    phone = await open_tab(owner, "/phone")
    await phone.locator("#phone-scan").click()

    async def complete() -> dict[str, Any] | None:
        history = (await owner.api.get(f"/channels/{channel_id}")).json()["history"]
        return history if history["finished_at"] else None

    history = await until(complete, "the earlier chats", 60)
    assert history["messages"] > 50 and history["chats"] == 6
    await page.get_by_role("button", name="Detalles").click()
    await expect(page.locator("[data-fact=history] dd")).to_have_text(f"{history['messages']} mensajes en 6 chats")
    found = (await owner.api.get("/conversations")).json()["data"]
    assert [conversation["unread"] for conversation in found] == [0] * 6
