"""What a person sends that is neither words nor a file: a place, a contact, a poll. One dialog each."""

from typing import Any

import reflex as rx
from reflex_base.vars.function import FunctionVar

from saasbot.components.buttons import button
from saasbot.components.dialogs import dialog
from saasbot.components.forms import text_area, text_field
from saasbot.components.i18n import t
from saasbot.components.types import Text

_PLACE_NOW = (
    "(() => navigator.geolocation?.getCurrentPosition((at) => {"
    "const field = document.getElementById('place-coordinates');"
    "if (field) field.value = `${at.coords.latitude.toFixed(6)}, ${at.coords.longitude.toFixed(6)}`;"
    "}))"
)
"""Puts where this browser is into the field, when its person allows it."""


def composer_forms(
    *, shown: rx.Var[str], problem: rx.Var[str], on_open_change: Any, on_place: Any, on_card: Any, on_poll: Any
) -> rx.Component:
    """`shown` names the dialog that is open; `problem` is what is wrong with what was written in it."""
    common = {"shown": shown, "problem": problem, "on_open_change": on_open_change}
    return rx.fragment(
        _dialog(
            "location",
            t("Send a location"),
            text_field(
                t("Coordinates"),
                id="place-coordinates",
                placeholder="-34.603700, -58.381600",
                auto_focus=True,
                help=t("Latitude and longitude, as maps show them."),
                required=True,
                auto_complete="off",
            ),
            button(t("Use where I am"), icon="locate", on_click=_where_i_am()),
            text_field(t("Name"), id="place-name", optional=True, max_length=100),
            text_field(t("Address"), id="place-address", optional=True, max_length=255),
            on_submit=on_place,
            **common,
        ),
        _dialog(
            "contact",
            t("Send a contact"),
            text_field(t("Name"), id="card-name", required=True, max_length=100, auto_focus=True),
            text_field(t("Phone"), id="card-phone", type="tel", placeholder="+54 9 11 1234 5678", required=True),
            on_submit=on_card,
            **common,
        ),
        _dialog(
            "poll",
            t("Send a poll"),
            text_field(t("Question"), id="poll-question", required=True, max_length=255, auto_focus=True),
            text_area(t("Options"), id="poll-options", rows=4, help=t("One on each line, 2 to 12."), required=True),
            rx.el.label(
                rx.el.input(type="checkbox", id="poll-several", name="poll_several"),
                t("More than one may be chosen"),
                class_name="composer-check",
            ),
            on_submit=on_poll,
            **common,
        ),
    )


def _dialog(
    name: str,
    title: Text,
    *fields: rx.Component,
    shown: rx.Var[str],
    problem: rx.Var[str],
    on_open_change: Any,
    on_submit: Any,
) -> rx.Component:
    form = f"{name}-form"
    return dialog(
        title,
        rx.el.form(*fields, id=form, on_submit=on_submit, class_name="composer-form"),
        rx.cond(problem != "", rx.el.p(problem, class_name="field-error", role="alert")),
        open=shown == name,
        on_open_change=on_open_change,
        width=440,
        footer=button(t("Send"), kind="primary", icon="send", type="submit", form=form, id=f"{name}-send"),
    )


def _where_i_am() -> rx.event.EventSpec:
    return rx.run_script(rx.Var(_PLACE_NOW).to(FunctionVar).call())
