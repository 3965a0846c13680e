"""An owner wants the company gone: asked with name and password, done a week later, taken back until then."""

from datetime import timedelta
from typing import ClassVar

from sqlmodel import col, select

from saasbot.domain.accounts.own_password import confirm_password
from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.companies.access import access_company
from saasbot.infra import events, jobs
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.models import CompanyErasure
from saasbot.models.table import utcnow

ERASE_TASK = "privacy.erase_company"
GRACE = timedelta(days=7)


class NothingToCancel(AppError):
    code: ClassVar[str] = "nothing_to_cancel"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "Nobody has asked to erase this company."


class ErasureBegun(AppError):
    code: ClassVar[str] = "erasure_begun"
    status: ClassVar[int] = 409
    message: ClassVar[str] = "The time to take it back is over: the company is being erased."


async def ask_company_erasure(actor: Actor, *, name: str, password: str) -> CompanyErasure:
    """In seven days everything of the company goes. `name` is the company's, typed by who really means it. Twice is once.

    Call it outside a unit of work. Raises: Forbidden, InvalidInput (another name), WrongPassword, Locked.
    """
    actor.require("company.data")
    await confirm_password(actor, password)
    async with unit_of_work(actor):
        company = await access_company(actor, lock=True)
        if " ".join(name.split()).casefold() != " ".join(company.name.split()).casefold():
            raise InvalidInput("name", "Type the name of your company as it is written here.")
        if (known := await open_erasure(actor)) is not None:
            return known
        erasure = CompanyErasure(company_id=actor.company_id, asked_by=actor.user_id, due_at=utcnow() + GRACE)
        session().add(erasure)
        await session().flush()
        await record(actor, "company.erasure_asked", due_at=erasure.due_at.isoformat())
        await jobs.defer(ERASE_TASK, schedule_at=erasure.due_at, erasure_id=str(erasure.id))
        events.publish("company", company_id=actor.company_id)
        return erasure


async def cancel_company_erasure(actor: Actor) -> None:
    """The company stays.

    Raises: ErasureBegun, Forbidden, NothingToCancel.
    """
    actor.require("company.data")
    erasure = await open_erasure(actor, lock=True)
    if erasure is None:
        raise NothingToCancel
    if has_begun(erasure):  # half of it may be gone: nobody is told that it stays
        raise ErasureBegun
    erasure.cancelled_at = utcnow()
    await record(actor, "company.erasure_cancelled")
    events.publish("company", company_id=actor.company_id)


def has_begun(erasure: CompanyErasure) -> bool:
    """Its time has come: it can no longer be taken back."""
    return erasure.due_at <= utcnow()


async def read_company_erasure(actor: Actor) -> CompanyErasure | None:
    """The erasure that is to come, if there is one.

    Raises: Forbidden.
    """
    actor.require("company.data")
    return await open_erasure(actor)


async def open_erasure(actor: Actor, *, lock: bool = False) -> CompanyErasure | None:
    query = select(CompanyErasure).where(
        CompanyErasure.company_id == actor.company_id,
        col(CompanyErasure.cancelled_at).is_(None),
        col(CompanyErasure.finished_at).is_(None),
    )
    return (await session().exec(query.with_for_update() if lock else query)).one_or_none()
