"""The company's own settings as forms: profile, policies, whose AI answers. The wizard and the settings page share them."""

from dataclasses import dataclass, replace

import reflex as rx
from typing_extensions import TypedDict

from saasbot.agent.check_key import KeyCheck, check_key
from saasbot.domain.actor import Actor
from saasbot.domain.companies import ai, onboarding, policies, profile
from saasbot.domain.companies.ai import OpenAiSettings
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.i18n import N_, error_text, gettext, translate
from saasbot.infra.settings import settings
from saasbot.infra.storage import storage
from saasbot.models import AiSource, Company
from saasbot.state import toasts
from saasbot.state.arguments import EXACT, Id, Line, Text, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.one_person import still
from saasbot.state.patience import patient
from saasbot.state.session import current_actor, current_session

FIELDS = (
    *("name", "industry", "description", "timezone", "currency"),
    *("shipping", "refund", "brand_voice", "hours"),
    *("source", "api_key", "model", "base_url"),
)
KEPT = "kept"
_LOGO_SECONDS = 60 * 60
_KEY_PROBLEMS = {
    "key_refused": N_("The key was refused. Copy it again, or make a new one where you got it."),
    "model_refused_request": N_("The key works, but the model does not answer. Check the model's name."),
    "model_timeout": N_("No answer within 20 seconds. Try again in a moment."),
    "model_unreachable": N_("That address cannot be reached. Check the base URL."),
    "model_unavailable": N_("The model is too busy right now. Try again in a moment."),
    "model_bad_answer": N_("Something answers there, but not as a chat model does. Check the base URL."),
}


class CompanyForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    name: Text
    industry: Text
    description: Text
    logo_id: Id
    """Of a picture that was uploaded; `KEPT` for the one that is there, empty for none."""


class ClockForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    timezone: Line
    currency: Line


class PoliciesForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    shipping: Text
    refund: Text
    brand_voice: Text
    hours: Text


class AiForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    source: Line
    api_key: Text
    model: Text
    base_url: Text


@dataclass(frozen=True)
class CompanyView:
    name: str = ""
    industry: str = ""
    description: str = ""
    logo_url: str = ""
    timezone: str = ""
    currency: str = ""
    bot_enabled: bool = True


@dataclass(frozen=True)
class PoliciesView:
    shipping: str = ""
    refund: str = ""
    brand_voice: str = ""
    hours: str = ""


@dataclass(frozen=True)
class AiView:
    source: str = "own_key"
    """What is chosen, or would answer while nothing is."""
    key_last4: str = ""
    base_url: str = ""
    model: str = ""
    demo_available: bool = False
    platform_available: bool = False


