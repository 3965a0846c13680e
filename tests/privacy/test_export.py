"""What there is, handed out: everything of the company, or of one contact, and no secret."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import time_machine

from saasbot.domain import privacy
from saasbot.domain.actor import Actor
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.domain.consent.texts import write_text
from saasbot.domain.privacy.export import (
    ExportNotReady,
    ExportRunning,
    ask_export,
    key_of,
    link_to_export,
    list_exports,
    remove_exports,
)
from saasbot.domain.privacy.export_tables import NEVER, OF_A_CONTACT, columns_of, company_tables
from saasbot.infra import db, session_cookie
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import Forbidden, NotFound
from saasbot.infra.storage import LocalStorage
from saasbot.jobs.privacy import build_export, erase_contact, fail_export, remove_export
from saasbot.models import DataExport, ErasureStep
from saasbot.models.table import utcnow
from tests.api.conftest import make_client
from tests.attack.attempts import attempt
from tests.attack.belongings import belongings_of
from tests.fixtures.shops import Shop
from tests.inbox.heard import hears, message
from tests.people import session_in
from tests.privacy.test_contact_erasure import BETO, MARK, PHONE, WORDS, ana  # noqa: F401  # a fixture


async def made(actor: Actor, files: LocalStorage, **which: Any) -> tuple[DataExport, dict[str, list[Any]], list[str]]:
    """The export, its tables, and the names of its media."""
    async with unit_of_work(actor):
        export = await ask_export(actor, **which)
    await build_export(actor, export.id)
    async with unit_of_work(actor):
        (export, *_) = await list_exports(actor)
    assert export.storage_key is not None and export.done == export.total > 0
    with zipfile.ZipFile(io.BytesIO(await files.get(export.storage_key))) as archive:
        assert archive.testzip() is None
        tables = {
            name.removesuffix(".jsonl"): [json.loads(line) for line in archive.read(name).splitlines()]
            for name in archive.namelist()
            if name.endswith(".jsonl")
        }
        return export, tables, [name for name in archive.namelist() if name.startswith("media/")]


@attempt(213, "privacy", "A copy of one company's data is searched for another's.")
async def test_a_company_takes_everything_of_its_own_away(alice: Actor, mallory: Actor, files: LocalStorage):
    await belongings_of(mallory, mark="of-mallory")
    hers = await belongings_of(alice)
    async with unit_of_work(alice):
        (running, *_) = await list_exports(alice)
    await build_export(alice, running.id)  # the one of her belongings
    _, tables, media = await made(alice, files)
    assert set(tables) == {*company_tables(), "people", "terms"}
    agreed = {(row["purpose"], row["granted"], row["text_version"]) for row in tables["consent"]}
    assert agreed == {("terms", True, CURRENT), ("messages", True, "0")}
    assert [(row["version"], "Zapatería Sur" in row["text"]) for row in tables["consent_text"]] == [(0, True)]
    assert {(row["version"], row["locale"]) for row in tables["terms"]} >= {(CURRENT, "es"), (CURRENT, "en")}
    assert [row["name"] for row in tables["company"]] == ["Zapatería Sur"]
    assert {row["id"] for row in tables["message"]} >= {str(hers.message_id)}
    assert [row["email"] for row in tables["people"]] == ["alice@sur.example", "member@only-of-alice.example"]
    assert len(media) == 1
    text = json.dumps(tables)
    assert "of-mallory" not in text and "password_hash" not in text and "_sealed" not in text


def test_every_table_of_a_company_is_exported_or_said_not_to_be(superuser: psycopg.Connection):
    named = superuser.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'company_id'"
    ).fetchall()
    assert {str(name) for (name,) in named} == {*company_tables()} - {"company"} | NEVER.keys()
    assert set(OF_A_CONTACT) <= set(company_tables())
    assert "openai_key_sealed" not in columns_of("company") and "openai_key_last4" in columns_of("company")


async def test_a_contact_is_handed_out_alone(shop: Shop, files: LocalStorage, ana: object):  # noqa: F811
    await hears(shop, message("Hello from Beto", wa_id="B9", phone=BETO, name="Beto"))
    async with unit_of_work(shop.alice):
        await write_text(shop.alice, "A later text")
    export, tables, media = await made(shop.alice, files, conversation_id=ana)
    assert export.contact_id is not None and set(tables) == set(OF_A_CONTACT)
    text = json.dumps(tables)
    assert MARK in text and PHONE in text and "Beto" not in text
    assert {row["wa_id"] for row in tables["message"]} >= {f"{MARK}-1", f"{MARK}-2", f"{MARK}-3"}
    assert [(row["granted"], row["text_version"]) for row in tables["consent"]] == [(True, "0")]
    assert [row["version"] for row in tables["consent_text"]] == [0]  # what they agreed to, and not what came later
    assert len(media) == 1


async def test_only_an_owner_and_one_at_a_time(shop: Shop, other_shop: Shop, files: LocalStorage):
    for actor in (shop.bob, shop.charlie):
        with pytest.raises(Forbidden):
            async with unit_of_work(actor):
                await ask_export(actor)
    async with unit_of_work(shop.alice):
        export = await ask_export(shop.alice)
        with pytest.raises(ExportRunning):
            await ask_export(shop.alice)
        with pytest.raises(ExportNotReady):
            await link_to_export(shop.alice, export.id)
    with pytest.raises(NotFound):
        async with unit_of_work(other_shop.alice):
            await link_to_export(other_shop.alice, export.id)


async def test_its_link_is_in_the_trail_and_its_file_is_gone_after_a_day(
    shop: Shop, files: LocalStorage, superuser: psycopg.Connection
):
    export, *_ = await made(shop.alice, files)
    async with unit_of_work(shop.alice):
        assert (await link_to_export(shop.alice, export.id)).startswith("/media/")
    trail = superuser.execute(
        "SELECT action FROM audit_event WHERE action LIKE 'company.export%' ORDER BY id"
    ).fetchall()
    assert trail == [("company.export_asked",), ("company.export_fetched",)]
    later = superuser.execute(
        "SELECT scheduled_at - now() > interval '23 hours' FROM procrastinate_jobs WHERE task_name = 'privacy.remove_export'"
    ).fetchall()
    assert later == [(True,)]
    for _ in range(2):
        await remove_export(str(shop.company.id), str(export.id))
    assert list(files.folder.rglob("*.zip")) == []
    with pytest.raises(ExportNotReady):
        async with unit_of_work(shop.alice):
            await link_to_export(shop.alice, export.id)


@attempt(214, "privacy", "A forgotten contact is looked for in old copies.")
async def test_who_is_erased_is_in_no_copy_either(shop: Shop, files: LocalStorage, ana: object):  # noqa: F811
    await made(shop.alice, files)
    assert list(files.folder.rglob("*.zip"))
    async with unit_of_work(shop.alice):
        erasure = await privacy.ask_erasure(shop.alice, ana)  # type: ignore[arg-type]
    await erase_contact(str(shop.company.id), str(erasure.id))
    assert list(files.folder.rglob("*.zip")) == []


@attempt(256, "privacy", "A copy of all data is being made while somebody is erased.")
@pytest.mark.parametrize("when", ["before its file", "after its file"])
async def test_a_copy_that_is_being_made_when_somebody_is_erased_is_given_up(
    shop: Shop,
    files: LocalStorage,
    ana: object,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    when: str,
):
    async with unit_of_work(shop.alice):
        erasure = await privacy.ask_erasure(shop.alice, ana)  # type: ignore[arg-type]
        export = await ask_export(shop.alice)

    async def erase() -> None:
        await erase_contact(str(shop.company.id), str(erasure.id))

    meanwhile(monkeypatch, when, erase)
    for _ in range(2):
        await build_export(shop.alice, export.id)
        assert list(files.folder.rglob("*.zip")) == []
        found = await newest_of(shop.alice)
        assert (found.storage_key, found.finished_at, found.failed_at is None) == (None, None, False)
        # the job is tried again, after a try that could not take its file away
        await files.put(key_of(shop.company.id, export.id), b"everything", "application/zip")
    await fail_export(shop.alice, export.id)
    assert list(files.folder.rglob("*.zip")) == []
    async with unit_of_work(shop.alice):
        await ask_export(shop.alice)


@attempt(279, "privacy", "A copy of all data is asked for while somebody is being erased.")
@pytest.mark.parametrize("finished", [True, False])
async def test_a_copy_that_was_begun_before_the_rows_were_gone_is_gone_with_them(
    shop: Shop,
    files: LocalStorage,
    ana: object,  # noqa: F811
    finished: bool,
):
    async with unit_of_work(shop.alice):
        erasure = await privacy.ask_erasure(shop.alice, ana)  # type: ignore[arg-type]
    while await privacy.erase_next(shop.system, erasure.id) != ErasureStep.ROWS:
        pass
    export = None
    if finished:
        _, tables, _ = await made(shop.alice, files)
        assert MARK in json.dumps(tables)
    else:
        async with unit_of_work(shop.alice):
            export = await ask_export(shop.alice)
    await erase_contact(str(shop.company.id), str(erasure.id))
    if export is not None:
        await build_export(shop.alice, export.id)
    assert list(files.folder.rglob("*.zip")) == []


async def test_a_copy_that_is_begun_when_the_rows_are_gone_holds_nothing_of_them(
    shop: Shop,
    files: LocalStorage,
    ana: object,  # noqa: F811
):
    async with unit_of_work(shop.alice):
        erasure = await privacy.ask_erasure(shop.alice, ana)  # type: ignore[arg-type]
    while await privacy.erase_next(shop.system, erasure.id) != ErasureStep.SESSIONS:
        pass
    _, tables, _ = await made(shop.alice, files)
    text = json.dumps(tables)
    assert [word for word in WORDS if word in text] == []
    await erase_contact(str(shop.company.id), str(erasure.id))
    assert list(files.folder.rglob("*.zip")), "and it stays"


@attempt(257, "privacy", "The process that makes a copy dies before it says where it lies, and somebody is erased.")
async def test_a_copy_that_nobody_finished_is_gone_too(shop: Shop, files: LocalStorage):
    async with unit_of_work(shop.alice):
        export = await ask_export(shop.alice)
    await files.put(key_of(shop.company.id, export.id), b"everything", "application/zip")
    async with unit_of_work(shop.alice):
        await remove_exports(shop.alice)
        told = [event["k"] for event in db.current().notes["events"].values()]
    assert (list(files.folder.rglob("*.zip")), told) == ([], ["export"])
    assert (await newest_of(shop.alice)).failed_at is not None


@pytest.mark.parametrize("when", ["before its file", "after its file"])
async def test_a_copy_of_a_company_that_is_gone_leaves_no_file(
    shop: Shop, files: LocalStorage, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, when: str
):
    async with unit_of_work(shop.alice):
        export = await ask_export(shop.alice)

    async def company_goes() -> None:
        superuser.execute("DELETE FROM data_export")

    meanwhile(monkeypatch, when, company_goes)
    await build_export(shop.alice, export.id)
    assert list(files.folder.rglob("*.zip")) == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, when: str, happens: Callable[[], Awaitable[None]]) -> None:
    """It happens once, just before or after the ZIP is put into the storage."""
    real, waiting = LocalStorage.put_file, [happens]

    async def put(self: LocalStorage, key: str, source: Any, mime: str) -> None:
        if when == "before its file" and waiting:
            await waiting.pop()()
        await real(self, key, source, mime)
        if waiting:
            await waiting.pop()()

    monkeypatch.setattr(LocalStorage, "put_file", put)


async def newest_of(actor: Actor) -> DataExport:
    async with unit_of_work(actor):
        return (await list_exports(actor))[0]


@attempt(258, "privacy", "A member opens the expired address of a copy of all data.")
async def test_an_expired_address_opens_no_copy_and_still_a_picture_for_members(
    alice: Actor, bob: Actor, charlie: Actor, mallory: Actor, files: LocalStorage
):
    export, *_ = await made(alice, files)
    async with unit_of_work(alice):
        copy = await link_to_export(alice, export.id)
    picture = f"{alice.company_id}/image/one.jpg"
    await files.put(picture, b"a picture", "image/jpeg")
    shown = files.signed_url(picture, seconds=600, inline=True)
    members = [await session_in(actor) for actor in (alice, bob, charlie)]
    stranger = await session_in(mallory)

    async def opened(token: str) -> tuple[int, int]:
        async with make_client() as client:
            cookie = {"Cookie": f"{session_cookie.name()}={token}"}
            return tuple([(await client.get(where, headers=cookie)).status_code for where in (copy, shown)])  # type: ignore[return-value]

    assert await opened("") == (200, 200)
    with time_machine.travel(utcnow() + timedelta(hours=1), tick=False):
        assert [await opened(token) for token in members] == [(403, 200)] * 3
        assert [await opened(token) for token in (stranger, "")] == [(403, 403)] * 2
