"""The sheet with the details of a number: facts first, then what became of it as a timeline."""

from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.dialogs import sheet
from saasbot.components.i18n import pick, t
from saasbot.components.states import skeleton
from saasbot.components.status import dot, status_name, tone
from saasbot.components.types import Flag, Text


def channel_details(
    name: Text,
    facts: rx.vars.ArrayVar[Any],
    changes: rx.vars.ArrayVar[Any],
    *,
    open: rx.Var[bool],
    loaded: rx.Var[bool],
    more: Flag,
    on_more: Any,
    on_open_change: Any,
) -> rx.Component:
    """`facts` are FactRows, `changes` ChangeRows, newest first. `more`: there are older ones to show."""
    return sheet(
        name,
        rx.cond(
            loaded,
            rx.fragment(
                rx.el.dl(rx.foreach(facts, _fact), class_name="number-facts"),
                rx.el.h3(t("What happened"), class_name="history-title"),
                rx.cond(
                    changes.length() > 0,
                    rx.el.ol(rx.foreach(changes, _change), class_name="number-history"),
                    rx.el.p(t("Nothing has changed since the number was added."), class_name="history-empty"),
                ),
                rx.cond(more, button(t("Show older changes"), on_click=on_more, class_name="history-more")),
            ),
            skeleton("rows"),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def _fact(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    label = pick(
        row.key,
        ("last_message", t("Last message in")),
        ("last_receipt", t("Last tick or acknowledgement")),
        ("heard", t("Last heard from WhatsApp")),
        ("seen", t("Last sign of life of its process")),
        ("gap", t("Messages may be missing")),
        ("queued", t("Waiting to go out")),
        ("unconfirmed", t("Unconfirmed")),
        ("restarts", t("Restarts of its process today")),
        ("holder", t("Held by")),
        ("epoch", t("Times taken up")),
        ("memory", t("Memory of its process")),
        ("history", t("Earlier chats")),
        "",
    )
    return rx.el.div(
        rx.el.dt(label),
        rx.el.dd(row.value, title=row.full, class_name=rx.cond(row.alarming, "fact-alarming", "")),
        custom_attrs={"data-fact": row.key},
    )


def _change(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.li(
        dot(tone(row.status)),
        rx.el.div(
            rx.el.p(
                rx.el.b(status_name(row.status)),
                rx.cond(row.lasted != "", rx.el.span(t("for {time}", time=row.lasted), class_name="history-lasted")),
            ),
            rx.cond(row.sentence != "", rx.el.p(row.sentence, class_name="history-why")),
        ),
        rx.el.time(row.when, title=row.full),
        custom_attrs={"data-status": row.status},
    )
