"""Whose AI model answers for the company. Its key goes in and never comes out: only its last four characters are shown."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from saasbot.domain.actor import Actor
from saasbot.domain.agent.pause import resume_ai
from saasbot.domain.audit import record
from saasbot.domain.companies.access import access_company
from saasbot.infra import events
from saasbot.infra.crypto import Unsealable, place, seal, unseal
from saasbot.infra.errors import InvalidInput
from saasbot.infra.settings import settings
from saasbot.infra.text_input import one_line
from saasbot.models import AiSource, Company

_KEY = re.compile(r"[\x21-\x7e]{6,300}")
"""Short ones too: a server of one's own is content with a word."""
_LONGEST_URL = 300
_LONGEST_MODEL = 100


@dataclass(frozen=True, slots=True)
class OpenAiSettings:
    """What may be shown."""

    source: AiSource
    api_key_set: bool
    api_key_last4: str | None
    base_url: str | None
    model: str | None
    demo_available: bool
    paused_reason: str | None


def openai_settings(company: Company) -> OpenAiSettings:
    return OpenAiSettings(
        source=company.ai_source,
        api_key_set=company.openai_key_sealed is not None,
        api_key_last4=company.openai_key_last4,
        base_url=company.openai_base_url,
        model=company.openai_model,
        demo_available=settings().demo,
        paused_reason=company.ai_paused_reason,
    )


async def set_openai(
    actor: Actor, *, api_key: str | None = None, model: str | None = None, base_url: str | None = None
) -> OpenAiSettings:
    """Keep the key sealed and use it from the next turn on. Nothing leaves a value as it is; an empty text removes it.

    Another address wants the key as well: else whoever has a session of the owner's could have it sent to themselves.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("company.secrets")
    company = await access_company(actor, lock=True)
    if base_url is not None and api_key is None:
        _check_its_own_address(company, base_url)
    if model is not None:
        company.openai_model = one_line("model", model, longest=_LONGEST_MODEL, required=False) or None
    if base_url is not None:
        company.openai_base_url = _check_base_url(base_url.strip()) or None
    if api_key is not None:
        _set_key(company, api_key.strip())
    given = {"api_key": api_key, "model": model, "base_url": base_url}
    await record(actor, "ai.key_changed", fields=[name for name, value in given.items() if value is not None])
    return await _changed(actor, company)


async def choose_source(actor: Actor, source: AiSource) -> OpenAiSettings:
    """Answer with the demo model, the platform's key or the company's own key, which stays kept meanwhile.

    Raises: Forbidden, NotFound, InvalidInput.
    """
    actor.require("company.secrets")
    company = await access_company(actor, lock=True)
    if source == AiSource.DEMO and not settings().demo:
        raise InvalidInput("source", "The demo model is not available here.")
    if source == AiSource.PLATFORM and not settings().openai_api_key.get_secret_value():
        raise InvalidInput("source", "The platform has no model of its own here.")
    if source == AiSource.OWN_KEY and company.openai_key_sealed is None:
        raise InvalidInput("api_key", "Enter your key first.")
    company.ai_source = source
    await record(actor, "ai.source_chosen", source=source)
    return await _changed(actor, company)


async def own_key(actor: Actor, *, base_url: str) -> str:
    """The company's key in the clear, to ask the model at its own address with it. Never for a page or an answer.

    Raises: Forbidden, NotFound, InvalidInput (there is none, it can no longer be opened, or it is for another address).
    """
    actor.require("company.secrets")
    company = await access_company(actor)
    if company.openai_key_sealed is None:
        raise InvalidInput("api_key", "Enter your key first.")
    _check_its_own_address(company, base_url)
    try:
        return unseal(company.openai_key_sealed, place("company", "openai_key_sealed", company.id))
    except Unsealable:
        raise InvalidInput("api_key", "The stored key can no longer be read. Enter it again.") from None


async def _changed(actor: Actor, company: Company) -> OpenAiSettings:
    # what is new deserves a try: a key that is refused pauses the bot again
    await resume_ai(actor)
    events.publish("company", company_id=actor.company_id)
    return openai_settings(company)


def _check_its_own_address(company: Company, base_url: str) -> None:
    """Raises: InvalidInput, when the stored key was entered for another one."""
    if company.openai_key_sealed is not None and (_check_base_url(base_url.strip()) or None) != company.openai_base_url:
        raise InvalidInput("api_key", "Enter the key for this address.")


def _set_key(company: Company, api_key: str) -> None:
    if not api_key:
        company.openai_key_sealed = company.openai_key_last4 = None
        if company.ai_source == AiSource.OWN_KEY:
            company.ai_source = AiSource.NONE
        return
    if not _KEY.fullmatch(api_key):
        raise InvalidInput("api_key", "This does not look like a key.")
    company.openai_key_sealed = seal(api_key, place("company", "openai_key_sealed", company.id))
    company.openai_key_last4 = api_key[-4:]
    company.ai_source = AiSource.OWN_KEY


def _check_base_url(url: str) -> str:
    """Only https to the public internet; names are resolved and checked again at every request (`safe_http`)."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput("base_url", "Enter an address that starts with https://.") from None
    schemes = ("https", "http") if settings().allow_private_urls else ("https",)
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or len(url) > _LONGEST_URL or parts.scheme not in schemes or not host:
        raise InvalidInput("base_url", "Enter an address that starts with https://.")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidInput("base_url", "Leave user names, queries and fragments out of the address.")
    return url.rstrip("/")
