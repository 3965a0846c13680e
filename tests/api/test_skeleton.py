"""What every endpoint has in common: lists, documents, health, and pages for developers."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from saasbot.api import docs
from saasbot.api.app import CAPABILITIES, api
from saasbot.api.idempotency import IdempotentRoute
from saasbot.api.paging import Page, next_cursor
from saasbot.infra import health, mail
from saasbot.infra.errors import InvalidInput
from saasbot.infra.settings import settings
from tests.api.conftest import Client
from tests.attack.attempts import attempt

MOMENT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ID = UUID("01a1fc05-5a16-72b0-b0cc-65387330b640")


def test_a_cursor_leads_back_to_its_values():
    cursor = next_cursor(MOMENT, ID, 7, "ñandú")
    assert Page(50, cursor).after(datetime, UUID, int, str) == (MOMENT, ID, 7, "ñandú")
    assert Page(50, None).after(UUID) is None
    assert "=" not in cursor


@attempt(121, "limits", "A cursor is made up, or cut from another list.")
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "ñ",
        next_cursor(1),
        next_cursor("not a uuid"),
        next_cursor(ID, ID),
        next_cursor("a\x00b"),
        "WyJcdWQ4MDAiXQ",
        "W" * 500,
        "bnVsbA",
        "e30",
    ],
)
def test_what_is_no_cursor_of_the_list_is_the_clients_mistake(cursor: str):
    with pytest.raises(InvalidInput) as error:
        Page(50, cursor).after(UUID)
    assert error.value.field == "cursor"


def test_a_number_in_a_cursor_fits_the_database():
    for bad in (2**63, -(2**63) - 1):
        with pytest.raises(InvalidInput):
            Page(50, next_cursor(bad)).after(int)


@attempt(122, "limits", "A list is asked for a million rows.")
@pytest.mark.parametrize("limit", [0, 101, -1, "x", ""])
async def test_a_limit_is_between_one_and_a_hundred(as_alice: Client, limit: Any):
    answer = await as_alice.get("/api/v1/products", params={"limit": limit})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["errors"][0]["field"] == "limit"


def test_every_capability_keeps_the_common_promises():
    """Its POSTs are idempotent, its errors are described, it has one tag."""
    for router in CAPABILITIES:
        if router.tags == ["health"]:
            continue
        assert router.route_class is IdempotentRoute, router.prefix
        assert "4XX" in router.responses, router.prefix
        assert len(router.tags) == 1


def test_every_operation_but_sign_in_and_health_asks_who_calls():
    with_a_proof_of_their_own = "two-step|two-step/mail|two-step/enrolment|confirm-email"
    open_paths = re.compile(
        rf"/api/v1/(health|terms|invitations/accept|auth/(register|login|refresh|logout|forgot-password|reset-password|{with_a_proof_of_their_own}))$"
    )
    undefended = [
        f"{method} {path}"
        for path, methods in api.openapi()["paths"].items()
        for method, operation in methods.items()
        if not operation.get("security") and not open_paths.match(path)
    ]
    assert undefended == []


async def test_the_document_describes_the_contract(client: Client):
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    assert {"/api/v1/auth/register", "/api/v1/company", "/api/v1/policies", "/api/v1/health"} <= set(paths)


async def test_the_docs_are_one_page_without_a_script(client: Client):
    page = (await client.get("/api/docs")).text
    assert "/api/v1/auth/register" in page
    assert "<script" not in page
    assert re.findall(r"""(?:src|href)=["']https?://""", page) == []


@pytest.mark.parametrize("path", ["/health", "/healthz", "/api/v1/health", "/api/v1/healthz"])
async def test_health_names_what_is_down(client: Client, path: str, monkeypatch: pytest.MonkeyPatch):
    async def works() -> bool:
        return True

    async def fails() -> bool:
        raise OSError("gone")

    monkeypatch.setattr(health, "_probes", {"database": works, "runtime": works, "jobs": works})
    answer = await client.get(path)
    ok = {"status": "ok", "database": "ok", "runtime": "ok", "jobs": "ok"}
    assert (answer.status_code, answer.json()) == (200, ok)
    monkeypatch.setattr(health, "_probes", {"database": works, "runtime": fails})
    answer = await client.get(path)
    down = {"status": "down", "database": "ok", "runtime": "down", "jobs": "down"}
    assert (answer.status_code, answer.json()) == (503, down)


@attempt(130, "privacy", "The page of unsent mails is opened from elsewhere, or in production.")
async def test_the_mail_that_was_not_sent_is_shown_to_this_machine_only(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SAASBOT_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    try:
        await mail.send(to="ana@example.com", subject="<b>Hola</b>", text="Ve a http://localhost:3000/x?a=1&b=2\n")
        page = await client.get("/dev/mail")
        assert page.status_code == 200
        assert '<a href="http://localhost:3000/x?a=1&amp;b=2">' in page.text
        assert "<b>Hola" not in page.text
        assert (await client.get("/dev/mail", headers={"Host": "evil.example"})).status_code == 404
        monkeypatch.setenv("SAASBOT_ENV", "production")
        settings.cache_clear()
        assert (await client.get("/dev/mail")).status_code == 404
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@attempt(252, "limits", "The page that describes the API is asked for again and again.")
async def test_the_page_of_the_docs_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch):
    made: list[int] = []
    real = docs.page_of

    def counted(document: dict[str, Any]) -> str:
        made.append(1)
        return real(document)

    monkeypatch.setattr(docs, "page_of", counted)
    app = FastAPI()
    docs.add_docs(app)
    async with Client(transport=httpx2.ASGITransport(app), base_url="http://localhost:3000") as fresh:
        first, second = [await fresh.get(docs.DOCS_PATH) for _ in range(2)]
    assert (len(made), first.text == second.text) == (1, True)
    ours = await client.get(docs.DOCS_PATH)
    assert second.headers["content-security-policy"] == ours.headers["content-security-policy"]
    assert "default-src 'none'" in ours.headers["content-security-policy"]
