"""The audit trail as lines: who did what, from where, when."""

from typing import Any

import reflex as rx

from saasbot.components.chips import chip
from saasbot.components.i18n import t


def activity_table(rows: rx.vars.ArrayVar[Any]) -> rx.Component:
    """`rows` are ActivityRows, newest first."""
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th(t("When"), scope="col"),
                rx.el.th(t("What happened"), scope="col"),
                rx.el.th(t("From where"), scope="col"),
            )
        ),
        rx.el.tbody(rx.foreach(rows, _row)),
        class_name="table trail",
    )


def _row(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(row.when, title=row.moment), class_name="trail-when num"),
        rx.el.td(
            rx.el.strong(row.who),
            " ",
            row.what,
            rx.cond(row.refused, rx.fragment(" ", chip(t("Refused"), "danger"))),
            class_name="trail-what",
        ),
        rx.el.td(row.origin, class_name="trail-origin"),
        key=row.id,
    )
