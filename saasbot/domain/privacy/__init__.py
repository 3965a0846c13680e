"""People may ask to be forgotten: what is erased, in which order, and what stays."""

from saasbot.domain.privacy.contact import ContactSummary, ask_erasure, summarise_contact
from saasbot.domain.privacy.steps import ERASE_TASK, erase_next

__all__ = ["ERASE_TASK", "ContactSummary", "ask_erasure", "erase_next", "summarise_contact"]
