"""The "Test key" button: does this key, at this address, answer with this model?"""

import asyncio
from dataclasses import dataclass

from saasbot.agent.choice import ModelChoice
from saasbot.agent.model import KeyRefused, ModelFailed, Question
from saasbot.agent.trials import trial
from saasbot.domain.actor import Actor
from saasbot.infra.settings import settings
from saasbot.models import AiSource

DEADLINE = 20.0
"""Seconds of all tries together: a person waits before the button, and is told this number."""


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """`reason` is empty when all is well, else a stable code; `details` is what the server said."""

    ok: bool
    reason: str = ""
    details: str = ""
    milliseconds: int = 0


async def check_key(actor: Actor, *, api_key: str, base_url: str | None = None, model: str | None = None) -> KeyCheck:
    """Ask the model for one word. Nothing is stored. It is one of the company's trials. Raises: TrialsAtOnce, TrialsThisHour."""
    platform = settings()
    choice = ModelChoice(
        AiSource.OWN_KEY,
        model or platform.openai_model,
        (base_url or platform.openai_base_url).rstrip("/"),
        api_key,
    )
    try:
        async with trial(actor.company_id) as models, asyncio.timeout(DEADLINE):
            answer = await models.ask(choice, Question([{"role": "user", "content": "Answer with the word: ok"}]))
    except TimeoutError:
        return KeyCheck(False, "model_timeout")
    except KeyRefused as error:
        return KeyCheck(False, "key_refused", str(error))
    except ModelFailed as error:
        return KeyCheck(False, error.reason, error.details)
    return KeyCheck(True, milliseconds=answer.milliseconds)
