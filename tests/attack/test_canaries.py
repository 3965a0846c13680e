"""Secrets and customers' words as canaries, through every way in which something goes wrong: none in a log line, an answer, a
waiting job, the metrics, or anywhere in the database but where it belongs."""

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from saasbot.agent.check_key import check_key
from saasbot.api import metrics
from saasbot.api import products as product_routes
from saasbot.domain import accounts, catalogue
from saasbot.domain.accounts.tokens import recent_callers
from saasbot.domain.actor import Actor
from saasbot.domain.companies import ai
from saasbot.infra import db, job_queue, mail
from saasbot.infra import logging as ours
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls
from saasbot.infra.settings import settings
from saasbot.infra.storage import storage
from saasbot.models import Product
from saasbot.state.errors import log_frontend_error, show_error
from saasbot.wa_runtime.child import Child
from tests.agent.fake_openai import FakeOpenAI
from tests.api.conftest import Client
from tests.attack.attempts import attempt
from tests.fixtures.agent import Configure, run_turn_job
from tests.fixtures.shops import Shop
from tests.media.pictures import picture
from tests.people import PASSWORD

Script = Callable[..., FakeOpenAI]

WORDS = "the canary sings at midnight"
KEY = "canary-model-key-0123456789"
PHONE = "5491177778888"
SPACED = "+54 9 11 7777-8888"
QR = "2@cAnArYcAnArYcAnArY0123,abc+def=,ghi/jkl=,mno"
SECRET = "canary-database-password"
CANARIES = (WORDS, KEY, PHONE, SPACED, QR, SECRET, PASSWORD, "alice@sur.example")


def has_none(text: str, *but: str) -> None:
    assert [canary for canary in CANARIES if canary in text and canary not in but] == []


RETRIED = "deferred_for_retry"
"""What the queue says of a job that failed and will be tried again."""


@pytest.fixture(autouse=True)
def written() -> Iterator[io.StringIO]:
    """What the process logs, all levels, as in production. No canary is in it at the end of the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    ours.configure(json=True, level="DEBUG")
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    ours._before_configured()
    has_none(stream.getvalue())


@pytest.fixture
def everywhere(cluster: ClusterInfo, database: DatabaseUrls) -> Callable[[], dict[str, str]]:
    """Every table of the database as text."""

    def read() -> dict[str, str]:
        with psycopg.connect(cluster.superuser_url(make_url(database.owner).database or "")) as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            return {
                str(name): str(connection.execute(f'SELECT to_jsonb(t)::text FROM "{name}" t'.encode()).fetchall())
                for (name,) in names
            }

    return read


async def test_a_form_that_is_not_right_is_answered_without_what_was_in_it(as_alice: Client, written: io.StringIO):
    forms: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/auth/login", {"email": "alice@sur.example", "password": [PASSWORD], WORDS: 1}),
        ("/auth/login", {"email": "alice@sur.example", "password": PASSWORD + "x"}),
        ("/auth/register", {"email": SPACED, "password": PASSWORD, "name": WORDS}),
        ("/auth/refresh", {"refresh_token": KEY}),
        ("/auth/reset-password", {"token": KEY, "password": PASSWORD}),
        ("/products", {"title": WORDS, "price": WORDS}),
        ("/products", {"title": WORDS * 1000, "price": 1}),
    )
    for path, body in forms:
        answer = await as_alice.post(f"/api/v1{path}", json=body)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        has_none(answer.text, WORDS if WORDS in body else "")  # the name of a field that does not exist is told
    answer = await as_alice.post("/api/v1/products", content=b'{"title": "' + WORDS.encode() + b'", ')
    assert answer.status_code in (400, 422)
    has_none(answer.text)


@attempt(171, "secrets", "An error of the database carries the values of a row into the log.")
@pytest.mark.parametrize("way", ["statement", "object", "context"])
async def test_what_the_database_refuses(
    as_alice: Client, alice: Actor, monkeypatch: pytest.MonkeyPatch, written: io.StringIO, way: str
):
    async def refused(actor: Actor, **_given: Any) -> None:
        if way == "statement":
            for _ in range(2):
                await sql(
                    "INSERT INTO product (id, created_at, updated_at, company_id, title, description, price_minor, currency, sku, "
                    "active) VALUES (gen_random_uuid(), now(), now(), :company, :words, :phone, -1, 'ARS', :words, true)",
                    company=actor.company_id,
                    words=WORDS,
                    phone=PHONE,
                )
        elif way == "object":
            for _ in range(2):
                session().add(
                    Product(
                        company_id=actor.company_id, title=WORDS, price_minor=1, currency="ARS", sku=f"{PHONE} {KEY}"
                    )
                )
            await session().flush()
        else:
            await sql("SELECT CAST(:words AS jsonb), :phone", words=f"{{{WORDS}", phone=PHONE)

    monkeypatch.setattr(product_routes.catalogue, "create_product", refused)
    answer = await as_alice.post("/api/v1/products", json={"title": WORDS, "price": 1})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    has_none(answer.text)
    assert "api.failed" in written.getvalue() and "psycopg" in written.getvalue(), "it is told, with its trace"
    with pytest.raises(Exception) as caught:
        async with unit_of_work(alice):
            await refused(alice)
    show_error_of(caught.value, monkeypatch)


def show_error_of(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's way of the same error."""
    monkeypatch.setattr("saasbot.state.errors.EventContext", SimpleNamespace(get=lambda: SimpleNamespace(token="t")))
    has_none(str(show_error(error)))


