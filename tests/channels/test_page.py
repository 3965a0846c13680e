"""The details of a number in a real browser, by keyboard."""

import re

from playwright.async_api import expect

from tests.fixtures.browser import NewOwner, OpenTab


async def test_the_details_open_by_keyboard_stay_true_and_close_with_escape(
    new_owner: NewOwner, open_tab: OpenTab
) -> None:
    owner = await new_owner()
    made = await owner.api.post("/channels", json={"kind": "simulator", "name": "Mostrador"})
    number = f"/channels/{made.json()['id']}"
    page = await open_tab(owner, "/channels")
    details = page.get_by_role("button", name="Detalles")
    await details.focus()
    await page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Mostrador")
    await expect(sheet.get_by_text("Nada cambió desde que se agregó el número.")).to_be_visible()
    await expect(sheet.locator("[data-fact=holder] dd")).to_have_text("nadie")

    assert (await owner.api.post(f"{number}/connect")).status_code == 200
    assert (await owner.api.post(f"{number}/disconnect")).status_code == 200
    newest = sheet.locator(".number-history li").first
    await expect(newest).to_contain_text("Apagado")
    await expect(newest).to_contain_text("Lo apagaste.")
    await expect(newest.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))

    await page.reload()  # what the sheet showed is not what is so now: it is closed
    await expect(page.locator("[data-status=closed]").first).to_be_visible()
    await expect(sheet).to_have_count(0)

    await details.focus()
    await page.keyboard.press("Enter")
    await expect(sheet.locator(".number-history li").first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(details).to_be_focused()
