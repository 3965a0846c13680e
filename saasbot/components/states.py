"""What a view shows when it has nothing to show: empty, error, no permission, not yet."""

from typing import Literal

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.i18n import t
from saasbot.components.icons import icon as draw_icon
from saasbot.components.types import Handler, Text


def empty_state(icon: str, title: Text, text: Text, *actions: rx.Component, level: Literal[1, 2] = 2) -> rx.Component:
    """One drawing, one sentence, and what to do about it. `level` 1 where no page header brings the h1."""
    heading = rx.el.h1 if level == 1 else rx.el.h2
    return rx.el.div(
        rx.el.div(draw_icon(icon, 22), class_name="state-art"),
        heading(title, class_name="state-title"),
        rx.el.p(text, class_name="state-text"),
        rx.el.div(*actions, class_name="state-actions") if actions else None,
        class_name="state",
    )


def error_state(text: Text, *, on_retry: Handler = None) -> rx.Component:
    """It failed: why, and a way to try again."""
    actions = [button(t("Try again"), icon="rotate-cw", on_click=on_retry)] if on_retry is not None else []
    return rx.el.div(empty_state("cloud-alert", t("This did not load"), text, *actions), role="alert")


def no_permission() -> rx.Component:
    """The page exists, but not for this role."""
    return empty_state(
        "lock", t("This part is not for your role"), t("Ask an owner or admin of your company if you need it.")
    )


def notice(icon: str, text: Text) -> rx.Component:
    """A quiet box with one sentence: something happened as it should."""
    return rx.el.div(draw_icon(icon), rx.el.p(text), class_name="callout", role="status")


def skeleton(shape: Literal["rows", "cards", "thread", "form"] = "rows", count: int = 6) -> rx.Component:
    """The shape of what comes, seen only when it takes more than 150 ms."""
    return rx.el.div(
        *[_SHAPES[shape](index) for index in range(count)],
        class_name=f"skeleton skeleton-{shape}",
        aria_busy="true",
        aria_label=t("Loading"),
        role="status",
    )


def _bone(class_name: str, width: str = "100%") -> rx.Component:
    return rx.el.span(class_name=f"bone {class_name}", style={"width": width})


_WIDTHS = ("64%", "48%", "72%", "40%", "56%")

_SHAPES = {
    "rows": lambda i: rx.el.div(
        _bone("bone-round", "40px"),
        rx.el.div(_bone("bone-line", _WIDTHS[i % 5]), _bone("bone-line", _WIDTHS[(i + 2) % 5])),
    ),
    "cards": lambda i: rx.el.div(_bone("bone-line", "40%"), _bone("bone-line", "60%"), _bone("bone-block")),
    "thread": lambda i: _bone("bone-bubble" if i % 3 else "bone-bubble bone-out", _WIDTHS[i % 5]),
    "form": lambda i: rx.el.div(_bone("bone-line", "24%"), _bone("bone-input")),
}
