"""What people did to a message since it was written, shown on its bubble: reactions, an edit, a deletion."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.icons import icon

Row = rx.vars.ObjectVar[dict[str, Any]]


def tombstone(message: Row) -> rx.Component:
    """What is left of a deleted message. The team can still unfold what it said."""
    text, stored = message["text"].to(str), message["media"].to(str) == "stored"
    return rx.fragment(
        rx.el.p(
            icon("ban", 14),
            rx.cond(
                message["side"].to(str) == "in", t("Deleted this message"), t("This message was deleted on the phone")
            ),
            class_name="bubble-note-text",
        ),
        rx.cond(
            (text != "") | stored,
            rx.el.details(
                rx.el.summary(t("View what it said")),
                rx.el.p(text, class_name="bubble-text", dir="auto"),
                rx.cond(
                    stored,
                    rx.el.a(t("Download its file"), href=message["link"].to(str), download=True, class_name="link"),
                ),
                class_name="bubble-gone",
            ),
        ),
    )


def edited_mark(message: Row) -> rx.Component:
    before = t("Before: {text}", text=message["earlier"].to(str))
    return rx.el.span(
        t("edited"), rx.el.span(before, class_name="visually-hidden"), title=before, class_name="bubble-edited"
    )


def reactions(message: Row) -> rx.Component:
    """Chips below the bubble, one of each side of the chat at most."""
    theirs, ours = message["reaction"].to(str), message["own_reaction"].to(str)
    return rx.cond(
        (theirs != "") | (ours != ""),
        rx.el.div(
            rx.cond(theirs != "", _chip(theirs, t("Reaction of the customer: {emoji}", emoji=theirs))),
            rx.cond(ours != "", _chip(ours, t("Reaction on the phone: {emoji}", emoji=ours))),
            class_name="bubble-reactions",
        ),
    )


def _chip(emoji: rx.vars.StringVar, label: rx.Var[str]) -> rx.Component:
    return rx.el.span(emoji, role="img", aria_label=label, title=label, custom_attrs={"data-testid": "reaction"})
