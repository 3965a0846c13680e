"""What there is, handed out: everything of the company, or of one contact, and no secret."""

import io
import json
import zipfile
from typing import Any

import psycopg
import pytest

from saasbot.domain import privacy
from saasbot.domain.actor import Actor
from saasbot.domain.consent.terms_of_use import CURRENT
from saasbot.domain.consent.texts import write_text
from saasbot.domain.privacy.export import (
    ExportNotReady,
    ExportRunning,
    ask_export,
    link_to_export,
    list_exports,
)
from saasbot.domain.privacy.export_tables import NEVER, OF_A_CONTACT, columns_of, company_tables
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import Forbidden, NotFound
from saasbot.infra.storage import LocalStorage
from saasbot.jobs.privacy import build_export, erase_contact, remove_export
from saasbot.models import DataExport
from tests.attack.attempts import attempt
from tests.attack.belongings import belongings_of
from tests.fixtures.shops import Shop
from tests.inbox.heard import hears, message
from tests.privacy.test_contact_erasure import BETO, MARK, PHONE, ana  # noqa: F401  # a fixture


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
