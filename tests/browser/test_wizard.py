"""The first minutes of a company in a browser: the wizard from its first question to a customer answered, and its switches."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect

from tests.browser.test_story import (
    PRODUCT,
    QUESTION,
    add_product,
    messages,
    open_number,
    owner_and_phone,
    write_as_ana,
)
from tests.fixtures.server import RunningServer
from tests.media.pictures import picture

NewPerson = Callable[..., BrowserContext]
SILENCE_MS = 1_200
"""How long the bot is given to say something that it must not."""


def photo(name: str) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": picture(format="JPEG")}


def save_step(page: Page, next_heading: str) -> None:
    page.click("#step-save")
    expect(page.get_by_role("heading", level=1)).to_have_text(next_heading)


def test_the_wizard_is_left_and_resumed_and_ends_with_a_customer_answered(server: RunningServer, new_person: NewPerson):
    page, phone = owner_and_phone(new_person, server, "Asistente de inicio")
    expect(page).to_have_url(re.compile("/onboarding"))

    expect(page.locator("#name")).to_have_value("Asistente de inicio")
    page.fill("#industry", "Calzado")
    page.fill("#description", "En la esquina de siempre")
    with page.expect_response("**/uploads"):
        page.set_input_files("#logo", photo("logo.jpg"))
    save_step(page, "¿Cómo trabajan?")
    page.fill("#shipping", "Enviamos a todo el país por $ 2.500.")
    page.fill("#refund", "Cambios dentro de los 30 días.")
    page.fill("#brand_voice", "Con cercanía.")
    save_step(page, "¿Quién escribe las respuestas?")

    page.goto(f"{server.url}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Inicio")
    page.goto(f"{server.url}/onboarding")
    expect(page.get_by_role("heading", level=1)).to_have_text("¿Quién escribe las respuestas?")
    page.locator("input[name=source][value=demo]").check()
    save_step(page, "Agrega un primer producto")

    page.fill("#title", PRODUCT["es"])
    page.fill("#price", "mucho")
    page.click("#step-save")
    expect(page.locator("#price-error")).to_contain_text("número")
    page.fill("#price", "45.990")
    with page.expect_response("**/uploads"):
        page.set_input_files("#image", photo("zapatillas.jpg"))
    save_step(page, "Vincula tu número")

    page.fill("#channel-name", "Tienda")
    page.locator("input[name=kind][value=simulator]").check()
    page.click("#channel-save")
    expect(page.locator("#channel-qr")).to_be_visible()
    phone.goto(f"{server.url}/phone")
    phone.click("#phone-scan")
    expect(page.get_by_test_id("channel-row").locator("[data-status=open]")).to_be_visible()
    page.click("#finish")
    expect(page.get_by_role("heading", level=1)).to_have_text("Inicio")

    write_as_ana(phone, "¿Hacen envíos?")
    page.goto(f"{server.url}/inbox")
    page.get_by_test_id("conversation-row").click()
    expect(messages(page, "bot").last).to_contain_text("Enviamos a todo el país por $ 2.500.")
    write_as_ana(phone, "¿Me mandas una foto de las zapatillas rojas?")
    expect(messages(page, "bot").last.locator("img")).to_be_visible()


def test_trigger_words_start_the_bot_and_every_switch_silences_it(server: RunningServer, new_person: NewPerson):
    page, phone = owner_and_phone(new_person, server, "Palabras e interruptores")
    add_product(page, server, PRODUCT["es"])
    open_number(page, phone, server)
    page.goto(f"{server.url}/bots")
    page.locator("[data-testid=bot-row] a").first.click()
    page.click("#bot-tab-rules")
    page.fill("#triggers", "Catálogo")
    page.click("#rules-save")
    expect(page.get_by_test_id("toast")).to_be_visible()

    page.goto(f"{server.url}/inbox")
    write_as_ana(phone, "Quiero ver catalogos")
    page.get_by_test_id("conversation-row").click()
    expect(messages(page, "customer")).to_have_count(1)
    expect(page.locator(".inbox-context")).to_contain_text("Abierta")  # it waits for a person
    assert messages(page, "bot").count() == 0, "“catalogos” is another word"
    write_as_ana(phone, "el CATALOGO, por favor: zapatillas rojas")
    expect(messages(page, "bot")).to_have_count(1)
    write_as_ana(phone, QUESTION["es"])
    expect(messages(page, "bot")).to_have_count(2)

    _off_silence_on(page, phone, page.get_by_role("switch", name="El bot puede responder aquí"))
    other = new_person(storage_state=page.context.storage_state()).new_page()
    other.goto(f"{server.url}/bots")
    other.locator("[data-testid=bot-row] a").first.click()
    _off_silence_on(page, phone, other.locator("#bot-toggle"))
    other.goto(f"{server.url}/settings")
    _off_silence_on(page, phone, other.locator("#company-bot"))

    other.goto(f"{server.url}/channels")
    card, menu = other.get_by_test_id("channel-row"), other.get_by_role("button", name="Acciones de Tienda")
    menu.click()
    other.get_by_role("menuitemcheckbox").click()
    expect(card).to_contain_text("Sin bot")
    _stays_silent(page, phone)
    menu.click()
    other.get_by_role("menuitemcheckbox").click()
    expect(card).not_to_contain_text("Sin bot")
    write_as_ana(phone, QUESTION["es"])
    expect(messages(page, "bot")).to_have_count(3)


def _off_silence_on(page: Page, phone: Page, switch: Locator) -> None:
    switch.click()
    expect(switch).not_to_be_checked()
    _stays_silent(page, phone)
    switch.click()
    expect(switch).to_be_checked()


def _stays_silent(page: Page, phone: Page) -> None:
    """A customer writes, and the bot does not answer."""
    before, answers = messages(page, "customer").count(), messages(page, "bot").count()
    write_as_ana(phone, "¿Y las zapatillas rojas?")
    expect(messages(page, "customer")).to_have_count(before + 1)
    page.wait_for_timeout(SILENCE_MS)
    assert messages(page, "bot").count() == answers
