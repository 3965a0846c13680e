"""`/api/v1/company` and `/api/v1/policies`: a company's own settings."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, RootModel, model_validator

from saasbot.api.callers import CurrentActor
from saasbot.api.router import ApiRouter
from saasbot.api.schemas import Body, Changes, Flag, check_storable
from saasbot.domain.companies import ai, onboarding, policies, profile
from saasbot.domain.companies.ai import OpenAiSettings
from saasbot.infra.db import unit_of_work
from saasbot.infra.storage import storage
from saasbot.models import AiSource, Company

router = ApiRouter("company")
policies_router = ApiRouter("policies")
_LOGO_SECONDS = 60 * 60


class OpenAiOut(BaseModel):
    """The key itself is write-only."""

    source: AiSource
    api_key_set: bool
    api_key_last4: str | None
    model: str | None
    base_url: str | None
    demo_available: bool
    paused_reason: str | None

    @classmethod
    def of(cls, settings: OpenAiSettings) -> "OpenAiOut":
        return cls.model_validate(settings, from_attributes=True)


class CompanyOut(BaseModel):
    id: UUID
    name: str
    industry: str
    description: str
    logo_url: str | None
    locale: str
    timezone: str
    currency: str
    bot_enabled: bool
    openai: OpenAiOut
    onboarding: dict[str, str]

    @classmethod
    def of(cls, company: Company) -> "CompanyOut":
        logo = company.logo_key
        return cls(
            id=company.id,
            name=company.name,
            industry=company.industry,
            description=company.description,
            logo_url=storage().signed_url(logo, seconds=_LOGO_SECONDS, inline=True) if logo else None,
            locale=company.locale,
            timezone=company.timezone,
            currency=company.currency,
            bot_enabled=company.bot_enabled,
            openai=OpenAiOut.of(ai.openai_settings(company)),
            onboarding={**onboarding.onboarding_of(company).steps},
        )


class CompanyIn(Changes):
    """Members that are left out stay as they are."""

    shown = CompanyOut

    name: str | None = None
    industry: str | None = None
    description: str | None = None
    locale: str | None = None
    timezone: str | None = None
    currency: str | None = None


class OpenAiIn(Body):
    """Members that are left out stay as they are; an empty text removes a value."""

    api_key: str | None = None
    model: str | None = None
    base_url: str | None = None
    source: Literal["none", "own_key", "platform", "demo"] | None = None


class EnabledIn(Body):
    enabled: Flag


class EnabledOut(BaseModel):
    enabled: bool


class Policies(RootModel[dict[str, str]]):
    """Name to text. `shipping`, `refund`, `brand_voice` and `hours` are always there; others may be added."""

    @model_validator(mode="after")
    def _storable(self) -> "Policies":
        check_storable(self.root)
        return self


@router.get("")
async def get_company(actor: CurrentActor) -> CompanyOut:
    async with unit_of_work(actor):
        return CompanyOut.of(await profile.get_company(actor))


@router.put("")
async def update_company(actor: CurrentActor, body: CompanyIn) -> CompanyOut:
    async with unit_of_work(actor):
        company = await profile.update_company(actor, profile.CompanyChanges(**body.model_dump()))
    return CompanyOut.of(company)


@router.put("/openai")
async def set_openai(actor: CurrentActor, body: OpenAiIn) -> OpenAiOut:
    """Whose model answers. Giving a key chooses `own_key`."""
    async with unit_of_work(actor):
        settings = await ai.set_openai(actor, api_key=body.api_key, model=body.model, base_url=body.base_url)
        if body.source is not None:
            settings = await ai.choose_source(actor, AiSource(body.source))
    return OpenAiOut.of(settings)


@router.put("/bot")
async def set_bot(actor: CurrentActor, body: EnabledIn) -> EnabledOut:
    """Switches all bots of the company off or on."""
    async with unit_of_work(actor):
        company = await profile.set_bot_enabled(actor, enabled=body.enabled)
    return EnabledOut(enabled=company.bot_enabled)


@policies_router.get("")
async def get_policies(actor: CurrentActor) -> Policies:
    async with unit_of_work(actor):
        return Policies(await policies.get_policies(actor))


@policies_router.put("")
async def put_policies(actor: CurrentActor, body: Policies) -> Policies:
    """Writes the given ones; others stay. An empty text removes one."""
    async with unit_of_work(actor):
        return Policies(await policies.put_policies(actor, body.root))
