"""The company's bots."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, link
from saasbot.components.chips import chip
from saasbot.components.dialogs import dialog
from saasbot.components.forms import text_field
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import empty_state, skeleton
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.bots import BotsState


@page(routes.BOTS, title=t("Bots"), on_load=[BotsState.load], states=[BotsState])
def bots() -> rx.Component:
    def add(id: str) -> rx.Component:
        return button(t("Add bot"), kind="primary", icon="plus", id=id, on_click=BotsState.set_adding(True))

    return frame(
        page_header(t("Bots"), t("Who answers in your company's name, and with which instructions"), add("bot-add")),
        page_body(
            rx.cond(
                BotsState.loaded,
                rx.cond(
                    BotsState.rows.length() > 0,
                    rx.el.div(rx.foreach(BotsState.rows, _card), class_name="cards"),
                    empty_state(
                        "bot",
                        t("No bots yet"),
                        t("A bot answers your customers with your catalogue and your rules."),
                        add("bot-add-first"),
                    ),
                ),
                skeleton("cards", 3),
            )
        ),
        dialog(
            t("Add bot"),
            rx.el.form(
                text_field(
                    t("Name"),
                    id="bot-name",
                    name="bot_name",
                    help=t("Customers do not see it; your team does."),
                    error=BotsState.name_error,
                    max_length=80,
                    auto_focus=True,
                ),
                rx.el.div(
                    button(t("Add bot"), kind="primary", type="submit", id="bot-save"), class_name="form-actions"
                ),
                on_submit=BotsState.add,
            ),
            open=BotsState.adding,
            on_open_change=BotsState.set_adding,
            width=440,
        ),
        active=routes.BOTS,
    )


def _card(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.article(
        rx.el.header(
            rx.el.h2(
                rx.el.span(icon("bot"), class_name="bot-mark"),
                link(row.name, f"{routes.BOTS}/{row.id}", class_name="card-link"),
            ),
            rx.switch(
                checked=row.enabled,
                on_change=lambda value: BotsState.switch(row.id, value),
                aria_label=t("{name} answers", name=row.name),
            ),
            class_name="card-head",
        ),
        rx.el.p(
            rx.cond(row.personality != "", row.personality, t("Follows its instructions, nothing more.")),
            class_name="card-text",
        ),
        rx.el.p(
            rx.cond(
                row.version.to(int) > 0,
                chip(t("Version {n} published", n=row.version), "bot"),
                chip(t("Nothing published"), "danger"),
            ),
            rx.cond(row.draft, chip(t("Unpublished changes"), "label")),
            rx.cond(
                row.triggers != "", chip(t("Starts on: {words}", words=row.triggers)), chip(t("Answers everything"))
            ),
            class_name="card-chips",
        ),
        class_name="card",
        custom_attrs={"data-testid": "bot-row", "data-bot-id": row.id},
    )
