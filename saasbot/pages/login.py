"""Sign in."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import link
from saasbot.components.forms import form_error, submit_button, text_field
from saasbot.components.i18n import t
from saasbot.pages.registry import page
from saasbot.state.auth import AuthState
from saasbot.state.locale import LocaleState


@page(routes.LOGIN, title=t("Sign in"), on_load=[AuthState.leave_when_signed_in, AuthState.begin], states=[AuthState])
def login() -> rx.Component:
    return auth_layout(
        t("Sign in"),
        t("Good to see you again."),
        rx.el.form(
            form_error(AuthState.failure),
            text_field(
                t("Email"),
                id="email",
                type="email",
                error=AuthState.errors["email"],
                auto_complete="email",
                auto_focus=True,
            ),
            text_field(
                t("Password"),
                id="password",
                type="password",
                error=AuthState.errors["password"],
                auto_complete="current-password",
            ),
            link(t("Forgot your password?"), routes.FORGOT_PASSWORD, class_name="link auth-aside"),
            submit_button(t("Sign in"), busy=AuthState.busy, wide=True),
            on_submit=AuthState.sign_in,
            no_validate=True,
            method="post",
            class_name="form",
        ),
        foot=rx.fragment(t("New here?"), " ", link(t("Create your company"), routes.REGISTER)),
        on_locale=LocaleState.choose,
    )
