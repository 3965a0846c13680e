"""The fields of a company's settings, without their form: the wizard and the settings page put their own around them."""

from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.forms import field, field_error, text_area, text_field
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.photo import photo_field
from saasbot.components.types import Handler, Text

CURRENCIES = ("ARS", "BOB", "BRL", "CLP", "COP", "CRC", "EUR", "GTQ", "MXN", "PEN", "PYG", "USD", "UYU")
ZONES = (
    *("America/Argentina/Buenos_Aires", "America/Asuncion", "America/Bogota", "America/Caracas", "America/Costa_Rica"),
    *("America/Guatemala", "America/Guayaquil", "America/Havana", "America/La_Paz", "America/Lima"),
    *("America/Managua", "America/Mexico_City", "America/Montevideo", "America/New_York", "America/Panama"),
    *("America/Santiago", "America/Santo_Domingo", "America/Sao_Paulo", "America/Tegucigalpa", "America/Tijuana"),
    *("America/Los_Angeles", "America/El_Salvador", "Atlantic/Canary", "Europe/Madrid"),
)
Errors = rx.vars.ObjectVar[Any]
View = rx.vars.ObjectVar[Any]


def company_fields(view: View, errors: Errors, *, csrf: Text) -> rx.Component:
    """`view` is a CompanyView. The form's `logo_id` is "kept" while nobody touched the logo."""
    return rx.fragment(
        text_field(
            t("Company name"),
            id="name",
            default_value=view.name,
            error=errors["name"],
            max_length=120,
            auto_complete="organization",
        ),
        text_field(
            t("What it sells"),
            id="industry",
            default_value=view.industry,
            error=errors["industry"],
            placeholder=t("Shoes and leather goods"),
            optional=True,
            max_length=120,
        ),
        text_area(
            t("Description"),
            id="description",
            default_value=view.description,
            error=errors["description"],
            help=t("What a new colleague would need to know: where you are, what makes you different."),
            optional=True,
            rows=4,
            max_length=4000,
        ),
        photo_field(
            t("Logo"),
            id="logo",
            name="logo_id",
            csrf=csrf,
            photo_id=rx.cond(view.logo_url != "", "kept", ""),
            photo_url=view.logo_url,
        ),
    )


def clock_fields(view: View, errors: Errors) -> rx.Component:
    """`view` is a CompanyView."""
    return rx.fragment(
        text_field(
            t("Time zone"),
            id="timezone",
            default_value=view.timezone,
            error=errors["timezone"],
            help=t("“Today” and the times in this app follow it."),
            list="timezones",
        ),
        rx.el.datalist(*[rx.el.option(value=zone) for zone in ZONES], id="timezones"),
        field(
            t("Currency"),
            rx.el.div(
                rx.el.select(
                    rx.cond(
                        rx.Var.create(list(CURRENCIES)).contains(view.currency),
                        rx.fragment(),
                        rx.el.option(view.currency, value=view.currency),
                    ),
                    *[rx.el.option(code, value=code) for code in CURRENCIES],
                    id="currency",
                    name="currency",
                    class_name="input select",
                    default_value=view.currency,
                ),
                icon("chevron-down", 14),
                class_name="select-wrap",
            ),
            id="currency",
            help=t("New products have their price in it. Prices that exist do not change."),
            error=errors["currency"],
        ),
    )


def policy_fields(view: View, errors: Errors) -> rx.Component:
    """`view` is a PoliciesView. The bot answers from these texts and invents nothing beyond them."""

    def area(label: Text, name: str, example: Text, rows: int = 3) -> rx.Component:
        return text_area(
            label,
            id=name,
            default_value=view[name],
            error=errors[name],
            placeholder=example,
            rows=rows,
            max_length=8000,
        )

    return rx.fragment(
        area(t("Shipping"), "shipping", t("We ship to the whole country in 3 to 5 days. Free from $ 60.000.")),
        area(t("Returns and exchanges"), "refund", t("Exchanges within 30 days with the receipt, unused.")),
        area(t("Brand voice"), "brand_voice", t("Warm and brief. We say “tú” and never use emoji.")),
        area(t("Opening hours"), "hours", t("Monday to Friday 9 to 18, Saturday 9 to 13."), 2),
    )