class CompanyState(rx.State):
    loaded: rx.Field[bool] = rx.field(False)
    company: rx.Field[CompanyView] = rx.field(default_factory=CompanyView)
    policies: rx.Field[PoliciesView] = rx.field(default_factory=PoliciesView)
    ai: rx.Field[AiView] = rx.field(default_factory=AiView)
    errors: rx.Field[dict[str, str]] = rx.field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    source: rx.Field[str] = rx.field("own_key")
    """The choice in the form, saved or not."""
    testing: rx.Field[bool] = rx.field(False)
    tested: rx.Field[str] = rx.field("")
    """What the last test of the key found, in a sentence."""
    test_passed: rx.Field[bool] = rx.field(False)

    @rx.event
    @patient
    async def load(self):
        """The forms hold what is stored."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            company = await profile.get_company(actor)
            texts = await policies.get_policies(actor)
        self.company = company_view(company)
        self.policies = PoliciesView(**{name: texts[name] for name in policies.STANDARD})
        self.ai = ai_view(ai.openai_settings(company))
        self.source = self.ai.source
        self.errors = dict.fromkeys(FIELDS, "")
        self.tested, self.testing = "", False
        self.loaded = True

    @rx.event
    async def save_company(self, form: CompanyForm):
        return await _said(self, await write_company(self, form))

    @rx.event
    async def save_clock(self, form: ClockForm):
        return await _said(self, await _write_clock(self, form))

    @rx.event
    async def save_policies(self, form: PoliciesForm):
        return await _said(self, await write_policies(self, form))

    @rx.event
    async def save_ai(self, form: AiForm):
        return await _said(self, await write_ai(self, form))

    @rx.event
    def choose_source(self, source: Word):
        """Another choice in the form: its fields appear. Nothing is stored."""
        self.source, self.tested = source, ""

    @rx.event
    async def switch_bot(self, enabled: bool):
        """Every bot of the company answers, or none."""
        actor, locale = await current_actor(self), await locale_of(self)
        async with unit_of_work(actor):
            await profile.set_bot_enabled(actor, enabled=enabled)
        self.company = replace(self.company, bot_enabled=enabled)
        if enabled:
            return toasts.success(gettext(locale, "The bot answers again"))
        return toasts.success(gettext(locale, "The bot is off: your team answers every chat"))

    @rx.event(background=True)
    async def test_key(self, api_key: Text, base_url: Text, model: Text):
        """Ask the model one word with what is in the form, or with the stored key when the field is empty."""
        async with self:
            if self.testing:
                return
            session, locale = await current_session(self), await locale_of(self)
            self.testing, self.tested = True, ""
            self.errors = {**self.errors, "api_key": ""}
        sentence, passed = "", False
        try:
            key = api_key.strip() or await _stored_key(session.actor, base_url)
            found = await check_key(
                session.actor, api_key=key, base_url=base_url.strip() or None, model=model.strip() or None
            )
            sentence, passed = _key_sentence(found, locale), found.ok
        except AppError as error:
            sentence = error_text(locale, error)
        finally:
            async with still(self, session):
                self.testing, self.tested, self.test_passed = False, sentence, passed


async def write_company(state: CompanyState, form: CompanyForm) -> bool:
    """Stores the profile and marks its step done; False when a field was wrong and says so."""
    actor = await current_actor(state)
    changes = profile.CompanyChanges(name=form["name"], industry=form["industry"], description=form["description"])
    try:
        async with unit_of_work(actor):
            company = await profile.update_company(actor, changes)
            if form["logo_id"] != KEPT:
                await profile.set_logo(actor, parse_id(form["logo_id"]) if form["logo_id"] else None)
            await onboarding.mark_step(actor, "company", "done")
    except InvalidInput as error:
        return await _wrong(state, error)
    state.company = company_view(company)
    return _right(state)


async def _write_clock(state: CompanyState, form: ClockForm) -> bool:
    actor = await current_actor(state)
    changes = profile.CompanyChanges(timezone=form["timezone"].strip(), currency=form["currency"])
    try:
        async with unit_of_work(actor):
            company = await profile.update_company(actor, changes)
    except InvalidInput as error:
        return await _wrong(state, error)
    state.company = company_view(company)
    return _right(state)


async def write_policies(state: CompanyState, form: PoliciesForm) -> bool:
    """As `write_company`, for the policies."""
    actor = await current_actor(state)
    try:
        async with unit_of_work(actor):
            texts = await policies.put_policies(actor, {name: form[name] for name in policies.STANDARD})
            if any(texts.values()):
                await onboarding.mark_step(actor, "policies", "done")
    except InvalidInput as error:
        return await _wrong(state, error)
    state.policies = PoliciesView(**{name: texts[name] for name in policies.STANDARD})
    return _right(state)


async def write_ai(state: CompanyState, form: AiForm) -> bool:
    """As `write_company`, for whose model answers. An empty key leaves the stored one."""
    actor = await current_actor(state)
    try:
        async with unit_of_work(actor):
            source = _source(form["source"])
            if source == AiSource.OWN_KEY:
                await ai.set_openai(
                    actor, api_key=form["api_key"].strip() or None, model=form["model"], base_url=form["base_url"]
                )
            found = await ai.choose_source(actor, source)
            await onboarding.mark_step(actor, "ai", "done")
    except InvalidInput as error:
        return await _wrong(state, error)
    state.ai = ai_view(found)
    state.source = state.ai.source
    return _right(state)


def company_view(company: Company) -> CompanyView:
    return CompanyView(
        name=company.name,
        industry=company.industry,
        description=company.description,
        logo_url=_logo_url(company),
        timezone=company.timezone,
        currency=company.currency,
        bot_enabled=company.bot_enabled,
    )


def ai_view(found: OpenAiSettings) -> AiView:
    platform = bool(settings().openai_api_key.get_secret_value())
    source = found.source
    if source == AiSource.NONE:
        source = AiSource.PLATFORM if platform else AiSource.DEMO if found.demo_available else AiSource.OWN_KEY
    return AiView(
        source=source,
        key_last4=found.api_key_last4 or "",
        base_url=found.base_url or "",
        model=found.model or "",
        demo_available=found.demo_available,
        platform_available=platform,
    )


def _logo_url(company: Company) -> str:
    key = company.logo_key
    return storage().signed_url(key, seconds=_LOGO_SECONDS, inline=True) if key else ""


def _source(value: str) -> AiSource:
    """Raises: InvalidInput."""
    if value not in (AiSource.OWN_KEY, AiSource.PLATFORM, AiSource.DEMO):
        raise InvalidInput("source", "Choose who answers.")
    return AiSource(value)


async def _stored_key(actor: Actor, base_url: str) -> str:
    async with unit_of_work(actor):
        return await ai.own_key(actor, base_url=base_url)


def _key_sentence(found: KeyCheck, locale: str) -> str:
    if found.ok:
        return gettext(locale, "The key works: the model answered in {n} ms.", n=found.milliseconds)
    problem = _KEY_PROBLEMS.get(found.reason)
    return translate(locale, problem) if problem else gettext(locale, "The test failed. Try again in a moment.")


async def _wrong(state: CompanyState, error: InvalidInput) -> bool:
    state.errors = {**dict.fromkeys(FIELDS, ""), error.field: error_text(await locale_of(state), error)}
    return False


def _right(state: CompanyState) -> bool:
    state.errors = dict.fromkeys(FIELDS, "")
    return True


async def _said(state: CompanyState, saved: bool) -> rx.event.EventSpec:
    """What a form of the settings answers: saved, or the focus on the field that is wrong."""
    if saved:
        return toasts.success(gettext(await locale_of(state), "Saved"))
    return focus_on_error(state)


def focus_on_error(state: CompanyState) -> rx.event.EventSpec:
    return rx.set_focus(next((field for field in FIELDS if state.errors.get(field)), FIELDS[0]))
