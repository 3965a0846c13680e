"""Small labels of 20 px."""

from typing import Any, Literal

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.icons import icon as draw_icon
from saasbot.components.types import Text

Tone = Literal["gray", "bot", "human", "label", "danger", "info"]


def chip(text: Text, tone: Tone | rx.Var[str] = "gray", *, icon: str | None = None, **props: Any) -> rx.Component:
    """A label: gray facts, bot (indigo), human (jade), label (amber), danger, info."""
    return rx.el.span(
        draw_icon(icon, 13) if icon else None,
        rx.el.span(text),
        class_name=f"chip chip-{tone}",
        **props,
    )


def handler_chip(handler: rx.Var[str], name: Text = "") -> rx.Component:
    """Who answers this chat: `handler` is "bot" or "human"; `name` is the person's."""
    return rx.cond(
        handler == "bot",
        chip(t("The bot answers"), "bot", icon="bot"),
        chip(rx.cond(name != "", t("{name} answers", name=name), t("A person answers")), "human", icon="user"),
    )


def unread_badge(count: rx.vars.NumberVar, **props: Any) -> rx.Component:
    """A count in jade; nothing at zero, "99+" above that."""
    return rx.cond(count > 0, rx.el.span(rx.cond(count > 99, "99+", count.to_string()), class_name="badge", **props))


def kbd(keys: Text) -> rx.Component:
    """A key cap."""
    return rx.el.kbd(keys, class_name="kbd")
