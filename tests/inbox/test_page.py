"""A chat whose number does not send, in a real browser."""

from playwright.async_api import expect

from tests.fixtures.browser import NewOwner, OpenTab


async def test_what_waits_is_taken_back_by_keyboard_and_a_deleted_number_is_not_written_from(
    new_owner: NewOwner, open_tab: OpenTab
) -> None:
    owner = await new_owner()
    made = await owner.api.post("/channels", json={"kind": "simulator", "name": "Mostrador"})
    number = f"/channels/{made.json()['id']}"
    for text in ("Precio mal", "Precio bien"):
        sent = await owner.api.post(f"{number}/messages", json={"to": "+5491150000001", "text": text})
        assert sent.status_code == 202, sent.text
    page = await open_tab(owner, "/inbox")
    await page.get_by_test_id("conversation-row").click()
    await expect(page.get_by_text("Este número está apagado")).to_be_visible()
    wrong, right = page.get_by_test_id("message").first, page.get_by_test_id("message").last
    await expect(wrong).to_have_attribute("data-status", "queued")

    await wrong.locator("[data-menu]").focus()
    await page.keyboard.press("Enter")
    entry = page.get_by_role("menuitem", name="No enviar")
    await entry.focus()
    await page.keyboard.press("Enter")
    await expect(wrong).to_have_attribute("data-status", "failed")
    await expect(wrong).to_contain_text("No se envió: se canceló antes de que saliera.")
    await expect(right).to_have_attribute("data-status", "queued")
    await wrong.get_by_role("button", name="Reenviar").click()
    await expect(page.get_by_test_id("message")).to_have_count(3)
    await expect(wrong).to_contain_text("Se reenvió.")
    await expect(wrong.get_by_role("button", name="Reenviar")).to_have_count(0)

    assert (await owner.api.delete(number)).status_code == 204
    await expect(page.get_by_text("Este número fue eliminado")).to_be_visible()
    await expect(page.locator("#composer")).to_have_count(0)
    await expect(right).to_have_attribute("data-status", "failed")
