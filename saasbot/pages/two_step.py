"""Between the password and the session: the second step, or its set-up for those who must have one."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import button, link_button
from saasbot.components.countdown import Countdown
from saasbot.components.forms import form_error, submit_button
from saasbot.components.i18n import t
from saasbot.components.states import notice, skeleton
from saasbot.components.two_step import app_secret, code_field, recovery_codes
from saasbot.pages.registry import page
from saasbot.state.locale import LocaleState
from saasbot.state.two_step import PAUSE_SECONDS, TwoStepState

_HAS_CODES = TwoStepState.recovery_codes.length() > 0


@page(routes.TWO_STEP, title=t("Two-step sign-in"), on_load=[TwoStepState.begin], states=[TwoStepState])
def two_step() -> rx.Component:
    return auth_layout(
        t("Two-step sign-in"),
        rx.cond(
            TwoStepState.over,
            "",
            rx.cond(
                _HAS_CODES,
                t("It is on. Keep these recovery codes."),
                rx.cond(
                    TwoStepState.enrols,
                    t("Your role asks for it. It takes a minute, once."),
                    t("One more step, so that your password alone opens nothing."),
                ),
            ),
        ).to(str),
        rx.cond(
            TwoStepState.over,
            rx.fragment(
                form_error(t("This sign-in has expired. Sign in again.")),
                link_button(t("Sign in"), routes.LOGIN, kind="primary", id="two-step-again"),
            ),
            rx.cond(
                TwoStepState.waiting,
                rx.cond(
                    _HAS_CODES,
                    recovery_codes(TwoStepState.recovery_codes, done=t("I kept them"), on_done=TwoStepState.enter),
                    rx.cond(TwoStepState.enrols, _set_up(), _verify()),
                ),
                skeleton("form", 2),
            ),
        ),
        foot=rx.el.button(
            t("Sign in as somebody else"), type="button", class_name="link", on_click=TwoStepState.leave_it
        ),
        on_locale=LocaleState.choose,
    )


def _form(*content: rx.Component, label: rx.Var[str]) -> rx.Component:
    return rx.el.form(
        *content,
        submit_button(label, busy=TwoStepState.busy, wide=True),
        on_submit=TwoStepState.check,
        no_validate=True,
        method="post",
        class_name="form",
    )


def _set_up() -> rx.Component:
    return _form(app_secret(TwoStepState.app), code_field(TwoStepState.error), label=t("Turn it on"))


def _verify() -> rx.Component:
    return rx.fragment(
        _form(
            rx.cond(TwoStepState.notice != "", notice("mail-check", TwoStepState.notice)),
            code_field(
                TwoStepState.error,
                recovery=TwoStepState.recovery,
                help=rx.cond(
                    TwoStepState.recovery,
                    t("One of the ten codes that you kept when you turned this on."),
                    t("The six digits of your authenticator app, or of our mail."),
                ).to(str),
            ),
            label=t("Continue"),
        ),
        rx.el.div(
            rx.cond(
                TwoStepState.mail_seconds > 0,
                Countdown.create(
                    seconds=TwoStepState.mail_seconds,
                    total=PAUSE_SECONDS,
                    code=TwoStepState.mail_number.to_string(),
                    label=t("Another mail in"),
                    on_end=TwoStepState.mail_again,
                ),
                button(t("Mail me a code"), icon="mail", on_click=TwoStepState.mail_code, id="two-step-mail"),
            ),
            rx.cond(
                TwoStepState.recovery,
                button(
                    t("Use the six digits"),
                    kind="ghost",
                    on_click=TwoStepState.use_recovery_code(False),
                    id="two-step-digits",
                ),
                button(
                    t("Use a recovery code"),
                    kind="ghost",
                    on_click=TwoStepState.use_recovery_code(True),
                    id="two-step-recovery",
                ),
            ),
            class_name="button-row auth-others",
        ),
    )
