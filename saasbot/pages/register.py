"""Create a company and its owner."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import link
from saasbot.components.consent import accept_terms_label
from saasbot.components.forms import checkbox, form_error, submit_button, text_field
from saasbot.components.i18n import t
from saasbot.pages.registry import page
from saasbot.state.auth import AuthState
from saasbot.state.locale import LocaleState


@page(
    routes.REGISTER,
    title=t("Create your company"),
    on_load=[AuthState.leave_when_signed_in, AuthState.begin],
    states=[AuthState],
)
def register() -> rx.Component:
    return auth_layout(
        t("Create your company"),
        t("Ten minutes from here to your first answered customer."),
        rx.el.form(
            form_error(AuthState.failure),
            text_field(
                t("Company name"),
                id="company_name",
                error=AuthState.errors["company_name"],
                auto_complete="organization",
                auto_focus=True,
            ),
            text_field(t("Your name"), id="name", error=AuthState.errors["name"], auto_complete="name"),
            text_field(t("Email"), id="email", type="email", error=AuthState.errors["email"], auto_complete="email"),
            text_field(
                t("Password"),
                id="password",
                type="password",
                help=t("At least 10 characters. A sentence works well."),
                error=AuthState.errors["password"],
                auto_complete="new-password",
            ),
            checkbox(
                accept_terms_label(),
                id="accept_terms",
                error=AuthState.errors["accept_terms"],
            ),
            submit_button(t("Create company"), busy=AuthState.busy, wide=True),
            on_submit=AuthState.register,
            no_validate=True,
            method="post",
            class_name="form",
        ),
        foot=rx.fragment(t("Already have an account?"), " ", link(t("Sign in"), routes.LOGIN)),
        on_locale=LocaleState.choose,
    )
