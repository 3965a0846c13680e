"""Ask for a reset link."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import link
from saasbot.components.forms import form_error, submit_button, text_field
from saasbot.components.i18n import t
from saasbot.components.states import notice
from saasbot.pages.registry import page
from saasbot.state.auth import AuthState
from saasbot.state.locale import LocaleState


@page(routes.FORGOT_PASSWORD, title=t("Forgot your password?"), on_load=[AuthState.begin], states=[AuthState])
def forgot_password() -> rx.Component:
    return auth_layout(
        t("Forgot your password?"),
        t("Tell us your email and we send you a link to choose a new one."),
        rx.cond(
            AuthState.mailed,
            notice(
                "mail-check",
                t("If there is an account with that email, the link is on its way. It works for 30 minutes."),
            ),
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
                submit_button(t("Send the link"), busy=AuthState.busy, wide=True),
                on_submit=AuthState.forgot_password,
                no_validate=True,
                method="post",
                class_name="form",
            ),
        ),
        foot=link(t("Back to sign in"), routes.LOGIN),
        on_locale=LocaleState.choose,
    )
