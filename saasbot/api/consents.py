"""Who agreed to what: the terms of this service, a company's own text for its customers, and what each of them said to it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from pydantic import BaseModel

from saasbot.api.callers import CurrentActor
from saasbot.api.paging import CurrentPage, Listing, next_cursor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Flag, Number, Text
from saasbot.domain.consent.customers import list_consents, note_consent
from saasbot.domain.consent.terms_of_use import CURRENT, terms_text
from saasbot.domain.consent.texts import TextView, read_text, write_text
from saasbot.domain.consent.views import ConsentView
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import negotiate

terms_router = ApiRouter("terms")
text_router = ApiRouter("consent-text")
conversations_router = ApiRouter("conversations")


class TermsOut(BaseModel):
    version: str
    current: bool
    locale: str
    text: str
    """Headings (`#`), paragraphs and lists (`-`), one a line."""


@terms_router.get("")
async def get_terms(
    request: Request,
    version: Annotated[Text | None, Query(max_length=20, description="Without it the one that counts.")] = None,
    locale: Literal["es", "en"] | None = None,
) -> TermsOut:
    """The terms of use and privacy notice that people of a team accept. No token needed."""
    chosen, wanted = negotiate(locale, request.headers.get("accept-language")), version or CURRENT
    return TermsOut(version=wanted, current=wanted == CURRENT, locale=chosen, text=terms_text(chosen, wanted))


class ConsentTextIn(Body):
    text: str


class ConsentTextOut(BaseModel):
    version: int
    """0: the built-in text. The company's own are numbered from 1."""
    text: str
    since: datetime | None
    written_by: str | None

    @classmethod
    def of(cls, view: TextView) -> "ConsentTextOut":
        return cls(version=view.version, text=view.text, since=view.since, written_by=view.written_by or None)


@text_router.get("")
async def get_text(actor: CurrentActor) -> ConsentTextOut:
    """What customers are asked to agree to now."""
    async with unit_of_work(actor):
        return ConsentTextOut.of(await read_text(actor))


@text_router.put("")
async def put_text(actor: CurrentActor, body: ConsentTextIn) -> ConsentTextOut:
    """Another text is a new version and counts at once; the same text changes nothing. Owners and administrators only."""
    async with unit_of_work(actor):
        return ConsentTextOut.of(await write_text(actor, body.text))


class ConsentIn(Body):
    granted: Flag
    """False: they took it back."""
    text_version: Number | None = None
    """The version that they were shown. Where another one counts, 409 `consent_text_changed` and nothing is noted."""


class ConsentOut(BaseModel):
    id: UUID
    granted: bool
    text_version: int
    created_at: datetime
    noted_by: str | None
    address: str
    """`phone:…` or `lid:…`, where it was said."""
    network: str
    """Of whoever noted it."""
    source: str

    @classmethod
    def of(cls, view: ConsentView) -> "ConsentOut":
        return cls(
            id=view.id,
            granted=view.granted,
            text_version=view.version,
            created_at=view.at,
            noted_by=view.noted_by or None,
            address=view.address,
            network=view.network,
            source=view.source,
        )


@conversations_router.get("/{conversation_id}/consents")
async def list_(actor: CurrentActor, conversation_id: UUID, page: CurrentPage) -> Listing[ConsentOut]:
    """What the contact has said of being written to, newest first: the first one holds now. Empty: nobody noted anything."""
    position = page.after(datetime, UUID)
    after = (position[0], position[1]) if position else None
    async with unit_of_work(actor):
        found = await list_consents(actor, conversation_id, limit=page.limit + 1, after=after)
    shown = found[: page.limit]
    more = next_cursor(shown[-1].at, shown[-1].id) if len(found) > page.limit else None
    return Listing(data=[ConsentOut.of(view) for view in shown], next_cursor=more)


@conversations_router.post("/{conversation_id}/consents")
async def note(actor: CurrentActor, conversation_id: UUID, body: ConsentIn) -> ConsentOut:
    """The contact agreed to the company's text, or took it back. What is so already is not noted again. 409 `not_one_person` for
    a group."""
    async with unit_of_work(actor):
        return ConsentOut.of(await note_consent(actor, conversation_id, granted=body.granted, shown=body.text_version))
