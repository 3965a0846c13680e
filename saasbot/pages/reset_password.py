"""Choose a new password with the token of a mailed link."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import link, link_button
from saasbot.components.forms import form_error, submit_button, text_field
from saasbot.components.i18n import t
from saasbot.components.states import notice
from saasbot.pages.registry import page
from saasbot.state.auth import AuthState
from saasbot.state.locale import LocaleState


@page(routes.RESET_PASSWORD, title=t("New password"), on_load=[AuthState.begin], states=[AuthState])
def reset_password() -> rx.Component:
    return auth_layout(
        t("New password"),
        t("Afterwards every other device is signed out."),
        rx.cond(
            AuthState.changed,
            rx.fragment(
                notice("circle-check", t("Your password is changed.")),
                link_button(t("Sign in"), routes.LOGIN, kind="primary"),
            ),
            rx.el.form(
                form_error(AuthState.failure),
                text_field(
                    t("New password"),
                    id="password",
                    type="password",
                    help=t("At least 10 characters. A sentence works well."),
                    error=AuthState.errors["password"],
                    auto_complete="new-password",
                    auto_focus=True,
                ),
                submit_button(t("Change password"), busy=AuthState.busy, wide=True),
                on_submit=AuthState.reset_password,
                no_validate=True,
                method="post",
                class_name="form",
            ),
        ),
        foot=link(t("Ask for a new link"), routes.FORGOT_PASSWORD),
        on_locale=LocaleState.choose,
    )
