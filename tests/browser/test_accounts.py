"""People and their sessions in real tabs: what one of them ends is over in all."""

import re
import time
from collections.abc import Callable

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from saasbot import routes
from tests.attack.attempts import attempt
from tests.browser.test_story import add_product, register
from tests.fixtures.server import RunningServer
from tests.story.shop import PASSWORD

NewPerson = Callable[..., BrowserContext]


def sign_in(page: Page, server: RunningServer, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{server.url}/login")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("#submit")
    page.wait_for_url(lambda url: "/login" not in url)


def sign_out(page: Page) -> None:
    """From the page they are on: also the one of the first steps."""
    page.locator("#user-menu").first.click()
    page.locator("#logout").first.click()
    page.wait_for_url("**/login")


@attempt(24, "state", "A second tab stays open after the sign-out of the first.")
def test_signing_out_in_one_tab_ends_the_other(server: RunningServer, new_person: NewPerson):
    tab = new_person()
    page, other = tab.new_page(), tab.new_page()
    register(page, server, "Dos Pestañas")
    other.goto(f"{server.url}/catalogue")
    expect(other.locator("#product-add").first).to_be_visible()
    sign_out(page)
    assert [cookie.get("name") for cookie in tab.cookies()] == ["saasbot-device"], (
        "a browser that is known, and no session"
    )
    other.wait_for_url("**/login")  # at once, without a click


@attempt(23, "state", "Somebody signs in within a real browser tab and looks for what was on the page before.")
def test_the_next_person_in_a_tab_sees_nothing_of_the_one_before(server: RunningServer, new_person: NewPerson):
    """The tab keeps its token over a sign-out; its state does not survive."""
    page = new_person().new_page()
    register(page, server, "La Anterior")
    add_product(page, server, "Botas secretas")
    sign_out(page)
    seen: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: seen.append(str(frame))))
    register(page, server, "La Siguiente")
    page.goto(f"{server.url}/catalogue")
    expect(page.locator("#product-add").first).to_be_visible()
    expect(page.get_by_test_id("product-row")).to_have_count(0)
    assert seen
    assert "Botas secretas" not in "".join(seen)


def test_a_tab_whose_cookie_is_gone_begins_anew(server: RunningServer, new_person: NewPerson):
    """Its token belongs to a session that lives on: without another token it could never connect again."""
    tab = new_person()
    page = tab.new_page()
    register(page, server, "Sin Galletas")
    token = page.evaluate("sessionStorage.getItem('token')")
    tab.clear_cookies()
    page.reload()
    page.wait_for_url("**/login")
    sign_in(page, server, "singalletas@story.example")
    assert page.evaluate("sessionStorage.getItem('token')") != token


def test_a_forgotten_password_is_chosen_anew(server: RunningServer, new_person: NewPerson):
    page, stays = new_person().new_page(), new_person().new_page()
    register(stays, server, "Olvidadiza")
    page.goto(f"{server.url}/login")
    page.get_by_text("¿Olvidaste tu contraseña?").click()
    page.wait_for_url("**/forgot-password")
    page.fill("#email", "olvidadiza@story.example")
    page.click("#submit")
    expect(page.get_by_text("el enlace ya va en camino")).to_be_visible()

    link = mailed_link(server, "olvidadiza@story.example")
    page.goto(link)
    page.fill("#password", "otra clave bien larga 7")
    page.click("#submit")
    expect(page.get_by_text("Tu contraseña ya es la nueva.")).to_be_visible()
    sign_in(page, server, "olvidadiza@story.example", "otra clave bien larga 7")
    stays.goto(f"{server.url}/catalogue")
    stays.wait_for_url("**/login")

    page.goto(link)
    page.fill("#password", "una tercera clave larga 8")
    page.click("#submit")
    expect(page.get_by_text("Este enlace venció o ya se usó")).to_be_visible()


def mailed_link(server: RunningServer, email: str) -> str:
    """The link in the newest mail to this address, as the developer's page shows it."""
    found: list[str] = []
    deadline = time.monotonic() + 30  # the mail is a job
    with httpx2.Client(timeout=30) as client:
        while time.monotonic() < deadline:
            page = client.get(f"{server.url}/dev/mail").text
            mail = page.partition(f"To {email}")[2].partition("</article>")[0]
            if found := re.findall(r'href="([^"]+/reset-password\?token=[^"]+)"', mail):
                break
            time.sleep(0.1)
    assert found, "no mail came"
    return found[0]


def test_five_wrong_passwords_are_said_to_be_too_many(server: RunningServer, new_person: NewPerson):
    page = new_person().new_page()
    page.goto(f"{server.url}/login")
    for _ in range(5):
        page.fill("#email", "nadie@story.example")
        page.fill("#password", "una clave equivocada")
        page.click("#submit")
        expect(page.get_by_text("El correo o la contraseña no son correctos.")).to_be_visible()
    page.click("#submit")
    expect(page.get_by_text("Demasiados intentos fallidos.")).to_be_visible()


@attempt(113, "browser", "Every page is opened to see one that needs more than the policy allows.")
def test_no_page_breaks_its_own_security_policy(server: RunningServer, new_person: NewPerson):
    page = new_person().new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    register(page, server, "Sin Ruido")
    for path in sorted({"/", *routes.PAGES}):
        page.goto(f"{server.url}{path}")
        expect(page.locator("h1").first).to_be_visible()
    assert problems == []


@attempt(25, "state", "A page of the company is opened by its address without a session.")
@pytest.mark.parametrize("path", ["/", "/catalogue", "/settings", "/channels"])
def test_without_a_session_every_page_leads_to_the_sign_in(server: RunningServer, new_person: NewPerson, path: str):
    page = new_person().new_page()
    page.goto(f"{server.url}{path}")
    page.wait_for_url("**/login")
