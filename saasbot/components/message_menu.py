"""The menu of a message. See message_menu.js."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.types import Flag

_MODULE = rx.asset("message_menu.js", shared=True).importable_path


def _of_message(conversation: rx.Var[str], message: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    return conversation, message


def _with_emoji(
    conversation: rx.Var[str], message: rx.Var[str], emoji: rx.Var[str]
) -> tuple[rx.Var[str], rx.Var[str], rx.Var[str]]:
    return conversation, message, emoji


class MessageMenu(rx.Component):
    """One for the whole thread. The handlers get the conversation and the message; `on_react` an emoji too, empty to take it
    back. Replying and editing begin in the composer, which hears of them in the browser."""

    library = _MODULE
    tag = "MessageMenu"

    conversation_id: rx.Var[str]
    name: rx.Var[str]
    labels: rx.Var[dict[str, str]]
    may_write: rx.Var[bool]

    on_react: rx.EventHandler[_with_emoji]
    on_revoke: rx.EventHandler[_of_message]
    on_cancel: rx.EventHandler[_of_message]
    on_fetch: rx.EventHandler[_of_message]


def message_menu(*, name: rx.Var[str], may_write: Flag, **props: Any) -> rx.Component:
    """`name`: of the customer, where the bubble does not say who of a group wrote it."""
    return MessageMenu.create(
        name=name,
        may_write=may_write,
        labels={
            "menu": t("What to do with this message"),
            "you": t("You"),
            "file": t("A message without text"),
            "react": t("React with"),
            "unreact": t("Take back the reaction"),
            "reply": t("Reply"),
            "copy": t("Copy the text"),
            "edit": t("Edit"),
            "revoke": t("Delete for everyone"),
            "cancelSending": t("Do not send"),
            "askRevoke": t("Delete this message for everyone? The customer sees that it was deleted."),
            "remove": t("Delete"),
            "cancel": t("Cancel"),
            "nothing": t("Nothing can be done with this message now."),
        },
        **props,
    )