def ai_fields(
    view: View,
    errors: Errors,
    *,
    source: rx.Var[str],
    testing: rx.Var[bool],
    tested: rx.Var[str],
    passed: rx.Var[bool],
    on_source: Handler,
    on_test: Handler,
) -> rx.Component:
    """`view` is an AiView; `on_test(api_key, base_url, model)` gets what the fields hold at the click."""
    own = source == "own_key"
    return rx.fragment(
        rx.el.fieldset(
            rx.el.legend(t("Who answers"), class_name="field-label"),
            _source(
                "own_key", source, on_source, t("Your own key"), t("OpenAI, or any server that speaks its protocol")
            ),
            rx.cond(
                view.platform_available,
                _source("platform", source, on_source, t("The platform's model"), t("Nothing to set up")),
            ),
            rx.cond(
                view.demo_available,
                _source(
                    "demo", source, on_source, t("Demo model"), t("Plain rules, no AI: to look around without a key")
                ),
            ),
            class_name="choices",
        ),
        field_error("source", errors["source"]),
        rx.el.div(
            _key_field(view, errors, testing, tested, passed, on_test),
            rx.el.details(
                rx.el.summary(t("More: model and address")),
                text_field(
                    t("Model"),
                    id="model",
                    default_value=view.model,
                    error=errors["model"],
                    placeholder="gpt-4.1-mini",
                    optional=True,
                    max_length=100,
                ),
                text_field(
                    t("Base URL"),
                    id="base_url",
                    type="url",
                    default_value=view.base_url,
                    error=errors["base_url"],
                    placeholder=t("The address of OpenAI, unless you enter another"),
                    optional=True,
                    max_length=300,
                ),
                open=(errors["model"] != "") | (errors["base_url"] != ""),
                class_name="more",
            ),
            class_name=rx.cond(own, "form", "form hidden"),
        ),
    )


def _source(value: str, chosen: rx.Var[str], on_source: Handler, title: Text, text: Text) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="radio",
            name="source",
            value=value,
            default_checked=chosen == value,  # the browser's own from then on: a click shows at once
            on_change=lambda _v: on_source(value),
        ),
        rx.el.span(rx.el.b(title), rx.el.span(text)),
        class_name="choice",
    )


def _key_field(
    view: View, errors: Errors, testing: rx.Var[bool], tested: rx.Var[str], passed: rx.Var[bool], on_test: Handler
) -> rx.Component:
    return rx.el.div(
        text_field(
            t("API key"),
            id="api_key",
            type="password",
            error=errors["api_key"],
            placeholder=rx.cond(view.key_last4 != "", f"•••• {view.key_last4}", "sk-…"),
            help=rx.cond(
                view.key_last4 != "",
                t("A key that ends in {last4} is stored. Leave this empty to keep it.", last4=view.key_last4),
                t("It is stored encrypted and never shown again, only its last four characters."),
            ),
            auto_complete="off",
            spell_check=False,
            max_length=300,
        ),
        rx.el.div(
            button(
                t("Test key"),
                icon="plug-zap",
                id="test-key",
                busy=testing,
                on_click=on_test(_now("api_key"), _now("base_url"), _now("model")),
            ),
            rx.el.p(
                rx.cond(
                    testing,
                    t("Asking the model…"),
                    rx.cond(
                        tested != "",
                        rx.fragment(rx.cond(passed, icon("circle-check", 14), icon("circle-alert", 14)), tested),
                    ),
                ),
                id="test-outcome",
                aria_live="polite",
                class_name=rx.cond(
                    tested != "", rx.cond(passed, "outcome outcome-ok", "outcome outcome-bad"), "outcome"
                ),
            ),
            class_name="test-row",
        ),
        class_name="form",
    )


def _now(id: str) -> rx.Var[str]:
    """What the field holds when the event is sent. A key is in no state: states are kept on disk."""
    return rx.Var(f'document.getElementById("{id}").value').to(str)
