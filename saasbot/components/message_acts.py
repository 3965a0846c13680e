"""What people did to a message since it was written, shown on its bubble: reactions, an edit, a deletion, votes; and the
button of what can be done."""

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
                message["side"].to(str) == "in", t("Deleted this message"), t("This message was deleted for everyone")
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
    earlier = message["earlier"].to(str)  # a phone's past knows only what it became
    before = rx.cond(earlier == "", "", t("Before: {text}", text=earlier))
    return rx.el.span(
        t("edited"), rx.el.span(before, class_name="visually-hidden"), title=before, class_name="bubble-edited"
    )


def reactions(message: Row) -> rx.Component:
    """Chips below the bubble, one of each side of the chat at most."""
    theirs, ours = message["reaction"].to(str), message["own_reaction"].to(str)
    return rx.cond(
        (theirs != "") | (ours != ""),
        rx.el.div(
            rx.cond(theirs != "", _chip(theirs, t("Reaction: {emoji}", emoji=theirs))),
            rx.cond(ours != "", _chip(ours, t("Your reaction: {emoji}", emoji=ours))),
            class_name="bubble-reactions",
        ),
    )


def _chip(emoji: rx.vars.StringVar, label: rx.Var[str]) -> rx.Component:
    return rx.el.span(emoji, role="img", aria_label=label, title=label, custom_attrs={"data-testid": "reaction"})


def menu_button(message: Row) -> rx.Component:
    """Opens the message's menu, which the thread has once (message_menu.js)."""
    return rx.el.button(
        icon("ellipsis-vertical", 16),
        type="button",
        class_name="message-menu-button",
        aria_label=t("What to do with this message"),
        aria_haspopup="menu",
        custom_attrs={"data-menu": message["id"].to(str)},
    )


def doing(message: Row) -> rx.Component:
    """An act of ours that WhatsApp has not taken."""
    trouble = message["trouble"].to(bool)
    return rx.el.p(
        rx.cond(trouble, icon("triangle-alert", 13), icon("clock", 13)),
        rx.el.span(message["doing"].to(str), dir="auto"),
        class_name=rx.cond(trouble, "message-doing message-doing-trouble", "message-doing"),
        custom_attrs={"data-testid": "message-doing"},
    )


def poll(message: Row) -> rx.Component:
    """The question, and each option with who chose it."""
    return rx.el.div(
        rx.el.p(icon("chart-bar", 15), rx.el.b(message["title"].to(str), dir="auto"), class_name="poll-question"),
        rx.el.p(
            rx.cond(message["several"].to(bool), t("Several options may be chosen"), t("One option may be chosen")),
            class_name="bubble-facts",
        ),
        rx.el.ul(rx.foreach(message["choices"].to(list[dict[str, Any]]), _choice), class_name="poll-options"),
        class_name="bubble-poll",
    )


def _choice(choice: Row) -> rx.Component:
    customer, phone, people = choice["customer"].to(bool), choice["phone"].to(bool), choice["people"].to(int)
    chosen = customer | phone | (people > 0)
    return rx.el.li(
        rx.cond(chosen, icon("circle-check", 16), icon("circle", 16)),
        rx.el.span(choice["text"].to(str), dir="auto"),
        rx.cond(customer, rx.el.span(t("The customer"), class_name="poll-who")),
        rx.cond(people > 0, rx.el.span(t("{count} of the group", count=people), class_name="poll-who")),
        rx.cond(phone, rx.el.span(t("On the phone"), class_name="poll-who")),
        class_name=rx.cond(chosen, "poll-option poll-option-on", "poll-option"),
        custom_attrs={"data-testid": "poll-option", "data-chosen": chosen.to_string()},
    )
