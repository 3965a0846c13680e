"""The erasure of a contact, step by step: each commits by itself, can be done again, and leads to the next.

figures → files → rows → journal → sessions → done. Figures first, because rows are what they are counted from; files before rows,
because rows are how they are found; the journal after the rows, and what of it waits together with them, so that nothing brings
the person back. Copies of everything go when the rows have gone: what was begun until then may hold them, what is begun
later does not.
"""

from datetime import timedelta
from uuid import UUID

from sqlmodel import select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.privacy.contact_rows import erase_rows, files_of, forget_files, media_of
from saasbot.domain.privacy.export import remove_exports
from saasbot.domain.privacy.journal_rows import channels_of, erase_batch, erase_waiting, history_waits
from saasbot.domain.privacy.traces import Traces
from saasbot.domain.reports.days import keep_days_of
from saasbot.infra import jobs
from saasbot.infra.db import session, sql, unit_of_work
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import storage
from saasbot.models import ContactErasure, ErasureStep
from saasbot.models.table import utcnow

log = get_logger(__name__)

ERASE_TASK = "privacy.erase_contact"
_FILES = 50
_HISTORY_PAUSE = timedelta(minutes=1)


async def erase_next(actor: Actor, erasure_id: UUID) -> ErasureStep | None:
    """Do the step at which this erasure is. Returns the step that follows: `SESSIONS` is for whoever holds the sessions of
    the numbers, and ends with `finish`. Nothing: it waits, and a job of its own goes on later.

    Call it outside a unit of work. Raises: StorageUnavailable.
    """
    async with unit_of_work(actor):
        erasure = await _find(actor, erasure_id)
    traces = Traces.of(erasure.addresses)
    match erasure.step:
        case ErasureStep.FIGURES:
            async with unit_of_work(actor):
                if await history_waits(actor, traces):
                    await _later(erasure)
                    return None
                await keep_days_of(actor, erasure.contact_id)
                return await _go_on(actor, erasure_id, ErasureStep.FILES)
        case ErasureStep.FILES:
            await _erase_files(actor, erasure.contact_id, traces)
            async with unit_of_work(actor):
                return await _go_on(actor, erasure_id, ErasureStep.ROWS)
        case ErasureStep.ROWS:
            async with unit_of_work(actor):
                await erase_waiting(actor, traces)
                if await _more_files(actor, erasure.contact_id, traces):
                    return await _go_on(actor, erasure_id, ErasureStep.FILES)
                await erase_rows(actor, erasure.contact_id, traces)
                return await _go_on(actor, erasure_id, ErasureStep.JOURNAL)
        case ErasureStep.JOURNAL:
            async with unit_of_work(actor):
                await remove_exports(actor)
            await _erase_journal(actor, traces)
            async with unit_of_work(actor):
                return await _go_on(actor, erasure_id, ErasureStep.SESSIONS)
        case _:
            return ErasureStep(erasure.step)


async def users_and_devices(actor: Actor, erasure_id: UUID) -> tuple[list[str], list[str]]:
    """For the step `SESSIONS`: the person's users, and the devices of the company's numbers."""
    async with unit_of_work(actor):
        erasure = await _find(actor, erasure_id)
        return list(Traces.of(erasure.addresses).users), await devices_of(actor)


async def devices_of(actor: Actor) -> list[str]:
    """The sessions of the company's numbers in the library's store."""
    rows = await sql(
        "SELECT device_jid FROM channel WHERE company_id = :company AND device_jid IS NOT NULL",
        company=actor.company_id,
    )
    return rows.scalars()


async def finish(actor: Actor, erasure_id: UUID) -> None:
    """The person is forgotten: not even their addresses are known here any more. Twice is once."""
    async with unit_of_work(actor):
        erasure = await _find(actor, erasure_id)
        if erasure.step == ErasureStep.DONE:
            return
        erasure.step, erasure.addresses, erasure.finished_at = ErasureStep.DONE, [], utcnow()
        await record(actor, "contact.erased", erasure.contact_id)
    log.info("privacy.contact_erased", company_id=str(actor.company_id), erasure_id=str(erasure_id))


async def _erase_files(actor: Actor, contact_id: UUID, traces: Traces) -> None:
    async with unit_of_work(actor):
        ids = await media_of(actor, contact_id, traces)
    for start in range(0, len(ids), _FILES):
        async with unit_of_work(actor):
            files = await files_of(actor, contact_id, traces, ids[start : start + _FILES])
            # the files first: the rows, locked, are what a second try finds them by
            for _, keys in files:
                for key in keys:
                    await storage().delete(key)
            await forget_files(actor, [id for id, _ in files])


async def _more_files(actor: Actor, contact_id: UUID, traces: Traces) -> bool:
    """Whether a file has come since."""
    ids = await media_of(actor, contact_id, traces)
    return bool(ids) and bool(await files_of(actor, contact_id, traces, ids))


async def _erase_journal(actor: Actor, traces: Traces) -> None:
    async with unit_of_work(actor):
        channels = await channels_of(actor)
    for channel in channels:
        after: bytes | None = b""
        while after is not None:
            async with unit_of_work(actor):
                after = await erase_batch(actor, channel, traces, after)


async def _go_on(actor: Actor, erasure_id: UUID, step: ErasureStep) -> ErasureStep:
    erasure = await _find(actor, erasure_id)
    erasure.step = step
    return step


async def _later(erasure: ContactErasure) -> None:
    await jobs.defer(
        ERASE_TASK,
        schedule_at=utcnow() + _HISTORY_PAUSE,
        company_id=str(erasure.company_id),
        erasure_id=str(erasure.id),
    )


async def _find(actor: Actor, erasure_id: UUID) -> ContactErasure:
    query = select(ContactErasure).where(ContactErasure.company_id == actor.company_id, ContactErasure.id == erasure_id)
    return (await session().exec(query)).one()
