"""The pages before sign-in: form left (400 px), at the right one sentence about the product and a picture of it."""

import reflex as rx

from saasbot.components.avatar import avatar, bot_mark
from saasbot.components.chips import chip
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Handler, Text
from saasbot.components.user_menu import locale_select


def auth_layout(
    title: Text, what: Text, *form: rx.Component, foot: rx.Component | None = None, on_locale: Handler
) -> rx.Component:
    """One form under its h1. `foot` is the way to the neighbouring page."""
    return rx.el.div(
        rx.el.main(
            rx.el.div(
                rx.el.span("S", class_name="mark", aria_hidden="true"),
                rx.el.span("SaaSBot", class_name="brand"),
                class_name="auth-brand",
            ),
            rx.el.div(
                rx.el.h1(title, class_name="auth-title"),
                rx.el.p(what, class_name="auth-what"),
                *form,
                rx.el.p(foot, class_name="auth-foot") if foot is not None else None,
                class_name="auth-form",
            ),
            rx.el.div(icon("globe", 14), locale_select(on_locale), class_name="auth-locale"),
            class_name="auth-main",
        ),
        rx.el.aside(
            rx.el.p(t("Your shop answers on WhatsApp at any hour, and you see every chat."), class_name="auth-claim"),
            inbox_picture(),
            class_name="auth-side",
        ),
        class_name="auth",
    )


def inbox_picture() -> rx.Component:
    """The inbox in small, drawn with the product's own parts; scenery, so hidden from screen readers."""
    return rx.el.div(_list(), _thread(), class_name="picture", custom_attrs={"aria-hidden": True})


def _list() -> rx.Component:
    return rx.el.div(
        rx.el.div(icon("search", 14), t("Search messages and people"), class_name="picture-search"),
        _row("Ana Pérez", t("Bot: Yes, we have 3 pairs in size 42."), "10:34", bot=True, selected=True),
        _row("Beto Cáceres", t("I want to talk to a person"), "10:31", unread=2),
        _row("Caro Ruiz", t("typing…"), "10:30", bot=True, unread=1),
        _row("Dante Molina", t("You: I will wait for you at 5."), "10:12"),
        _row("Elena Gómez", t("Bot: You can exchange it within 30 days."), "9:58", bot=True),
        class_name="picture-list",
    )


def _row(
    name: str, preview: rx.Var[str], time: str, *, bot: bool = False, unread: int = 0, selected: bool = False
) -> rx.Component:
    return rx.el.div(
        avatar(name, mark=bot_mark() if bot else None),
        rx.el.div(rx.el.p(name, class_name="picture-name"), rx.el.p(preview, class_name="picture-preview")),
        rx.el.div(time, rx.el.span(str(unread), class_name="badge") if unread else None, class_name="picture-time"),
        class_name="picture-row picture-selected" if selected else "picture-row",
    )


def _thread() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span("Ana Pérez", class_name="picture-title"),
            chip(t("The bot answers"), "bot", icon="bot"),
            rx.el.span(t("Take over"), class_name="btn btn-primary"),
            class_name="picture-head",
        ),
        rx.el.div(
            _bubble("in", t("Hi! How much are the red sneakers? Do you have size 42?"), "10:32"),
            rx.el.div(
                rx.el.p(icon("bot", 13), t("Assistant"), class_name="bubble-who"),
                t("Hi Ana 😊 The red Runners are $ 45.990. Shipping takes 48 hours."),
                _meta("10:32", read=True),
                class_name="bubble bubble-out bubble-bot",
            ),
            _bubble(
                "out bubble-bot", t("Yes, we have 3 pairs in size 42. Shall I reserve one for you?"), "10:32", read=True
            ),
            _bubble("in", t("Great! Can I pay by card?"), "10:33"),
            class_name="picture-messages",
        ),
        class_name="picture-thread",
    )


def _bubble(side: str, text: rx.Var[str], time: str, *, read: bool = False) -> rx.Component:
    return rx.el.div(text, _meta(time, read=read), class_name=f"bubble bubble-{side}")


def _meta(time: str, *, read: bool = False) -> rx.Component:
    return rx.el.span(time, icon("check-check", 13, class_name="tick-read") if read else None, class_name="bubble-meta")
