"""What numbers have left in their spools on this machine goes into the journal, whoever holds them now, if anybody.

A holder empties its own. This is for those that ended while the database was away: unlinked, stopped, taken up by another machine,
or killed. WhatsApp has been told that we have these events.
"""

import asyncio
import contextlib
import time
from pathlib import Path
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.admin.runtime import companies_of
from saasbot.domain.privacy.journal_rows import channels_of
from saasbot.infra.db import DOWN, app_dsn, unit_of_work
from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.journal import NumberJournal

log = get_logger(__name__)

_PAUSE_SECONDS = 60.0
_DAY_SECONDS = 86_400
_UNREADABLE_DAYS, _NOBODYS_DAYS = 90, 1
"""A number that the database does not know was erased with its company. Not at once: it may be the wrong database."""
_NOBODYS_EPOCH = 0


async def sweep_forever(folder: Path) -> None:
    while True:
        try:
            await sweep(folder)
        except DOWN as error:
            log.info("spool.sweep_waits", error=str(error))
        except Exception:  # nobody awaits this task, and the next look may fare better
            log.exception("spool.sweep_failed")
        await asyncio.sleep(_PAUSE_SECONDS)


async def sweep(folder: Path) -> None:
    """Afterwards every spool of a known number is empty, unless the database went away meanwhile; what nobody may want any more
    is removed.

    Raises: `DOWN`.
    """
    left = _left(folder)
    if not left:
        return
    companies = await companies_of(left)
    for channel_id in left:
        if company_id := companies.get(channel_id):
            await _empty(company_id, channel_id, folder)
            await asyncio.to_thread(_remove_old, folder, f"{channel_id}.unreadable", _UNREADABLE_DAYS)
        else:
            await asyncio.to_thread(_remove_old, folder, f"{channel_id}.*", _NOBODYS_DAYS)


async def forget_unreadable(actor: Actor, folder: Path) -> None:
    """What could not be read of the company's spools is gone: it may be of anybody, and nobody can take one person out."""
    async with unit_of_work(actor):
        channels = await channels_of(actor)
    for channel_id in channels:
        await asyncio.to_thread(_remove_old, folder, f"{channel_id}.unreadable", 0)


def _left(folder: Path) -> set[UUID]:
    """The numbers of which something is there."""
    found = set[UUID]()
    for path in folder.glob("*.*"):
        with contextlib.suppress(ValueError):  # no file of ours
            found.add(UUID(path.stem))
    return found


async def _empty(company_id: UUID, channel_id: UUID, folder: Path) -> None:
    journal = NumberJournal(
        company_id=company_id, channel_id=channel_id, epoch=_NOBODYS_EPOCH, dsn=app_dsn(), spool_dir=folder
    )
    moved = await journal.replay_spool()
    await asyncio.to_thread(journal.close)
    if moved:
        log.info("spool.swept", channel_id=str(channel_id), events=moved)


def _remove_old(folder: Path, pattern: str, days: int) -> None:
    for path in folder.glob(pattern):
        if path.stat().st_mtime <= time.time() - days * _DAY_SECONDS:
            path.unlink(missing_ok=True)
            log.warning("spool.removed", file=path.name)
