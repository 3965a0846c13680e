"""Whose model answers for a company: its own key, else the platform's, else the demo model where that is on."""

from dataclasses import dataclass, field

from saasbot.domain.agent.turn import CompanyFacts
from saasbot.infra.crypto import Unsealable, place, unseal
from saasbot.infra.settings import settings
from saasbot.models import AiSource

DEMO_MODEL = "demo-model"


class KeyMissing(Exception):
    """No model can be asked for this company."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    source: AiSource
    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)

    @property
    def untrusted_address(self) -> bool:
        """Whether the company chose where the requests go."""
        return self.source == AiSource.OWN_KEY and self.base_url != settings().openai_base_url


def choose_model(company: CompanyFacts, *, bot_model: str | None = None) -> ModelChoice:
    """Key and address of the company, the platform or the demo model; the model of the bot, the company or the platform.

    Raises: KeyMissing.
    """
    ai, platform = company.ai, settings()
    model = bot_model or ai.model or platform.openai_model
    if ai.key_sealed is not None and ai.source in (AiSource.NONE, AiSource.OWN_KEY):
        base_url = (ai.base_url or platform.openai_base_url).rstrip("/")
        return ModelChoice(AiSource.OWN_KEY, model, base_url, _own_key(company, ai.key_sealed))
    demo = ModelChoice(AiSource.DEMO, DEMO_MODEL)
    if ai.source == AiSource.DEMO and platform.demo:
        return demo
    if platform_key := platform.openai_api_key.get_secret_value():
        return ModelChoice(AiSource.PLATFORM, model, platform.openai_base_url, platform_key)
    if platform.demo:
        return demo
    raise KeyMissing


def _own_key(company: CompanyFacts, sealed: bytes) -> str:
    try:
        return unseal(sealed, place("company", "openai_key_sealed", company.id))
    except Unsealable:
        raise KeyMissing from None
