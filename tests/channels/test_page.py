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


async def test_the_settings_say_what_is_wrong_and_hide_what_is_secret(new_owner: NewOwner, open_tab: OpenTab) -> None:
    owner = await new_owner()
    made = await owner.api.post("/channels", json={"kind": "simulator", "name": "Mostrador"})
    settings = f"/channels/{made.json()['id']}/settings"
    page = await open_tab(owner, "/channels")
    gear = page.get_by_role("button", name="Ajustes de Mostrador")
    await gear.focus()
    await page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Ajustes de Mostrador")
    await sheet.get_by_label("Máximo por hora").fill("60")
    await sheet.get_by_label("Silencio desde las").fill("22:00")
    await sheet.get_by_label("Rechazar las llamadas").check()
    await sheet.get_by_label("Dirección").fill("socks5://ana:secreto@proxy.example:1080")
    await sheet.get_by_role("button", name="Guardar").click()
    await expect(sheet.get_by_text("Las horas de silencio necesitan un comienzo y un fin.")).to_be_visible()
    await expect(sheet.get_by_label("hasta las")).to_be_focused()
    assert (await owner.api.get(settings)).json()["hourly_limit"] is None

    await sheet.get_by_label("hasta las").fill("08:30")
    await sheet.get_by_role("button", name="Guardar").click()
    await expect(sheet).to_have_count(0)
    await expect(gear).to_be_focused()
    stored = (await owner.api.get(settings)).json()
    assert (stored["hourly_limit"], stored["quiet_from"], stored["quiet_until"]) == (60, "22:00", "08:30")
    assert (stored["reject_calls"], stored["proxy"]) == (True, "socks5://•••@proxy.example:1080")

    await gear.click()
    await expect(sheet.get_by_label("Dirección")).to_have_value("socks5://•••@proxy.example:1080")
    await expect(sheet.get_by_label("Máximo por hora")).to_have_value("60")
    await sheet.get_by_label("Máximo por hora").fill("")
    await sheet.get_by_role("button", name="Guardar").click()
    await expect(sheet).to_have_count(0)
    stored = (await owner.api.get(settings)).json()
    assert (stored["hourly_limit"], stored["proxy"]) == (None, "socks5://•••@proxy.example:1080")
