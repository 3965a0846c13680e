"""Dialogs: a plain one, the question before something destructive, and a sheet at the right edge."""

from typing import Any, Literal

import reflex as rx
from reflex_base.vars import VarData
from reflex_base.vars.function import FunctionVar

from saasbot.components.buttons import button
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Text

_MODULE = rx.asset("dialogs.js", shared=True).importable_path

AS_H2 = {"as": "h2"}
"""Of a dialog's title, which would be an h1: the page has the one."""


def dialog(
    title: Text,
    *content: rx.Component,
    open: rx.Var[bool],
    on_open_change: Any,
    width: int = 560,
    footer: rx.Component | None = None,
) -> rx.Component:
    """A modal in the middle. Escape, the cross and a click outside call `on_open_change(False)`."""
    return rx.dialog.root(
        rx.dialog.content(
            _header(title),
            rx.el.div(*content, class_name="dialog-body"),
            rx.el.footer(footer, class_name="dialog-footer") if footer is not None else None,
            class_name="dialog",
            style={"max_width": f"{width}px"},
            aria_describedby=rx.Var("undefined"),
            on_close_auto_focus=return_focus(),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def sheet(
    title: Text,
    *content: rx.Component,
    open: rx.Var[bool],
    on_open_change: Any,
    footer: rx.Component | None = None,
) -> rx.Component:
    """A panel of 440 px at the right edge (the whole screen on a phone), to edit one thing while its list stays."""
    return rx.dialog.root(
        rx.dialog.content(
            _header(title),
            rx.el.div(*content, class_name="dialog-body"),
            rx.el.footer(footer, class_name="dialog-footer") if footer is not None else None,
            class_name="dialog sheet",
            aria_describedby=rx.Var("undefined"),
            on_close_auto_focus=return_focus(),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def confirm(
    title: Text,
    text: Text,
    *,
    open: rx.Var[bool],
    confirm_label: Text,
    on_confirm: Any,
    on_cancel: Any,
    kind: Literal["primary", "danger"] = "danger",
) -> rx.Component:
    """Asks once before an act that cannot be undone. The button says the verb; Escape means no."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, class_name="dialog-title", custom_attrs=AS_H2),
            rx.alert_dialog.description(text, class_name="dialog-text"),
            rx.el.footer(
                rx.alert_dialog.cancel(button(t("Cancel"))),  # it has the focus first
                button(confirm_label, kind=kind, on_click=on_confirm),
                class_name="dialog-footer",
            ),
            class_name="dialog dialog-confirm",
            on_close_auto_focus=return_focus(),
        ),
        open=open,
        on_open_change=on_cancel,
    )


def return_focus() -> rx.event.EventSpec:
    """The keyboard goes on where it was before the dialog opened. See dialogs.js."""
    function = rx.Var("returnFocus", _var_data=VarData(imports={_MODULE: [rx.ImportVar("returnFocus")]})).to(
        FunctionVar
    )
    return rx.run_script(function.call())


def _header(title: Text) -> rx.Component:
    return rx.el.header(
        rx.dialog.title(title, class_name="dialog-title", custom_attrs=AS_H2),
        rx.dialog.close(
            rx.el.button(icon("x"), type="button", class_name="icon-btn", aria_label=t("Close")),
        ),
        class_name="dialog-header",
    )
