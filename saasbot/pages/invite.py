"""Accept an invitation to a company's team."""

import reflex as rx

from saasbot import routes
from saasbot.components.auth_layout import auth_layout
from saasbot.components.buttons import button, link, link_button
from saasbot.components.consent import accept_terms_label
from saasbot.components.forms import checkbox, form_error, submit_button, text_field
from saasbot.components.i18n import pick, t
from saasbot.components.states import notice
from saasbot.pages.registry import page
from saasbot.state.invite import InviteState
from saasbot.state.locale import LocaleState


@page(routes.INVITE, title=t("Join the team"), on_load=[InviteState.begin], states=[InviteState])
def invite() -> rx.Component:
    return auth_layout(
        rx.cond(InviteState.company != "", t("Join {company}", company=InviteState.company), t("Join the team")),
        pick(
            InviteState.step,
            ("", t("One moment…")),
            ("invalid", t("This link opens nothing.")),
            t("{name} invites {email}.", name=InviteState.invited_by, email=InviteState.email),
        ),
        rx.fragment(
            rx.match(
                InviteState.step,
                ("newcomer", _newcomer()),
                ("join", _join()),
                ("sign_in", _sign_in()),
                ("invalid", form_error(InviteState.failure)),
                rx.fragment(),
            )
        ),
        foot=rx.cond(InviteState.step == "invalid", link(t("Sign in"), routes.LOGIN), rx.fragment()),
        on_locale=LocaleState.choose,
    )


def _newcomer() -> rx.Component:
    return rx.el.form(
        form_error(InviteState.failure),
        text_field(t("Your name"), id="name", error=InviteState.errors["name"], auto_complete="name", auto_focus=True),
        text_field(
            t("Choose a password"),
            id="password",
            type="password",
            help=t("At least 10 characters. A sentence works well."),
            error=InviteState.errors["password"],
            auto_complete="new-password",
        ),
        checkbox(
            accept_terms_label(),
            id="accept_terms",
            error=InviteState.errors["accept_terms"],
        ),
        submit_button(t("Join"), busy=InviteState.busy, wide=True),
        on_submit=InviteState.accept,
        no_validate=True,
        method="post",
        class_name="form",
    )


def _join() -> rx.Component:
    return rx.el.div(
        form_error(InviteState.failure),
        button(t("Join"), kind="primary", id="submit", class_name="btn-wide", on_click=InviteState.join),
        class_name="form",
    )


def _sign_in() -> rx.Component:
    return rx.fragment(
        notice("log-in", t("This email has an account. Sign in with it, then open the link again.")),
        link_button(t("Sign in"), routes.LOGIN, kind="primary"),
    )
