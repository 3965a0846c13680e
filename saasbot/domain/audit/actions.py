"""What the audit trail knows of: `<kind>.<what>`. Pages have a sentence for each (`state/activity_texts.py`)."""

from typing import Literal, get_args

Action = Literal[
    "access.refused",
    "ai.key_changed",
    "ai.source_chosen",
    "bot.added",
    "bot.changed",
    "bot.switched",
    "channel.added",
    "channel.changed",
    "channel.connected",
    "channel.deleted",
    "channel.disconnected",
    "channel.history_chosen",
    "channel.linked",
    "channel.pairing_asked",
    "channel.settings_changed",
    "channel.simulated",
    "channel.unlinked",
    "company.bot_switched",
    "company.changed",
    "company.erasure_asked",
    "company.erasure_cancelled",
    "company.export_asked",
    "company.export_fetched",
    "company.logo_changed",
    "company.notice_dismissed",
    "company.policies_changed",
    "company.registered",
    "company.setup_step",
    "contact.erased",
    "contact.erasure_asked",
    "contact.export_asked",
    "password.reset",
    "password.reset_asked",
    "person.added",
    "person.changed",
    "person.disabled",
    "person.enabled",
    "person.invitation_withdrawn",
    "person.invited",
    "person.joined",
    "person.removed",
    "person.role_changed",
    "product.added",
    "product.changed",
    "product.deleted",
    "product.picture_changed",
    "product.restored",
    "prompt.draft_kept",
    "prompt.published",
    "prompt.saved",
    "session.codes_renewed",
    "session.ended",
    "session.ended_elsewhere",
    "session.opened",
    "session.refused",
    "session.switched",
    "session.token_reused",
    "session.two_step_off",
    "session.two_step_on",
    "session.two_step_replaced",
]

Kind = Literal[
    "access", "ai", "bot", "channel", "company", "contact", "password", "person", "product", "prompt", "session"
]
"""What an action is about: the word before the dot."""

ACTIONS: tuple[Action, ...] = get_args(Action)
KINDS: tuple[Kind, ...] = get_args(Kind)
