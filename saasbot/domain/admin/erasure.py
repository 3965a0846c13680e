"""A company goes, in an order in which a try that failed is made again from its beginning: numbers stop, files, rows, accounts."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlmodel import col

from saasbot.domain.actor import Actor
from saasbot.domain.channels.manage import list_channels, logout
from saasbot.infra import events
from saasbot.infra.db import platform_unit_of_work, run, session, sql, unit_of_work
from saasbot.infra.logging import get_logger
from saasbot.infra.storage import storage
from saasbot.models import Company, CompanyErasure, Membership, UserAccount
from saasbot.models.table import utcnow

log = get_logger(__name__)

_BATCH = 5_000
LARGE = ("wa_event", "history_chunk", "sim_event", "sim_message", "message_act", "agent_turn", "message")
"""Removed in batches before the company's row takes the rest with it."""


@dataclass(frozen=True, slots=True)
class Due:
    erasure_id: UUID
    company_id: UUID
    devices: list[str]
    channels: list[UUID]


async def due_erasure(erasure_id: UUID) -> Due | None:
    """The erasure, when its time has come and nobody took it back."""
    async with platform_unit_of_work("find a company whose time has come"):
        # locked: it waits for an owner who takes it back in this moment
        found = await session().get(CompanyErasure, erasure_id, with_for_update=True)
        if found is None or found.cancelled_at or found.finished_at or found.due_at > utcnow():
            return None
        return Due(found.id, found.company_id, found.devices, found.channels)


async def overdue() -> list[UUID]:
    """Erasures that should have been done an hour ago."""
    async with platform_unit_of_work("find companies whose erasure is overdue"):
        found = await run(
            select(col(CompanyErasure.id)).where(
                col(CompanyErasure.cancelled_at).is_(None),
                col(CompanyErasure.finished_at).is_(None),
                col(CompanyErasure.due_at) < utcnow() - timedelta(hours=1),
            )
        )
        return list(found.scalars())


async def stop_numbers(due: Due) -> Due | None:
    """Every number of the company is unlinked and stays stopped. Nothing while one is still held by somebody: ask again."""
    actor = Actor.system(due.company_id)
    async with unit_of_work(actor):
        devices, channels = {*due.devices}, {*due.channels}
        rows = await sql("SELECT id, device_jid FROM channel WHERE company_id = :company", company=due.company_id)
        for row in rows:
            channels.add(row.id)
            devices |= {row.device_jid} if row.device_jid else set()
        # what is to be forgotten is written down before the numbers forget it
        await run(
            update(CompanyErasure)
            .where(col(CompanyErasure.id) == due.erasure_id)
            .values(devices=sorted(devices), channels=sorted(channels))
        )
        for channel in await list_channels(actor):
            await logout(actor, channel.id)
        held = await sql(
            "SELECT 1 FROM channel_lease WHERE company_id = :company AND holder IS NOT NULL AND expires_at > clock_timestamp() "
            "LIMIT 1",
            company=due.company_id,
        )
        if held.scalar() is not None:
            return None
    return Due(due.erasure_id, due.company_id, sorted(devices), sorted(channels))


async def erase_company(due: Due, *, data_dir: Path) -> None:
    """Files, what a number of this machine has spooled, rows, and the accounts that belong to no other company.

    Raises: StorageUnavailable.
    """
    await storage().delete_prefix(str(due.company_id))
    for channel in due.channels:
        for spooled in (data_dir / "spool").glob(f"{channel}.*"):
            spooled.unlink(missing_ok=True)
    await _erase_large(Actor.system(due.company_id))
    people = await _erase_rest(due)
    await storage().delete_prefix(str(due.company_id))  # what was written meanwhile
    log.info("privacy.company_erased", company_id=str(due.company_id), accounts=people)


async def _erase_large(actor: Actor) -> None:
    for table in LARGE:
        removed = _BATCH
        while removed:
            async with unit_of_work(actor):
                gone = await sql(
                    f"DELETE FROM {table} WHERE ctid = ANY (ARRAY("  # noqa: S608  # a name of ours
                    f"SELECT ctid FROM {table} WHERE company_id = :company LIMIT :batch))",
                    company=actor.company_id,
                    batch=_BATCH,
                )
                removed = gone.rowcount
    async with unit_of_work(actor):
        await sql(
            "DELETE FROM procrastinate_jobs WHERE args->>'company_id' = :company AND status <> 'doing'",
            company=str(actor.company_id),
        )


async def _erase_rest(due: Due) -> int:
    """In one transaction: the company's row, everything that refers to it, and accounts without another company."""
    async with platform_unit_of_work("erase what is left of a company"):
        found = await run(select(col(Membership.user_id)).where(col(Membership.company_id) == due.company_id))
        people = list(found.scalars())
        for user_id in people:
            events.publish("session", company_id=due.company_id, user=user_id)
        await run(delete(Company).where(col(Company.id) == due.company_id))
        elsewhere = select(col(Membership.user_id)).where(col(Membership.user_id).in_(people))
        gone = await run(
            delete(UserAccount).where(col(UserAccount.id).in_(people), col(UserAccount.id).not_in(elsewhere))
        )
        mine = update(CompanyErasure).where(col(CompanyErasure.company_id) == due.company_id)
        await run(mine.values(devices=[], channels=[]))
        await run(mine.where(col(CompanyErasure.id) == due.erasure_id).values(finished_at=utcnow()))
        return gone.rowcount
