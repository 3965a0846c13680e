"""The ZIP of an export: a file of JSON lines for each table, and the media, written to a file without a name.

Nothing is held whole: rows come from the database in portions, files one at a time.
"""

import asyncio
import json
import tempfile
import zipfile
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.consent.terms_of_use import VERSIONS, terms_text
from saasbot.domain.privacy.contact_rows import media_of
from saasbot.domain.privacy.export import KEPT, REMOVE_TASK, access_export, key_of
from saasbot.domain.privacy.export_tables import OF_A_CONTACT, PEOPLE, company_tables, query_of
from saasbot.domain.privacy.traces import Traces
from saasbot.infra import events, jobs
from saasbot.infra.db import driver_connection, query_bytes, sql, unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.infra.i18n import SUPPORTED
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import FileMissing, storage
from saasbot.models.table import utcnow

log = get_logger(__name__)

_PORTION = 500
_TELL_EVERY = 20


async def build_export(actor: Actor, export_id: UUID) -> None:
    """The ZIP lies in the storage for a day, and its owner hears of it. Building it again replaces it.

    Call it outside a unit of work. Raises: StorageUnavailable.
    """
    key = key_of(actor.company_id, export_id)
    async with unit_of_work(actor):
        export = await access_export(actor, export_id)
        if export.failed_at is not None:
            await storage().delete(key)  # of a try before, which could not take it away
        if export.finished_at is not None or export.failed_at is not None:
            return
        parameters = await _parameters(actor, export.contact_id)
    of_contact = export.contact_id is not None
    names = list(OF_A_CONTACT) if of_contact else company_tables()
    files = await _files(actor, parameters if of_contact else None)
    done, total = 0, len(names) + len(files)
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                await _write_rows(actor, archive, name, query_of(name, contact=of_contact), parameters)
                done += 1
                await _tell(actor, export_id, done, total)
            if not of_contact:
                await _write_rows(actor, archive, "people", PEOPLE, parameters)
                await asyncio.to_thread(_write_terms, archive)
            for media_key in files:
                await _write_file(archive, media_key)
                done += 1
                if done % _TELL_EVERY == 0:
                    await _tell(actor, export_id, done, total)
        size = file.seek(0, 2)
        await storage().put_file(key, cast("BinaryIO", file), "application/zip")
    if await _finish(actor, export_id, key, size=size, total=total):
        log.info("privacy.exported", company_id=str(actor.company_id), export_id=str(export_id), size=size)
    else:
        await storage().delete(key)


async def _finish(actor: Actor, export_id: UUID, key: str, *, size: int, total: int) -> bool:
    """False: somebody was erased while it was made, or the whole company, so it must not be."""
    try:
        async with unit_of_work(actor):
            export = await access_export(actor, export_id, lock=True)
            if export.failed_at is not None:
                return False
            export.storage_key, export.size, export.finished_at = key, size, utcnow()
            export.done = export.total = total
            await jobs.defer(
                REMOVE_TASK,
                schedule_at=utcnow() + KEPT,
                company_id=str(actor.company_id),
                export_id=str(export_id),
            )
            events.publish("export", company_id=actor.company_id, export_id=export_id)
    except NotFound:
        return False
    return True


async def fail_export(actor: Actor, export_id: UUID) -> None:
    """It could not be made, and is not tried any more; nothing of it lies there. Raises: StorageUnavailable."""
    async with unit_of_work(actor):
        export = await access_export(actor, export_id, lock=True)
        if export.finished_at is not None:
            return
        export.failed_at = utcnow()
        events.publish("export", company_id=actor.company_id, export_id=export_id)
    await storage().delete(key_of(actor.company_id, export_id))


async def _parameters(actor: Actor, contact_id: UUID | None) -> dict[str, Any]:
    if contact_id is None:
        return {"company": actor.company_id}
    values = {"company": actor.company_id, "contact": contact_id}
    addresses = await sql(
        "SELECT kind || ':' || value FROM contact_identity WHERE company_id = :company AND contact_id = :contact",
        **values,
    )
    chats = await sql("SELECT id FROM conversation WHERE company_id = :company AND contact_id = :contact", **values)
    traces = Traces.of(addresses.scalars())
    media = await media_of(actor, contact_id, traces)
    return {**values, "chats": chats.scalars(), "jids": list(traces.jids), "media": media}


async def _files(actor: Actor, contact: dict[str, Any] | None) -> list[str]:
    """Keys of the media in the storage, without thumbnails: those are the same pictures, smaller."""
    which = "AND id = ANY(:media)" if contact else ""
    async with unit_of_work(actor):
        rows = await sql(
            f"SELECT storage_key FROM media WHERE company_id = :company AND storage_key IS NOT NULL {which} ORDER BY id",  # noqa: S608
            **({"company": actor.company_id} | ({"media": contact["media"]} if contact else {})),
        )
        return rows.scalars()


async def _write_rows(
    actor: Actor, archive: zipfile.ZipFile, name: str, query: str, parameters: dict[str, Any]
) -> None:
    with archive.open(f"{name}.jsonl", "w", force_zip64=True) as entry:
        # closed here, whatever happens: its unit of work must end in this task
        async with aclosing(_portions(actor, query, parameters)) as portions:
            async for portion in portions:
                await asyncio.to_thread(entry.write, "".join(f"{line}\n" for line in portion).encode())


async def _portions(actor: Actor, query: str, parameters: dict[str, Any]) -> AsyncGenerator[list[str], None]:
    async with unit_of_work(actor):
        connection = await driver_connection()
        async with connection.cursor(name="export") as cursor:
            await cursor.execute(query_bytes(query), parameters)
            while rows := await cursor.fetchmany(_PORTION):
                yield [row[0] for row in rows]


def _write_terms(archive: zipfile.ZipFile) -> None:
    """What the people of the team accepted: their rows of `consent` name the version."""
    lines = [
        json.dumps({"version": version, "locale": locale, "text": terms_text(locale, version)}, ensure_ascii=False)
        for version in VERSIONS
        for locale in SUPPORTED
    ]
    archive.writestr("terms.jsonl", "".join(f"{line}\n" for line in lines))


async def _write_file(archive: zipfile.ZipFile, key: str) -> None:
    try:
        content = await storage().get(key)
    except FileMissing:
        return
    await asyncio.to_thread(archive.writestr, f"media/{PurePosixPath(key).name}", content)


async def _tell(actor: Actor, export_id: UUID, done: int, total: int) -> None:
    async with unit_of_work(actor):
        export = await access_export(actor, export_id)
        export.done, export.total = done, total
        events.publish("export", company_id=actor.company_id, export_id=export_id)
