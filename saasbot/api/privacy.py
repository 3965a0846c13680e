"""What there is of people and of the company: handed out, and erased."""

from datetime import datetime
from urllib.parse import urljoin
from uuid import UUID

from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import Listing
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body
from saasbot.domain import privacy
from saasbot.domain.privacy import company, export
from saasbot.infra.db import unit_of_work
from saasbot.infra.settings import settings
from saasbot.models import DataExport

contacts_router = ApiRouter("conversations")
exports_router = ApiRouter("exports")
company_router = ApiRouter("company")


class ErasureOut(BaseModel):
    id: UUID
    step: str
    """What is erased next: figures · files · rows · journal · sessions · done."""
    asked_at: datetime


@contacts_router.delete("/{conversation_id}/contact", status_code=202)
async def erase_contact(actor: CurrentActor, conversation_id: UUID) -> ErasureOut:
    """Everything of the contact of this conversation is erased, on every number, by a job. It cannot be undone."""
    async with unit_of_work(actor):
        erasure = await privacy.ask_erasure(actor, conversation_id)
    return ErasureOut(id=erasure.id, step=erasure.step, asked_at=erasure.created_at)


class ExportIn(Body):
    conversation_id: UUID | None = None
    """Of whose contact; without it of the whole company."""


class ExportOut(BaseModel):
    id: UUID
    asked_at: datetime
    contact_id: UUID | None
    done: int
    total: int
    """Tables and files that are in it, of how many."""
    size: int
    finished_at: datetime | None
    failed_at: datetime | None
    available: bool
    """It is ready and has not been removed yet."""

    @classmethod
    def of(cls, row: DataExport) -> "ExportOut":
        return cls(
            id=row.id,
            asked_at=row.created_at,
            contact_id=row.contact_id,
            done=row.done,
            total=row.total,
            size=row.size,
            finished_at=row.finished_at,
            failed_at=row.failed_at,
            available=row.storage_key is not None,
        )


class LinkOut(BaseModel):
    url: str
    """Opens for a few minutes."""


@exports_router.post("", status_code=202)
async def ask(actor: CurrentActor, body: ExportIn) -> ExportOut:
    """A ZIP of the company, or of one contact: JSON lines for each table, and the media. Owners only, one at a time."""
    async with unit_of_work(actor):
        return ExportOut.of(await export.ask_export(actor, conversation_id=body.conversation_id))


@exports_router.get("")
async def list_exports(actor: CurrentActor) -> Listing[ExportOut]:
    """The newest twenty."""
    async with unit_of_work(actor):
        return Listing(data=[ExportOut.of(row) for row in await export.list_exports(actor)])


@exports_router.post("/{export_id}/link")
async def link(actor: CurrentActor, export_id: UUID) -> LinkOut:
    """409 while it is made, and after a day."""
    async with unit_of_work(actor):
        url = await export.link_to_export(actor, export_id)
    return LinkOut(url=urljoin(settings().public_url, url))


class CompanyErasureIn(Body):
    name: str
    """The company's, as it is written."""
    password: str


class CompanyErasureOut(BaseModel):
    due_at: datetime | None
    """When everything goes; null when nobody has asked for it."""


@company_router.get("/erasure")
async def read_erasure(actor: CurrentActor) -> CompanyErasureOut:
    async with unit_of_work(actor):
        found = await company.read_company_erasure(actor)
    return CompanyErasureOut(due_at=found.due_at if found else None)


@company_router.post("/erasure", status_code=202)
async def ask_erasure(actor: CurrentActor, body: CompanyErasureIn) -> CompanyErasureOut:
    """Owners only, with the company's name and their own password. In seven days everything goes; until then it can be taken
    back."""
    found = await company.ask_company_erasure(actor, name=body.name, password=body.password)
    return CompanyErasureOut(due_at=found.due_at)


@company_router.delete("/erasure", status_code=204)
async def cancel_erasure(actor: CurrentActor) -> None:
    """The company stays."""
    async with unit_of_work(actor):
        await company.cancel_company_erasure(actor)
