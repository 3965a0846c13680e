"""Turning the pages of a list."""

from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.i18n import t
from saasbot.components.types import Text


def pager(page_number: Any, has_next: Any, turn: Any, *, back: Text, forward: Text) -> rx.Component:
    """Shown when there is more than one page. `turn(forward: bool)` is the handler."""
    return rx.cond(
        has_next | (page_number > 1),
        rx.el.div(
            rx.el.span(t("Page {n}", n=page_number), class_name="num", aria_live="polite"),
            button(back, icon="chevron-left", disabled=page_number == 1, on_click=turn(False)),
            button(forward, icon="chevron-right", disabled=~has_next, on_click=turn(True)),
            class_name="pager",
        ),
    )
