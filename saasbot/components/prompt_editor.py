"""The editor of a prompt, and what changed between two versions."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import pick


class PromptEditor(rx.Component):
    """Monospace, line numbers, `{{variables}}` coloured. `text` is put into it when `revision` changes."""

    library = f"$/public{rx.asset('prompt_editor.js', shared=True)}"
    tag = "PromptEditor"

    name: rx.Var[str]
    text: rx.Var[str]
    revision: rx.Var[str]
    label: rx.Var[str]
    read_only: rx.Var[bool]

    on_draft: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def diff_view(rows: rx.vars.ArrayVar[Any]) -> rx.Component:
    """`rows` are DiffLines: numbers of both sides, a sign, the line as text."""
    return rx.el.div(
        rx.foreach(
            rows,
            lambda row: rx.el.div(
                rx.el.span(row.old_number, class_name="diff-number", aria_hidden="true"),
                rx.el.span(row.new_number, class_name="diff-number", aria_hidden="true"),
                rx.el.span(pick(row.kind, ("added", "+"), ("removed", "−"), " "), class_name="diff-sign"),
                rx.el.span(row.text, class_name="diff-text"),
                class_name=f"diff-row diff-{row.kind}",
            ),
        ),
        class_name="diff",
    )
