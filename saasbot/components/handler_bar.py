"""Who answers this chat, and the button that changes it: never in doubt."""

from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.chips import chip, handler_chip
from saasbot.components.i18n import t
from saasbot.components.types import Flag, Text


def handler_bar(
    handler: rx.Var[str], taken_by: Text, *, group: Flag, may_write: Flag, on_take: Any, on_give_back: Any
) -> rx.Component:
    """`handler` is "bot" or "human", `taken_by` the person's name. In a group there is nothing to change."""
    return rx.cond(group, _of_group(), _of_one(handler, taken_by, may_write, on_take, on_give_back))


def _of_group() -> rx.Component:
    words = t("Group: only people answer")
    return rx.el.div(chip(words, "human", icon="users", title=words), class_name="handler-bar")


def _of_one(handler: rx.Var[str], taken_by: Text, may_write: Flag, on_take: Any, on_give_back: Any) -> rx.Component:
    return rx.el.div(
        handler_chip(handler, taken_by),
        rx.cond(
            may_write,
            rx.cond(
                handler == "bot",
                button(t("Take over"), kind="primary", id="take-over", on_click=on_take),
                button(t("Hand back"), icon="bot", id="hand-back", on_click=on_give_back),
            ),
        ),
        class_name="handler-bar",
    )
