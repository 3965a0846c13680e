"""Buttons and links that look like them: primary (one per view), secondary, ghost, danger."""

from typing import Any, Literal

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from saasbot.components.icons import icon as draw_icon
from saasbot.components.types import Flag, Text

Kind = Literal["primary", "secondary", "ghost", "danger"]


def button(
    label: Text,
    *,
    kind: Kind = "secondary",
    icon: str | None = None,
    busy: Flag = False,
    type: Literal["button", "submit"] = "button",
    class_name: str = "",
    **props: Any,
) -> rx.Component:
    """A 32 px button (44 px on touch screens). While `busy` it shows a spinner, keeps its width and takes no clicks."""
    disabled = props.pop("disabled", False)
    return rx.el.button(
        rx.cond(busy, rx.el.span(class_name="spinner", aria_hidden="true")) if busy is not False else None,
        draw_icon(icon) if icon else None,
        rx.el.span(label),
        type=type,
        class_name=f"btn btn-{kind} {class_name}".strip(),
        disabled=disabled if busy is False else busy | disabled,
        aria_busy=busy,
        **props,
    )


def icon_button(name: str, label: Text, *, size: int = 16, class_name: str = "", **props: Any) -> rx.Component:
    """A square ghost button with an icon; `label` is its accessible name and its tooltip."""
    return rx.tooltip(
        rx.el.button(
            draw_icon(name, size),
            type="button",
            class_name=f"icon-btn {class_name}".strip(),
            aria_label=label,
            **props,
        ),
        content=label,
    )


def link(label: Text | rx.Component, to: Text, *, class_name: Text = "link", **props: Any) -> rx.Component:
    """A link inside the product: changes the page without reloading it."""
    return ReactRouterLink.create(label, to=to, class_name=class_name, **props)


def new_tab(label: Text, to: Text) -> rx.Component:
    """A link that leaves this page as it is, with what was typed in it."""
    return rx.el.a(label, href=to, target="_blank", rel="noopener", class_name="link")


def link_button(
    label: Text, to: Text, *, kind: Kind = "secondary", icon: str | None = None, **props: Any
) -> rx.Component:
    """A link that looks like a button."""
    return ReactRouterLink.create(
        draw_icon(icon) if icon else None, rx.el.span(label), to=to, class_name=f"btn btn-{kind}", **props
    )
