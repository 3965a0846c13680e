"""The browser's own routes: the ticket becomes a cookie, the cookie ends, files come in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest

from saasbot.domain import accounts
from saasbot.domain.accounts import SignedIn
from saasbot.domain.actor import Actor
from saasbot.domain.companies import onboarding
from saasbot.infra import session_cookie
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import Media
from tests.api.conftest import Client, make_client
from tests.attack.attempts import attempt
from tests.media.pictures import picture
from tests.people import sign_in_as

OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}


async def ticket_of(email: str = "alice@sur.example") -> str:
    return await accounts.issue_ticket(await sign_in_as(email))


@dataclass
class Browser:
    client: Client
    session: SignedIn
    token: str

    @property
    def csrf(self) -> dict[str, str]:
        return {"X-CSRF-Token": self.session.csrf_token}


@asynccontextmanager
async def opened(email: str) -> AsyncIterator[Browser]:
    async with make_client() as client:
        yield await sign_in(client, email)


async def sign_in(client: Client, email: str) -> Browser:
    answer = await client.get("/auth/complete", params={"ticket": await ticket_of(email)}, headers=OUR_PAGE)
    assert answer.status_code == 303, answer.text
    token = client.cookies[session_cookie.name()]
    session = await accounts.signed_in(token)
    assert session is not None
    return Browser(client, session, token)


@pytest.fixture
async def tab(alice: Actor) -> AsyncIterator[Browser]:
    async with opened("alice@sur.example") as made:
        yield made


@attempt(107, "browser", "A script reads the session cookie.")
async def test_the_ticket_becomes_a_cookie_no_script_can_read(client: Client, alice: Actor):
    answer = await client.get("/auth/complete", params={"ticket": await ticket_of()}, headers=OUR_PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/onboarding")
    session, device = answer.headers.get_list("set-cookie")
    assert session.endswith("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax")
    assert device.startswith("saasbot-device=") and device.endswith(
        "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    )
    assert answer.headers["cache-control"] == "no-store"


@attempt(108, "browser", "A neighbouring host sets or reads the session cookie.")
async def test_over_https_the_cookie_is_bound_to_the_host(
    client: Client, alice: Actor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SAASBOT_PUBLIC_URL", "https://app.example.com")
    settings.cache_clear()
    try:
        answer = await client.get("/auth/complete", params={"ticket": await ticket_of()}, headers=OUR_PAGE)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-saasbot-session=")
    assert cookie.endswith("; HttpOnly; SameSite=Lax; Secure")


async def test_who_has_begun_the_wizard_comes_to_the_dashboard(client: Client, alice: Actor, bob: Actor):
    hers = await ticket_of("bob@sur.example")
    assert (await client.get("/auth/complete", params={"ticket": hers}, headers=OUR_PAGE)).headers["location"] == "/"
    async with unit_of_work(alice):
        await onboarding.mark_step(alice, "company", "skipped")
    answer = await client.get("/auth/complete", params={"ticket": await ticket_of()}, headers=OUR_PAGE)
    assert answer.headers["location"] == "/"


@attempt(51, "accounts", "A link on another site signs its visitor into the attacker's account.")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Referer": "https://evil.example/http://localhost:3000/"},
        {"Referer": "null"},
    ],
)
async def test_a_link_on_another_site_signs_nobody_in(client: Client, alice: Actor, headers: dict[str, str]):
    """Else a visitor could be signed in as somebody else and type their secrets into a stranger's account."""
    ticket = await ticket_of()
    answer = await client.get("/auth/complete", params={"ticket": ticket}, headers=headers)
    assert (answer.headers["location"], "set-cookie" in answer.headers) == ("/login", False)
    again = await client.get(
        "/auth/complete", params={"ticket": ticket}, headers={"Referer": "http://localhost:3000/login"}
    )
    assert "set-cookie" in again.headers, "the ticket was not used up, and browsers without the new headers get in"


