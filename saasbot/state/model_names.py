"""What people are told of which model answers."""

from saasbot.agent.choice import DEMO_MODEL
from saasbot.infra.i18n import gettext


def is_demo(model: str) -> bool:
    return model == DEMO_MODEL


def model_name(model: str, locale: str) -> str:
    """By its own name, but for the one of plain rules, which nobody shall take for an AI."""
    return gettext(locale, "demo model") if is_demo(model) else model
