"""The panel beside a thread: the person, the conversation, what they agreed to, what was talked about, and why the bot answered so."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.avatar import avatar
from saasbot.components.buttons import button, icon_button, link
from saasbot.components.chips import chip, handler_chip
from saasbot.components.consent import consent_section
from saasbot.components.forms import switch
from saasbot.components.i18n import pick, t
from saasbot.components.icons import icon
from saasbot.components.types import Flag, Text


def context_panel(
    *,
    name: Text,
    person: Text,
    phone: rx.Var[str],
    channel: Text,
    status: rx.Var[str],
    handler: rx.Var[str],
    taken_by: rx.Var[str],
    hidden_number: Flag,
    group: Flag,
    bot_enabled: Flag,
    context: rx.vars.ObjectVar[Any],
    may_write: Flag,
    on_bot: Any,
    on_close: Any,
    on_consent: Any,
    on_withdraw: Any,
    may_erase: Flag = False,
    on_erase: Any = None,
    may_export: Flag = False,
    on_export: Any = None,
) -> rx.Component:
    """`context` is a Context (saasbot.state.context_rows)."""
    return rx.el.div(
        rx.el.div(
            avatar(name, key=person, size=48),
            rx.el.div(
                rx.el.p(name, class_name="context-name", dir="auto"),
                rx.el.p(
                    rx.cond(group, t("Group"), rx.cond(phone != "", phone, t("Hidden number"))),
                    class_name="context-sub num",
                ),
            ),
            icon_button("x", t("Close the panel"), on_click=on_close, class_name="context-close"),
            class_name="context-person",
        ),
        rx.el.h2(t("Conversation")),
        rx.el.dl(
            _fact(t("Status"), chip(status_name(status))),
            rx.cond(
                group,
                _fact(t("Answers"), chip(t("Only people"), "human", icon="users")),
                rx.fragment(
                    _fact(t("Answers"), handler_chip(handler, taken_by)),
                    _fact(t("Assigned to"), rx.cond(taken_by != "", taken_by, "–")),
                ),
            ),
            _fact(t("Number"), channel),
            _fact(t("Since"), context.since),
            rx.cond(hidden_number & (phone == ""), _fact(t("Phone"), t("WhatsApp hides it"))),
            class_name="context-facts",
        ),
        rx.cond(
            group,
            rx.fragment(),
            rx.cond(
                may_write,
                switch(t("The bot may answer here"), id="conversation-bot", checked=bot_enabled, on_change=on_bot),
            ),
        ),
        rx.cond(
            group,
            rx.fragment(),
            consent_section(context.consent, may_write=may_write, on_note=on_consent, on_withdraw=on_withdraw),
        ),
        rx.cond(context.products.to(list).length() > 0, _products(context)),
        rx.cond(context.why_facts != "", _why(context)),
        rx.cond(context.others.to(list).length() > 0, _others(context)),
        rx.cond(
            may_erase,
            rx.fragment(
                rx.el.h2(t("Privacy")),
                rx.el.p(
                    t("They may ask for a copy of what you have of them, and to be forgotten."),
                    class_name="context-sub",
                ),
                rx.el.div(
                    rx.cond(
                        may_export,
                        button(t("Make a copy"), icon="archive", id="contact-export", on_click=on_export),
                    ),
                    button(t("Erase this contact…"), icon="eraser", id="contact-erase", on_click=on_erase),
                    class_name="context-acts",
                ),
            ),
        ),
        class_name="context-body",
    )


def status_name(status: rx.Var[str]) -> rx.Var[str]:
    """A conversation's status in words."""
    return pick(
        status,
        ("open", t("Open")),
        ("pending", t("With the bot")),
        ("snoozed", t("Snoozed")),
        ("resolved", t("Resolved")),
        "",
    )


def _fact(term: Text, value: rx.Component | Text) -> rx.Component:
    return rx.el.div(rx.el.dt(term), rx.el.dd(value))


def _products(context: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(t("They talked about")),
        rx.foreach(
            context.products,
            lambda product: rx.el.div(
                rx.cond(
                    product.thumb != "",
                    rx.el.img(src=product.thumb, alt="", class_name="context-thumb"),
                    rx.el.span(icon("package"), class_name="context-thumb"),
                ),
                rx.el.div(
                    rx.el.p(product.title, class_name="context-title truncate"),
                    rx.el.p(product.facts, class_name="context-sub num"),
                ),
                class_name="context-card context-product",
            ),
        ),
    )


def _why(context: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(t("Why it answered so")),
        rx.el.div(
            rx.el.p(context.why_facts, class_name="context-sub num"),
            rx.cond(context.why != "", rx.el.p(context.why, class_name="context-why")),
            rx.cond(
                context.demo,
                rx.el.p(t("The demo model answers by plain rules; it is not an AI."), class_name="context-sub"),
            ),
            class_name="context-card",
        ),
    )


def _others(context: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.fragment(
        rx.el.h2(t("On your other numbers")),
        rx.foreach(
            context.others,
            lambda other: link(
                rx.fragment(
                    rx.el.span(other.channel, class_name="context-title"),
                    rx.el.span(" · ", other.when, class_name="context-sub num"),
                    rx.el.span(other.preview, class_name="context-preview truncate"),
                ),
                f"{routes.INBOX}/{other.id}",
                class_name="context-card context-other",
            ),
        ),
    )
