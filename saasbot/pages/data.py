"""The company's data: what customers agree to, a copy of everything, the end."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button
from saasbot.components.forms import submit_button, text_area, text_field
from saasbot.components.i18n import t
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import no_permission, notice, skeleton
from saasbot.components.types import Text
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.consent_text import ConsentTextState
from saasbot.state.data import DataState
from saasbot.state.session import SessionState
from saasbot.state.shell import ShellState

MAY_WRITE = SessionState.permissions.contains("company.write")
MAY_END = SessionState.permissions.contains("company.data")


@page(
    routes.DATA,
    title=t("Data"),
    on_load=[ConsentTextState.load, DataState.load],
    states=[ConsentTextState, DataState],
)
def data() -> rx.Component:
    loaded = ConsentTextState.loaded & DataState.loaded
    return frame(
        page_header(
            t("Data"), t("What your customers agree to, and what there is of your company: a copy of it, or its end")
        ),
        page_body(
            rx.cond(MAY_WRITE, rx.cond(loaded, _content(), skeleton("form")), no_permission()),
            class_name="data-page",
        ),
        active=routes.SETTINGS,
    )


def _content() -> rx.Component:
    return rx.el.div(
        _section(
            "consent",
            t("Consent of your customers"),
            t(
                "What a customer agrees to before your team notes it beside the chat. Who agreed to an earlier version has agreed to "
                "that one."
            ),
            _consent(),
        ),
        rx.cond(MAY_END, _copies_and_end()),
        class_name="settings-sections",
    )


def _consent() -> rx.Component:
    return rx.el.form(
        text_area(
            t("The text"),
            id="consent_text",
            default_value=ConsentTextState.text,
            help=ConsentTextState.facts,
            error=ConsentTextState.error,
            rows=6,
            max_length=4000,
        ),
        rx.el.div(submit_button(t("Save"), busy=False, id="save-consent-text"), class_name="form-actions"),
        on_submit=ConsentTextState.save,
        id="consent-text-form",
        no_validate=True,
        class_name="form",
    )


def _copies_and_end() -> rx.Component:
    return rx.fragment(
        _section(
            "export",
            t("Take your data away"),
            t(
                "A ZIP with everything: settings, catalogue, bots, contacts, chats and their files. It is kept for a day. A copy of "
                "one contact is made beside their chat."
            ),
            rx.el.div(
                button(
                    t("Make a copy"),
                    icon="archive",
                    id="export-company",
                    busy=DataState.running,
                    on_click=DataState.export_company,
                ),
                class_name="form-actions data-start",
            ),
            rx.cond(
                DataState.exports.length() > 0,
                rx.el.ul(rx.foreach(DataState.exports, _export), class_name="data-exports"),
            ),
        ),
        _section(
            "erase",
            t("Erase the company"),
            t(
                "Seven days from now everything goes for good: chats, contacts, files, numbers, catalogue, bots, and the accounts of "
                "your team that belong to no other company. Until then you can take it back."
            ),
            rx.cond(DataState.due != "", _pending(), _form()),
        ),
    )


def _section(id: str, title: Text, what: Text, *content: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.header(
            rx.el.h2(title, class_name="section-title"),
            rx.el.p(what, class_name="panel-what"),
            class_name="section-head",
        ),
        *content,
        id=id,
        class_name="section",
    )


def _export(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(row.what, class_name="data-what"),
            rx.el.p(row.when, " · ", row.facts, class_name="data-facts num"),
            rx.cond(
                row.running,
                rx.el.progress(value=row.percent.to(int), max=100, aria_label=row.facts, class_name="data-progress"),
            ),
        ),
        rx.cond(row.ready, button(t("Download"), icon="download", on_click=DataState.download(row.id))),
        key=row.id,
    )


def _pending() -> rx.Component:
    return rx.cond(
        DataState.begun,
        notice("triangle-alert", t("{company} is being erased.", company=ShellState.company_name)),
        rx.fragment(
            notice(
                "triangle-alert",
                t("Everything of {company} will be erased: {due}.", company=ShellState.company_name, due=DataState.due),
            ),
            rx.el.div(
                button(t("Keep the company"), kind="primary", id="keep-company", on_click=DataState.keep_company),
                class_name="form-actions data-start",
            ),
        ),
    )


def _form() -> rx.Component:
    return rx.el.form(
        text_field(
            t("The name of your company"),
            id="erase_name",
            help=t("Type “{company}”, so that nobody does this by accident.", company=ShellState.company_name),
            error=DataState.name_error,
            auto_complete="off",
            max_length=120,
        ),
        text_field(
            t("Your password"),
            id="erase_password",
            type="password",
            error=DataState.password_error,
            auto_complete="current-password",
            max_length=128,
        ),
        rx.el.div(
            submit_button(t("Erase in seven days"), busy=False, id="erase-company", kind="danger"),
            class_name="form-actions",
        ),
        on_submit=DataState.erase_company,
        id="erase-company-form",
        no_validate=True,
        class_name="form",
    )
