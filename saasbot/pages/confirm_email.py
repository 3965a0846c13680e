"""Confirm the email of an account with the token of a mailed link."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import link, link_button
from saasbot.components.forms import form_error, submit_button, text_field
from saasbot.components.i18n import pick, t
from saasbot.components.states import notice
from saasbot.pages.registry import page
from saasbot.state.confirming import ConfirmState
from saasbot.state.locale import LocaleState


@page(routes.CONFIRM_EMAIL, title=t("Confirm your email"), on_load=[ConfirmState.begin], states=[ConfirmState])
def confirm_email() -> rx.Component:
    return auth_layout(
        t("Confirm your email"),
        pick(
            ConfirmState.step,
            ("password", t("Type your password, so that we know that the account is yours.")),
            ("done", t("From now on you can invite your team, and we write to you when a number needs you.")),
            ("invalid", t("This link opens nothing.")),
            t("One moment…"),
        ),
        rx.fragment(
            rx.match(
                ConfirmState.step,
                ("password", _password()),
                ("done", _done()),
                ("invalid", form_error(ConfirmState.failure)),
                rx.fragment(),
            )
        ),
        foot=rx.cond(ConfirmState.step == "invalid", link(t("Sign in"), routes.LOGIN), rx.fragment()),
        on_locale=LocaleState.choose,
    )


def _password() -> rx.Component:
    return rx.el.form(
        form_error(ConfirmState.failure),
        text_field(t("Password"), id="password", type="password", auto_complete="current-password", auto_focus=True),
        submit_button(t("Confirm"), busy=ConfirmState.busy, wide=True),
        on_submit=ConfirmState.confirm,
        no_validate=True,
        method="post",
        class_name="form",
    )


def _done() -> rx.Component:
    return rx.fragment(
        notice("circle-check", t("Your email is confirmed.")),
        rx.cond(
            ConfirmState.in_session,
            link_button(t("Go on"), routes.DASHBOARD, kind="primary"),
            link_button(t("Sign in"), routes.LOGIN, kind="primary"),
        ),
    )
