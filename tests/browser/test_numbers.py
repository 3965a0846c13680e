"""The page of the numbers by keyboard, and as a role sees it that may only look."""

import psycopg
from playwright.sync_api import Page, expect

from saasbot.infra.roles import libpq_url
from tests.browser.test_accounts import NewPerson, sign_in
from tests.fixtures.server import RunningServer
from tests.story.shop import Shop


def numbers_of(server: RunningServer, new_person: NewPerson, shop: Shop) -> Page:
    page = new_person().new_page()
    sign_in(page, server, shop.email)
    page.goto(f"{server.url}/channels")
    expect(page.get_by_test_id("channel-row")).to_be_visible()
    page.wait_for_load_state("networkidle")  # before its scripts have run a key opens nothing
    return page


def test_a_dialog_gives_the_keyboard_back(server: RunningServer, new_person: NewPerson):
    shop = Shop(server.url, "teclado")
    shop.call("POST", "/channels", {"kind": "simulator", "name": "Tienda"})
    page = numbers_of(server, new_person, shop)
    add, menu = page.locator("#channel-add"), page.get_by_role("button", name="Acciones de Tienda")
    details, link = page.locator(".channel-details"), page.locator(".channel-connect")
    for opener in (add, details, page.locator(".channel-settings"), link):
        opener.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(opener).to_be_focused()

    menu.press("Enter")
    page.get_by_role("menuitem", name="Eliminar").press("Enter")
    question = page.get_by_role("alertdialog")
    expect(question.get_by_role("button", name="Cancelar")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(menu).to_be_focused()

    add.press("Enter")
    page.fill("#channel-name", "Depósito")
    page.locator("input[name=kind][value=simulator]").check()
    page.locator("#channel-save").press("Enter")
    expect(page.locator("#channel-qr")).to_be_visible()  # one dialog has opened another
    page.keyboard.press("Escape")
    expect(add).to_be_focused()


def test_who_may_only_look_is_offered_nothing_that_would_be_refused(server: RunningServer, new_person: NewPerson):
    shop, agent = Shop(server.url, "mirador"), Shop(server.url, "mirona")
    channel = shop.call("POST", "/channels", {"kind": "simulator", "name": "Tienda"})
    with psycopg.connect(libpq_url(server.database.platform)) as connection:
        connection.execute(
            """
            UPDATE membership SET role = 'agent', company_id = (SELECT id FROM company WHERE name = 'mirador')
            WHERE user_id = (SELECT id FROM user_account WHERE email = %s)
            """,
            [agent.email],
        )
    owner, page = (numbers_of(server, new_person, person) for person in (shop, agent))
    shop.call("POST", f"/channels/{channel['id']}/connect")
    expect(owner.locator("#channel-qr")).to_be_visible()  # whoever may link it can show it to the phone

    card = page.get_by_test_id("channel-row")
    expect(card).to_have_attribute("data-status", "pending_qr")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(card.get_by_role("button")).to_have_count(1)
    expect(page.locator("#channel-add")).to_have_count(0)
    page.locator(".channel-details").click()
    expect(page.get_by_role("dialog")).to_be_visible()
