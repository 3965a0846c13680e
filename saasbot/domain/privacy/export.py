"""A copy of what there is, of the company or of one of its contacts: asked for, listed, taken away within a day."""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.inbox.access import access_conversation
from saasbot.infra import events, jobs
from saasbot.infra.db import run, session
from saasbot.infra.errors import AppError, NotFound
from saasbot.infra.storage import storage
from saasbot.models import DataExport
from saasbot.models.table import utcnow

EXPORT_TASK = "privacy.export"
REMOVE_TASK = "privacy.remove_export"
KEPT = timedelta(days=1)
_LINK_SECONDS = 600
_FOLDER = "export"
_SHOWN = 20


class ExportRunning(AppError):
    code: ClassVar[str] = "export_running"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "A copy is being made already. Wait until it is ready."


class ExportNotReady(AppError):
    code: ClassVar[str] = "export_not_ready"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "This copy is not ready, or it is gone: each is kept for a day."


def key_of(company_id: UUID, export_id: UUID) -> str:
    """Where its file lies."""
    return f"{company_id}/{_FOLDER}/{export_id}.zip"


def is_export(key: str) -> bool:
    """Whether such a file lies there."""
    return f"/{_FOLDER}/" in key


async def ask_export(actor: Actor, *, conversation_id: UUID | None = None) -> DataExport:
    """A job makes a ZIP of the company, or of the contact of this conversation. One at a time.

    Raises: Forbidden, NotFound, ExportRunning.
    """
    actor.require("company.data")
    contact_id = None
    if conversation_id is not None:
        contact_id = (await access_conversation(actor, conversation_id)).contact_id
    running = select(DataExport.id).where(
        DataExport.company_id == actor.company_id,
        col(DataExport.finished_at).is_(None),
        col(DataExport.failed_at).is_(None),
        col(DataExport.created_at) > utcnow() - KEPT,
    )
    if (await session().exec(running)).first() is not None:
        raise ExportRunning
    export = DataExport(company_id=actor.company_id, contact_id=contact_id, asked_by=actor.user_id)
    session().add(export)
    await session().flush()
    await record(actor, "contact.export_asked" if contact_id else "company.export_asked", contact_id or export.id)
    await jobs.defer(EXPORT_TASK, company_id=str(actor.company_id), export_id=str(export.id))
    events.publish("export", company_id=actor.company_id, export_id=export.id)
    return export


async def list_exports(actor: Actor) -> list[DataExport]:
    """The newest, with how far they have come.

    Raises: Forbidden.
    """
    actor.require("company.data")
    query = (
        select(DataExport)
        .where(DataExport.company_id == actor.company_id)
        .order_by(col(DataExport.created_at).desc())
        .limit(_SHOWN)
    )
    return list((await session().exec(query)).all())


async def link_to_export(actor: Actor, export_id: UUID) -> str:
    """An address that opens the ZIP for some minutes. That it was asked for is in the trail.

    Raises: Forbidden, NotFound, ExportNotReady.
    """
    actor.require("company.data")
    export = await access_export(actor, export_id)
    if export.storage_key is None:
        raise ExportNotReady
    await record(actor, "company.export_fetched", export.id)
    name = f"{'contact' if export.contact_id else 'company'}-{export.created_at:%Y-%m-%d}.zip"
    return storage().signed_url(export.storage_key, seconds=_LINK_SECONDS, file_name=name)


async def remove_export(actor: Actor, export_id: UUID) -> None:
    """Its file is gone; the line that there was one stays. Twice is once. Raises: StorageUnavailable."""
    export = await access_export(actor, export_id, lock=True)
    if export.storage_key is not None:
        await storage().delete(export.storage_key)
        export.storage_key = None
        events.publish("export", company_id=actor.company_id, export_id=export.id)


async def remove_exports(actor: Actor) -> None:
    """Every copy that still lies there; one that is being made is given up. Raises: StorageUnavailable."""
    mine = (col(DataExport.company_id) == actor.company_id, col(DataExport.finished_at).is_(None))
    given_up = await run(
        update(DataExport)
        .where(*mine, col(DataExport.failed_at).is_(None))
        .values(failed_at=utcnow())
        .returning(col(DataExport.id))
    )
    for export_id in given_up.scalars().all():
        await storage().delete(key_of(actor.company_id, export_id))  # of a process that died before it said so
        events.publish("export", company_id=actor.company_id, export_id=export_id)
    query = select(DataExport.id).where(
        DataExport.company_id == actor.company_id, col(DataExport.storage_key).is_not(None)
    )
    for export_id in (await session().exec(query)).all():
        await remove_export(actor, export_id)


async def access_export(actor: Actor, export_id: UUID, *, lock: bool = False) -> DataExport:
    """Raises: NotFound."""
    query = select(DataExport).where(DataExport.company_id == actor.company_id, DataExport.id == export_id)
    found = (await session().exec(query.with_for_update() if lock else query)).one_or_none()
    if found is None:
        raise NotFound
    return found
