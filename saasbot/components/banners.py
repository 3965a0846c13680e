"""A line above everything for what needs an act: what is wrong, where to act, and a way to have read it."""

from typing import Any

import reflex as rx

from saasbot.components.buttons import link, new_tab
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Handler


def banner_line(row: rx.vars.ObjectVar[Any], *, on_act: Handler, on_dismiss: Handler) -> rx.Component:
    """`row` is a Banner of the shell's state; `on_act(key)` where its act leads nowhere, `on_dismiss(key)`."""
    calm = row.tone == "calm"
    return rx.el.div(
        rx.cond(calm, icon("file-text"), icon("triangle-alert")),
        rx.el.span(row.text, class_name="banner-text"),
        rx.cond(row.read != "", new_tab(row.read, row.read_href)),
        rx.cond(
            row.href != "",
            link(row.act, row.href),
            rx.cond(
                row.act != "",
                rx.el.button(row.act, type="button", class_name="link", on_click=on_act(row.key)),
            ),
        ),
        rx.el.button(
            icon("x", 14),
            type="button",
            class_name="banner-close",
            aria_label=t("Dismiss"),
            on_click=on_dismiss(row.key),
        ),
        class_name=f"banner banner-{row.tone}",
        role=rx.cond(calm, "status", "alert"),
        key=row.key,
    )
