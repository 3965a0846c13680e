"""What a customer agreed to: the section of the panel beside a thread, the text before it is noted, and the terms of use as a page."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, new_tab
from saasbot.components.dialogs import confirm, dialog
from saasbot.components.i18n import pick, t
from saasbot.components.types import Flag, Text


def consent_section(row: Any, *, may_write: Flag, on_note: Any, on_withdraw: Any) -> rx.Component:
    """`row` is a ConsentRow (saasbot.state.context_rows)."""
    given = row.state == "given"
    return rx.fragment(
        rx.el.h2(t("Consent")),
        rx.el.p(
            pick(
                row.state,
                ("given", t("They agreed to your messages")),
                ("withdrawn", t("They took their consent back")),
                t("Nothing noted: it is not known whether they agree to your messages."),
            ),
            class_name="context-title",
            id="consent-state",
            custom_attrs={"data-state": row.state},
        ),
        rx.cond(row.facts != "", rx.el.p(row.facts, class_name="context-sub num")),
        rx.cond(row.is_old, rx.el.p(t("Your text has changed since."), class_name="context-sub")),
        rx.cond(
            may_write,
            rx.el.div(
                rx.cond(
                    given & ~row.is_old.to(bool),
                    rx.fragment(),
                    button(t("Note consent…"), icon="file-check", id="consent-note", on_click=on_note),
                ),
                rx.cond(given, button(t("Withdraw…"), icon="file-x", id="consent-withdraw", on_click=on_withdraw)),
                class_name="context-acts",
            ),
        ),
    )


def consent_dialogs(
    *,
    asking: rx.Var[str],
    withdrawing: rx.Var[str],
    name: Text,
    text: rx.Var[str],
    text_name: rx.Var[str],
    on_note: Any,
    on_withdraw: Any,
    on_leave: Any,
) -> rx.Component:
    """The text that is agreed to, and the question before it is taken back. `on_leave(is_open)` notes nothing."""
    return rx.fragment(
        dialog(
            t("Note consent"),
            rx.el.p(
                t("Note it only when {name} has said yes to this text, in the chat or elsewhere:", name=name),
                class_name="dialog-text",
            ),
            rx.el.blockquote(
                rx.el.p(text, dir="auto"),
                rx.el.p(text_name, class_name="context-sub num"),
                class_name="consent-text",
            ),
            open=asking != "",
            on_open_change=on_leave,
            footer=rx.fragment(
                button(t("Cancel"), on_click=on_leave(False)),
                button(t("They agreed"), kind="primary", id="consent-confirm", on_click=on_note),
            ),
        ),
        confirm(
            t("Withdraw the consent of {name}?", name=name),
            t(
                "From now on it is noted that they do not agree to your messages any more. The bot and your team are not stopped by it."
            ),
            open=withdrawing != "",
            confirm_label=t("Note that they withdrew it"),
            on_confirm=on_withdraw,
            on_cancel=on_leave(False),
        ),
    )


def prose(blocks: Sequence[tuple[str, str]]) -> rx.Component:
    """A text of headings, paragraphs and lists: (kind, text), in order, one language's. Its first heading is the page's own."""
    parts: list[rx.Component] = []
    items: list[rx.Component] = []
    for kind, text in [*blocks, ("end", "")]:
        if kind == "item":
            items.append(rx.el.li(text))
            continue
        if items:
            parts.append(rx.el.ul(*items))
            items = []
        if kind == "heading":
            parts.append(rx.el.h2(text))
        elif kind == "paragraph":
            parts.append(rx.el.p(text))
    return rx.el.div(*parts, class_name="prose")


def accept_terms_label() -> rx.Component:
    """The sentence of the check box: the text opens beside the form, which keeps what was typed."""
    return rx.fragment(t("I accept the"), " ", new_tab(t("terms of use and the privacy notice"), routes.TERMS), ".")
