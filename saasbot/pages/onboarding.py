"""The first minutes of a company: five steps, each of which can wait."""

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, link
from saasbot.components.company_forms import ai_fields, company_fields, policy_fields
from saasbot.components.forms import submit_button, text_field
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.photo import photo_field
from saasbot.components.shell import person_menu
from saasbot.components.states import no_permission, skeleton
from saasbot.components.status import status_line
from saasbot.components.types import Handler
from saasbot.components.wizard import Step, wizard, wizard_buttons
from saasbot.pages.frame import shell_data
from saasbot.pages.pairing import kind_choice, pairing
from saasbot.pages.registry import page
from saasbot.state.channel_rows import ChannelRow
from saasbot.state.channels import ChannelsState
from saasbot.state.company import CompanyState
from saasbot.state.onboarding import OnboardingState
from saasbot.state.session import SessionState
from saasbot.state.shell import ShellState

STEPS = (
    Step("company", t("Company"), t("Tell us about your company"), t("The bot introduces itself with it.")),
    Step("policies", t("Policies"), t("How do you work?"), t("The bot answers from these texts, and invents nothing.")),
    Step("ai", t("AI"), t("Who writes the answers?"), t("You can change it at any time in the settings.")),
    Step(
        "product",
        t("First product"),
        t("Add a first product"),
        t("The bot quotes prices from your catalogue. More can follow later."),
    ),
    Step("number", t("Number"), t("Link your number"), t("Customers keep writing to the number they know.")),
)


@page(
    routes.ONBOARDING,
    title=t("Set up your company"),
    on_load=[CompanyState.load, ChannelsState.load, OnboardingState.load],
    states=[CompanyState, ChannelsState, OnboardingState],
)
def onboarding() -> rx.Component:
    return wizard(
        rx.cond(
            OnboardingState.loaded & CompanyState.loaded,
            rx.cond(
                SessionState.permissions.contains("company.write"),
                rx.match(
                    OnboardingState.step,
                    ("company", _company()),
                    ("policies", _policies()),
                    ("ai", _ai()),
                    ("product", _product()),
                    ("number", _number()),
                    rx.fragment(),
                ),
                no_permission(),
            ),
            skeleton("form", 4),
        ),
        pairing(),
        steps=STEPS,
        rows=OnboardingState.steps,
        current=OnboardingState.step,
        on_go=OnboardingState.go,
        company=ShellState.company_name,
        person=person_menu(shell_data()),
    )


def _form(*fields: rx.Component, on_submit: Handler, back: str | None) -> rx.Component:
    return rx.el.form(
        *fields,
        wizard_buttons(
            submit_button(t("Save and go on"), busy=False, id="step-save"),
            on_skip=OnboardingState.skip,
            on_back=OnboardingState.go(back) if back else None,
        ),
        on_submit=on_submit,
        id="step-form",  # with an id Reflex leaves the fields of our own controls (photos) to the browser
        no_validate=True,
        class_name="form",
    )


def _company() -> rx.Component:
    return _form(
        company_fields(CompanyState.company, CompanyState.errors, csrf=SessionState.csrf_token),
        on_submit=OnboardingState.save_company,
        back=None,
    )


def _policies() -> rx.Component:
    return _form(
        policy_fields(CompanyState.policies, CompanyState.errors),
        on_submit=OnboardingState.save_policies,
        back="company",
    )


def _ai() -> rx.Component:
    fields = ai_fields(
        CompanyState.ai,
        CompanyState.errors,
        source=CompanyState.source,
        testing=CompanyState.testing,
        tested=CompanyState.tested,
        passed=CompanyState.test_passed,
        on_source=CompanyState.choose_source,
        on_test=CompanyState.test_key,
    )
    return rx.cond(
        SessionState.permissions.contains("company.secrets"),
        _form(fields, on_submit=OnboardingState.save_ai, back="policies"),
        rx.fragment(
            no_permission(),
            wizard_buttons(
                button(t("Skip for now"), on_click=OnboardingState.go("product")),
                on_back=OnboardingState.go("policies"),
            ),
        ),
    )


def _product() -> rx.Component:
    errors = OnboardingState.product_errors
    return _form(
        text_field(
            t("What is it?"),
            id="title",
            error=errors["title"],
            placeholder=t("Red sneakers"),
            max_length=200,
        ),
        text_field(
            t("Price in {currency}", currency=OnboardingState.currency),
            id="price",
            error=errors["price"],
            placeholder="45.990",
            input_mode="decimal",
            max_length=40,
        ),
        photo_field(t("Photo"), id="image", csrf=SessionState.csrf_token, photo_id="", photo_url=""),
        on_submit=OnboardingState.save_product,
        back="ai",
    )


def _number() -> rx.Component:
    return rx.el.div(
        rx.el.ul(rx.foreach(ChannelsState.rows, _number_row), class_name="wizard-numbers"),
        rx.el.form(
            text_field(
                t("Name"),
                id="channel-name",
                name="channel_name",
                help=t("For your team: the shop, the branch, the department."),
                error=ChannelsState.name_error,
                max_length=80,
            ),
            kind_choice(),
            rx.el.div(
                button(t("Add and link"), kind="primary", type="submit", icon="qr-code", id="channel-save"),
                class_name="form-actions",
            ),
            on_submit=ChannelsState.add,
            no_validate=True,
            class_name="form",
        ),
        wizard_buttons(
            button(t("Finish"), icon="check", id="finish", on_click=OnboardingState.finish),
            on_back=OnboardingState.go("product"),
        ),
        class_name="form",
    )


def _number_row(row: rx.vars.ObjectVar[ChannelRow]) -> rx.Component:
    return rx.el.li(
        icon("smartphone"),
        rx.el.div(
            rx.el.p(row.name, class_name="row-name truncate"),
            status_line(row.status, row.sentence, custom_attrs={"data-status": row.status}),
        ),
        rx.cond(
            row.linked,
            link(t("See the number"), routes.CHANNELS),
            button(t("Link"), icon="qr-code", on_click=ChannelsState.connect_number(row.id)),
        ),
        class_name="wizard-number",
        custom_attrs={"data-testid": "channel-row"},
    )