async def test_a_database_that_is_away(as_alice: Client, monkeypatch: pytest.MonkeyPatch, written: io.StringIO):
    nowhere = create_async_engine(f"postgresql+psycopg://saasbot_app:{SECRET}@127.0.0.1:9/saasbot")
    for name in ("app", "platform"):
        monkeypatch.setitem(db._makers, name, async_sessionmaker(nowhere, class_=AsyncSession))
    recent_callers.forget_all()
    answer = await as_alice.post("/api/v1/products", json={"title": WORDS, "price": 1})
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    has_none(answer.text)
    assert "database_unavailable" in written.getvalue()


async def test_a_storage_that_is_away(as_alice: Client, alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with unit_of_work(alice):
        product = await catalogue.create_product(alice, title=WORDS, price_minor=1)
    (tmp_path / "media").write_text("a file where the folder should be")
    monkeypatch.setenv("SAASBOT_DATA_DIR", str(tmp_path))
    settings.cache_clear()
    storage.cache_clear()
    try:
        answer = await as_alice.post(
            f"/api/v1/products/{product.id}/image", files={"file": (f"{WORDS}.jpg", picture(), "image/jpeg")}
        )
    finally:
        monkeypatch.undo()
        settings.cache_clear()
        storage.cache_clear()
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    has_none(answer.text)


@attempt(172, "secrets", "A model server answers with the key it was given.")
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
async def test_a_model_server_that_repeats_the_key_it_was_given(
    shop: Shop, scripted: Script, everywhere: Callable[[], dict[str, str]], status: int
):
    echo = {"error": {"message": f"Bearer {KEY} is wrong", "code": "x" if status != 429 else "insufficient_quota"}}
    scripted(httpx2.Response(status, json=echo, headers={"retry-after": "60"}))
    async with unit_of_work(shop.alice):
        await ai.set_openai(shop.alice, api_key=KEY, base_url="https://model.example/v1")
    has_none(str(await check_key(shop.alice, api_key=KEY, base_url="https://model.example/v1")))
    conversation_id = await shop.hears(WORDS, phone=PHONE)
    await run_turn_job(shop, conversation_id)
    assert [table for table, rows in everywhere().items() if KEY in rows] == []


async def test_a_mail_server_that_refuses_and_the_job_that_fails(
    alice: Actor, configure: Configure, everywhere: Callable[[], dict[str, str]], written: io.StringIO
):
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            words = line.decode().strip()
            writer.write(f"{'250 ok' if line[:4] in (b'EHLO', b'MAIL') else '550 no: ' + words}\r\n".encode())

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    configure(smtp_url=f"smtp://mailer:{SECRET}@127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        with pytest.raises(Exception) as caught:
            await mail.send(to="alice@sur.example", subject=WORDS, text=WORDS)
        ours.get_logger("test").error("mail.failed", exc_info=caught.value)
        await accounts.request_reset("alice@sur.example")
        async with job_queue.opened(db.app_dsn()) as app:
            for _ in range(5):  # an hourly job may have its turn first
                await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
                if RETRIED in everywhere()["procrastinate_events"]:
                    break
    finally:
        server.close()
    tables = everywhere()
    assert RETRIED in tables["procrastinate_events"], "the job failed, and is tried again later"
    assert "accounts.mail_reset" in tables["procrastinate_jobs"]
    has_none(tables["procrastinate_jobs"] + tables["procrastinate_events"])


@attempt(173, "secrets", "A browser reports an error that holds secrets.")
def test_what_a_browser_reports(written: io.StringIO):
    report = (
        f"TypeError: {WORDS} {PHONE} {PASSWORD}\n  at a (http://localhost:3000/assets/inbox-Bx1.js:12:345)\n{QR} {KEY}"
    )
    log_frontend_error(Exception(report))
    line = json.loads(written.getvalue())
    assert (line["kind"], line["places"]) == ("TypeError", ["inbox-Bx1.js:12:345"])


@attempt(174, "secrets", "Tokens of a sign-in are looked for outside of its answer.")
async def test_the_tokens_of_a_sign_in_are_only_in_its_answer(
    client: Client, alice: Actor, everywhere: Callable[[], dict[str, str]], written: io.StringIO
):
    answer = await client.post("/api/v1/auth/login", json={"email": "alice@sur.example", "password": PASSWORD})
    given = answer.json()
    await client.post("/api/v1/auth/refresh", json={"refresh_token": given["refresh_token"]})
    await client.post("/api/v1/auth/refresh", json={"refresh_token": given["refresh_token"]})  # reused: the family ends
    await client.get("/api/v1/products", headers={"Authorization": f"Bearer {given['access_token']}x"})
    for token in (given["refresh_token"], given["access_token"]):
        assert token not in written.getvalue()
        assert [table for table, rows in everywhere().items() if token in rows] == []


async def test_the_metrics(shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch):
    await shop.hears(WORDS, phone=PHONE, name=KEY)
    monkeypatch.setattr(metrics, "_cache", metrics._Cache())
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    has_none(answer.text)


async def test_the_log_of_a_process_of_numbers(tmp_path: Path):
    child = Child("tests.attack.careless_process", tmp_path / "child.log", lambda _line: None)
    await child.start()
    assert await child.wait() != 0
    log = (tmp_path / "child.log").read_text()
    assert log.count("careless") >= 3 and "process.uncaught" in log, log
    has_none(log)
