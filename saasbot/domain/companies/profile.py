"""What a company says of itself: name, trade, description, language, clock, currency and logo."""

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.audit import record
from saasbot.domain.companies.access import access_company
from saasbot.infra import events
from saasbot.infra.db import session
from saasbot.infra.errors import InvalidInput, NotFound
from saasbot.infra.i18n import SUPPORTED
from saasbot.infra.text_input import one_line, paragraphs
from saasbot.models import Company, Media

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 4_000


@dataclass(frozen=True, slots=True)
class CompanyChanges:
    """What to change; nothing stays as it is."""

    name: str | None = None
    industry: str | None = None
    description: str | None = None
    locale: str | None = None
    timezone: str | None = None
    currency: str | None = None


async def get_company(actor: Actor) -> Company:
    """Raises: Forbidden, NotFound."""
    actor.require("company.read")
    return await access_company(actor)


async def update_company(actor: Actor, changes: CompanyChanges) -> Company:
    """The company with the given fields changed.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("company.write")
    company = await access_company(actor, lock=True)
    checked = _check(changes)
    for field, value in checked.items():
        setattr(company, field, value)
    await record(actor, "company.changed", fields=sorted(checked))
    events.publish("company", company_id=actor.company_id)
    return company


async def set_logo(actor: Actor, media_id: UUID | None) -> Company:
    """The picture that `media.store_image` kept becomes the logo; nothing removes it.

    Raises: Forbidden, NotFound.
    """
    actor.require("company.write")
    company = await access_company(actor, lock=True)
    if media_id is None:
        company.logo_key = None
    else:
        query = select(Media).where(col(Media.id) == media_id, col(Media.company_id) == actor.company_id)
        media = (await session().exec(query)).one_or_none()
        if media is None or media.thumb_key is None:
            raise NotFound
        company.logo_key = media.thumb_key
    await record(actor, "company.logo_changed")
    events.publish("company", company_id=actor.company_id)
    return company


async def set_bot_enabled(actor: Actor, *, enabled: bool) -> Company:
    """Switch every bot of the company off or on at once. Off, no turn starts and none that runs sends.

    Raises: Forbidden, NotFound.
    """
    actor.require("company.write")
    company = await access_company(actor, lock=True)
    company.bot_enabled = enabled
    await record(actor, "company.bot_switched", on=enabled)
    events.publish("company", company_id=actor.company_id)
    return company


def _check(changes: CompanyChanges) -> dict[str, str]:
    checked: dict[str, str] = {}
    if changes.name is not None:
        checked["name"] = one_line("name", changes.name, longest=LONGEST_NAME)
    if changes.industry is not None:
        checked["industry"] = one_line("industry", changes.industry, longest=LONGEST_NAME, required=False)
    if changes.description is not None:
        checked["description"] = paragraphs("description", changes.description, longest=LONGEST_DESCRIPTION)
    if changes.locale is not None:
        if changes.locale not in SUPPORTED:
            raise InvalidInput("locale", "Choose Spanish or English.")
        checked["locale"] = changes.locale
    if changes.timezone is not None:
        if changes.timezone not in available_timezones():
            raise InvalidInput("timezone", "This time zone does not exist.")
        checked["timezone"] = changes.timezone
    if changes.currency is not None:
        if changes.currency not in list_currencies():
            raise InvalidInput("currency", "This currency does not exist.")
        checked["currency"] = changes.currency
    return checked