async def test_a_used_or_invented_ticket_leads_to_the_sign_in_page(client: Client, alice: Actor):
    ticket = await ticket_of()
    await client.get("/auth/complete", params={"ticket": ticket}, headers=OUR_PAGE)
    for bad in (ticket, "nonsense", "", "\x00", "ñ"):
        answer = await client.get("/auth/complete", params={"ticket": bad}, headers=OUR_PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert "set-cookie" not in answer.headers


async def test_signing_in_anew_ends_the_session_before(tab: Browser):
    await tab.client.get("/auth/complete", params={"ticket": await ticket_of()}, headers=OUR_PAGE)
    assert await accounts.signed_in(tab.token) is None


async def test_signing_out_ends_the_session_and_the_cookie(tab: Browser):
    answer = await tab.client.get("/auth/logout", headers=OUR_PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert await accounts.signed_in(tab.token) is None


@attempt(111, "browser", "A picture on another site signs its visitors out.")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {**OUR_PAGE, "Sec-Purpose": "prefetch"},
        {"Referer": "https://evil.example"},
    ],
)
async def test_nobody_is_signed_out_by_a_picture_on_another_site(tab: Browser, headers: dict[str, str]):
    await tab.client.get("/auth/logout", headers=headers)
    assert await accounts.signed_in(tab.token)


async def test_a_photo_comes_in_and_is_another_file_afterwards(tab: Browser):
    photo = {"file": ("my.jpg", picture(), "image/jpeg")}
    answer = await tab.client.post("/uploads", files=photo, headers=tab.csrf)
    assert answer.status_code == 201, answer.text
    assert answer.json()["url"].startswith("/media/")


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.png", "image/png"),
        (b"<html><script>alert(1)</script></html>", "a.jpg", "image/jpeg"),
        (b"%PDF-1.7 not a picture", "a.jpg", "image/jpeg"),
        (b"", "a.jpg", "image/jpeg"),
        (b"GIF89a" + b"\x00" * 20, "a.gif", "image/gif"),
    ],
)
async def test_what_is_no_photo_is_refused_whatever_it_says(tab: Browser, content: bytes, name: str, kind: str):
    answer = await tab.client.post("/uploads", files={"file": (name, content, kind)}, headers=tab.csrf)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


async def test_a_file_over_ten_megabytes_is_refused(tab: Browser):
    big = {"file": ("a.jpg", picture() + b"\x00" * (10 * 1024 * 1024), "image/jpeg")}
    answer = await tab.client.post("/uploads", files=big, headers=tab.csrf)
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


@attempt(109, "browser", "An upload comes with the cookie and without its CSRF token.")
async def test_without_a_session_or_its_csrf_token_nothing_comes_in(tab: Browser, mallory: Actor, client: Client):
    photo = {"file": ("a.jpg", picture(), "image/jpeg")}
    async with opened("mallory@junta.example") as other:
        attempts = [
            (await client.post("/uploads", files=photo, headers=tab.csrf), 401),
            (await tab.client.post("/uploads", files=photo), 403),
            (await tab.client.post("/uploads", files=photo, headers=other.csrf), 403),
            (await other.client.post("/uploads", files=photo, headers=tab.csrf), 403),
        ]
    assert [answer.status_code for answer, _ in attempts] == [status for _, status in attempts]
    await accounts.sign_out(tab.token)
    assert (await tab.client.post("/uploads", files=photo, headers=tab.csrf)).status_code == 401


@pytest.mark.parametrize(
    ("content", "name", "is_kept"),
    [
        (b"%PDF-1.7\n1 0 obj\n", "lista.pdf", True),
        (b"plain words", "notas.txt", True),
        (b"<html><script></script>", "a.pdf", False),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.pdf", False),
    ],
)
async def test_a_file_for_a_message_may_be_a_document_that_runs_nowhere(
    alice: Actor, bob: Actor, content: bytes, name: str, is_kept: bool
):
    async with opened("bob@sur.example") as his:
        answer = await his.client.post(
            "/uploads?use=message", files={"file": (name, content, "application/pdf")}, headers=his.csrf
        )
        assert answer.status_code == (201 if is_kept else 422), answer.text
        if is_kept:
            async with unit_of_work(bob):
                media = await session().get_one(Media, UUID(answer.json()["id"]))
            assert media.file_name == name
            shown = await his.client.get(answer.json()["url"])
            assert shown.headers["content-disposition"].startswith("attachment")


@attempt(88, "files", "An agent uploads what only others may.")
async def test_who_may_not_edit_the_catalogue_uploads_nothing(alice: Actor, bob: Actor):
    async with opened("bob@sur.example") as his:
        photo = {"file": ("a.jpg", picture(), "image/jpeg")}
        answer = await his.client.post("/uploads", files=photo, headers=his.csrf)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
