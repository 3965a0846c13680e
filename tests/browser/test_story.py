"""The first story, by hand in a browser: from a newcomer to a customer answered, taken over and handed back."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.fixtures.server import RunningServer, StartServer
from tests.story.shop import PASSWORD

NewPerson = Callable[..., BrowserContext]
QUESTION = {"es": "Hola, ¿cuánto cuestan las zapatillas rojas?", "en": "Hello, how much are the red sneakers?"}
PRODUCT = {"es": "Zapatillas rojas", "en": "Red sneakers"}
LANGUAGE = {"es": "es-AR", "en": "en-US"}


def register(page: Page, server: RunningServer, company: str) -> None:
    """A company is registered and its owner is signed in."""
    page.goto(f"{server.url}/register")
    page.fill("#company_name", company)
    page.fill("#name", "Alice")
    page.fill("#email", f"{re.sub('[^a-z0-9]', '', company.lower())}@story.example")
    page.fill("#password", PASSWORD)
    page.check("#accept_terms")
    page.click("#submit")
    page.wait_for_url(lambda url: "/register" not in url and "/auth/" not in url)


def owner_and_phone(
    new_person: NewPerson, server: RunningServer, company: str, *, locale: str = "es-AR"
) -> tuple[Page, Page]:
    """A company is registered. Two windows of its owner: the app, and one for the simulated phone.

    Windows, not tabs: the browser draws only the tab in front, and a click in the other would wait for that.
    """
    browser = new_person(locale)
    page = browser.new_page()
    register(page, server, company)
    return page, new_person(locale, storage_state=browser.storage_state()).new_page()


def add_product(page: Page, server: RunningServer, title: str) -> None:
    page.goto(f"{server.url}/catalogue")
    page.locator("#product-add").first.click()
    page.fill("#product-title", title)
    page.fill("#product-price", "45990")
    page.fill("#product-description", "De lona, suela blanca")
    page.click("#product-save")
    expect(page.get_by_test_id("product-row")).to_have_count(1)


def open_number(page: Page, phone: Page, server: RunningServer) -> None:
    """A simulator number is added and shows its QR; the phone on screen scans it; the card says open without a reload."""
    page.goto(f"{server.url}/channels")
    page.locator("#channel-add").first.click()
    page.fill("#channel-name", "Tienda")
    page.locator("input[name=kind][value=simulator]").check()
    page.click("#channel-save")
    qr = page.locator("#channel-qr")
    expect(qr).to_be_visible()
    assert (qr.get_attribute("data-code") or "").startswith("https://wa.me/settings/linked_devices#")
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("[role=dialog] a[href='/phone'][target=_blank]")).to_be_visible()
    phone.goto(f"{server.url}/phone")
    phone.click("#phone-scan")
    expect(page.locator("#channel-status")).to_have_attribute("data-status", "open")


def write_as_ana(phone: Page, text: str) -> None:
    phone.fill("#phone-from", "5491155550001")
    phone.fill("#phone-name", "Ana")
    phone.fill("#phone-text", text)
    phone.click("#phone-send")


def messages(page: Page, author: str):
    return page.locator(f"[data-testid=message][data-author={author}]")


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_newcomer_sees_a_customer_answered_takes_over_and_hands_back(
    server: RunningServer, new_person: NewPerson, language: str
):
    page, phone = owner_and_phone(new_person, server, f"Historia {language}", locale=LANGUAGE[language])
    add_product(page, server, PRODUCT[language])
    open_number(page, phone, server)

    page.goto(f"{server.url}/inbox")
    write_as_ana(phone, QUESTION[language])
    row = page.get_by_test_id("conversation-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Ana")
    row.click()
    expect(messages(page, "customer").last).to_contain_text(QUESTION[language])
    answer = messages(page, "bot").last
    expect(answer).to_contain_text(re.compile(r"45[.,]990"))
    expect(answer).to_contain_text({"es": "modelo de demostración", "en": "demo model"}[language])
    expect(answer).to_have_attribute("data-status", "read")
    expect(phone.get_by_text(re.compile(r"45[.,]990")).first).to_be_visible()

    page.click("#take-over")
    expect(page.locator("#hand-back")).to_be_visible()
    write_as_ana(phone, "¿Sigues ahí?")
    expect(messages(page, "customer")).to_have_count(2)
    page.fill("#composer", "Sí, soy Alice")
    page.click("#composer-send")
    expect(messages(page, "agent").last).to_contain_text("Sí, soy Alice")
    expect(messages(page, "agent").last).to_have_attribute("data-status", re.compile("sent|delivered|read"))
    expect(phone.get_by_text("Sí, soy Alice").first).to_be_visible()
    bot_answers = messages(page, "bot").count()

    page.click("#hand-back")
    expect(page.locator("#take-over")).to_be_visible()
    assert messages(page, "bot").count() == bot_answers, "the bot answers the next message, not those people dealt with"
    write_as_ana(phone, QUESTION[language])
    expect(messages(page, "bot")).to_have_count(bot_answers + 1)


def test_a_new_prompt_is_used_says_so_and_is_rolled_back(server: RunningServer, new_person: NewPerson):
    page, phone = owner_and_phone(new_person, server, "Historia prompts")
    add_product(page, server, PRODUCT["es"])
    open_number(page, phone, server)

    page.goto(f"{server.url}/bots")
    page.locator("[data-testid=bot-row] a").first.click()
    editor = page.locator("#prompt-editor")
    expect(editor).not_to_have_value("")
    editor.fill(editor.input_value() + "\nFirma: — El equipo de la Zapatería")
    page.fill("#prompt-note", "Con firma")
    page.click("#prompt-save")
    second = page.locator("[data-testid=prompt-version][data-version='2']")
    expect(second).to_be_visible()
    expect(second).to_have_attribute("data-published", "false")
    expect(page.locator("#prompt-diff .diff-added")).to_contain_text("Firma")
    page.click("#prompt-publish")
    expect(second).to_have_attribute("data-published", "true")

    page.goto(f"{server.url}/inbox")
    write_as_ana(phone, QUESTION["es"])
    page.get_by_test_id("conversation-row").click()
    expect(messages(page, "bot").last).to_contain_text("El equipo de la Zapatería")

    page.goto(f"{server.url}/bots")
    page.locator("[data-testid=bot-row] a").first.click()
    page.locator("[data-testid=prompt-version][data-version='1'] .version").click()
    page.click("#prompt-publish")
    expect(page.locator("[data-testid=prompt-version][data-version='1']")).to_have_attribute("data-published", "true")
    write_as_ana(phone, QUESTION["es"])
    page.goto(f"{server.url}/inbox")
    page.get_by_test_id("conversation-row").click()
    expect(messages(page, "bot")).to_have_count(2)
    expect(messages(page, "bot").last).not_to_contain_text("El equipo de la Zapatería")


def test_after_a_kill_the_owner_is_still_signed_in_and_the_number_open(
    start_server: StartServer, new_person: NewPerson
):
    server = start_server(AGENT_DEBOUNCE_MS="0")
    page, phone = owner_and_phone(new_person, server, "Historia corte")
    add_product(page, server, PRODUCT["es"])
    open_number(page, phone, server)
    write_as_ana(phone, QUESTION["es"])
    page.goto(f"{server.url}/inbox")
    page.get_by_test_id("conversation-row").click()
    expect(messages(page, "bot")).to_have_count(1)
    server.kill()
    server.start()
    page.goto(f"{server.url}/channels")
    expect(page.locator("#channel-status")).to_have_attribute("data-status", "open")
    page.goto(f"{server.url}/inbox")
    page.get_by_test_id("conversation-row").click()
    expect(messages(page, "customer")).to_have_count(1)
    expect(messages(page, "bot")).to_have_count(1)
    server.stop()
