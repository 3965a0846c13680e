"""The second step from the settings to the next sign-in, and a person of two companies who goes from one to the other by keyboard."""

import time
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from saasbot.infra import totp
from saasbot.infra.roles import libpq_url
from tests.browser.test_accounts import sign_in
from tests.fixtures.server import RunningServer
from tests.story.shop import PASSWORD, Shop

NewPerson = Callable[..., BrowserContext]


@pytest.fixture
def ana(server: RunningServer) -> str:
    """The address of the owner of Casa Uno, who is an agent of Casa Dos too. Each has one product."""
    uno, dos = Shop(server.url, "casauno"), Shop(server.url, "casados")
    dos.call("POST", "/products", {"title": "Botas de Dos", "price": 1, "currency": "ARS", "active": True})
    uno.call("POST", "/products", {"title": "Gorras de Uno", "price": 1, "currency": "ARS", "active": True})
    with psycopg.connect(libpq_url(server.database.platform)) as connection:
        connection.execute(
            "INSERT INTO membership (id, created_at, company_id, user_id, role, preferences) "
            "SELECT gen_random_uuid(), now(), company.id, user_account.id, 'agent', '{}' FROM company, user_account "
            "WHERE company.name = 'casados' AND user_account.email = %s",
            [uno.email],
        )
    return uno.email


def forget_the_last_code(server: RunningServer, email: str) -> None:
    """As if half a minute had passed since the app's last code was used."""
    with psycopg.connect(libpq_url(server.database.platform)) as connection:
        connection.execute(
            "UPDATE second_factor SET last_step = 0 WHERE user_id = (SELECT id FROM user_account WHERE email = %s)",
            [email],
        )


def sign_in_anew(page: Page, server: RunningServer, email: str) -> None:
    """Signed out, and in again as far as the second step."""
    page.goto(f"{server.url}/auth/logout")
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("#submit")
    page.wait_for_url("**/two-step")


def finish_with(page: Page, code: str) -> None:
    page.fill("#code", code)
    page.click("#submit")
    page.wait_for_url(lambda url: "/two-step" not in url and "/auth/" not in url)


def test_two_steps_from_the_settings_and_the_other_company_by_keyboard(
    server: RunningServer, new_person: NewPerson, ana: str
):
    page = new_person().new_page()
    sign_in(page, server, ana)
    page.goto(f"{server.url}/settings#security")
    page.click("#two-step-on")
    page.fill("#own_password", PASSWORD)
    page.click("#two-step-prove-on")
    secret = page.locator("#two-step-secret").inner_text().replace(" ", "")
    page.fill("#code", totp.code_at(secret, int(time.time()) // totp.STEP_SECONDS))
    page.click("#two-step-confirm")
    recovery_code = page.locator("#recovery-codes li").first.inner_text()
    page.click("#recovery-done")
    expect(page.locator("#two-step-off")).to_be_visible()

    sign_in_anew(page, server, ana)
    forget_the_last_code(server, ana)
    finish_with(page, totp.code_at(secret, int(time.time()) // totp.STEP_SECONDS))
    sign_in_anew(page, server, ana)
    page.click("#two-step-recovery")
    finish_with(page, recovery_code)

    for company, product in (("casauno", "Gorras de Uno"), ("casados", "Botas de Dos")):
        go_by_keyboard(page, company)
        page.goto(f"{server.url}/catalogue")
        expect(page.get_by_text(product).first).to_be_visible()
        other = {"Gorras de Uno", "Botas de Dos"} - {product}
        expect(page.get_by_text(other.pop())).to_have_count(0)


def go_by_keyboard(page: Page, company: str) -> None:
    """The user menu is opened and the company entered, with no mouse."""
    token = session_token(page)
    row = page.get_by_test_id("company-row").filter(has_text=company)
    page.wait_for_load_state("networkidle")  # before its scripts have run a key opens nothing
    page.locator("#user-menu").first.press("Enter")
    expect(row).to_be_enabled()
    for _ in range(12):
        if row.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    with page.expect_navigation(wait_until="networkidle"):
        page.keyboard.press("Enter")
    assert session_token(page) != token


def session_token(page: Page) -> str:
    return next(cookie.get("value", "") for cookie in page.context.cookies() if "session" in cookie.get("name", ""))
