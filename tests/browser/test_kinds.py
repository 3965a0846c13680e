"""What people do besides writing: answer, react, edit, delete, ask in a poll. In a browser, with the simulated phone beside it."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.test_story import NewPerson, open_number, owner_and_phone, write_as_ana
from tests.fixtures.server import RunningServer


def do(message: Locator, what: str) -> None:
    """An entry of the message's menu, opened and chosen by keyboard alone."""
    button = message.locator("[data-menu]")
    button.focus()
    button.press("Enter")
    entry = message.page.locator(f"[data-do={what}]")
    entry.focus()
    entry.press("Enter")


def test_answers_reactions_edits_polls_and_deletions(new_person: NewPerson, server: RunningServer) -> None:
    page, phone = owner_and_phone(new_person, server, "Tipos")
    open_number(page, phone, server)
    write_as_ana(phone, "¿Tienen 42?")
    page.goto(f"{server.url}/inbox")
    page.get_by_test_id("conversation-row").first.click()
    asked = page.locator("[data-testid=message][data-direction=inbound]").first

    do(asked, "reply")
    expect(page.get_by_test_id("composer-about")).to_contain_text("¿Tienen 42?")
    page.locator("#composer").press("Escape")
    expect(page.get_by_test_id("composer-about")).to_have_count(0)
    do(asked, "reply")
    page.locator("#composer").fill("Sí, en rojo")
    page.locator("#composer").press("Enter")
    answer = page.locator("[data-testid=message][data-author=agent]").first
    expect(answer).to_have_attribute("data-status", "read")
    expect(answer).to_contain_text("¿Tienen 42?")
    expect(phone.get_by_test_id("phone-message").last).to_contain_text("Sí, en rojo")

    asked.locator("[data-menu]").click()
    page.locator("[data-emoji='👍']").click()
    expect(asked.get_by_test_id("reaction")).to_have_text("👍")

    do(answer, "edit")
    expect(page.locator("#composer")).to_have_value("Sí, en rojo")
    page.locator("#composer").fill("Sí, en azul")
    page.locator("#composer").press("Enter")
    expect(answer).to_contain_text("Sí, en azul")
    expect(phone.get_by_test_id("phone-message").last).to_contain_text("Sí, en azul")

    send_poll(page)
    phone.get_by_role("button", name="42").click()
    expect(page.locator("[data-testid=poll-option][data-chosen=true]")).to_contain_text("42")

    do(answer, "revoke")
    page.locator("[data-do=revoke-now]").click()
    expect(answer.locator(".bubble-revoked")).to_be_visible()


def send_poll(page: Page) -> None:
    page.click("#composer-attach")
    page.locator("[data-form=poll]").click()
    page.fill("#poll-question", "¿Qué talle?")
    page.fill("#poll-options", "41")
    page.click("#poll-send")
    expect(page.get_by_role("alert")).to_be_visible()  # one option is no poll
    page.fill("#poll-options", "41\n42")
    page.click("#poll-send")
    expect(page.get_by_test_id("poll-option")).to_have_count(2)
