"""The security section of the settings: the second step, and where a person is signed in. `view` is the SecurityState's data."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.chips import chip
from saasbot.components.forms import submit_button, text_field
from saasbot.components.i18n import pick, t, tn
from saasbot.components.icons import icon
from saasbot.components.states import notice
from saasbot.components.two_step import app_secret, code_field, recovery_codes
from saasbot.components.types import Flag, Handler, Text


def two_step_setting(
    *,
    enrolled: Flag,
    mandatory: rx.Var[bool],
    codes_left: rx.vars.NumberVar[int],
    app: rx.vars.ObjectVar[Any],
    codes: rx.vars.ArrayVar[Sequence[str]],
    asking: rx.Var[str],
    code_error: Text,
    password_error: Text,
    own_code_error: Text,
    on_begin: Handler,
    on_confirm: Handler,
    on_ask: Handler,
    on_prove: Handler,
    on_codes_kept: Handler,
) -> rx.Component:
    """One thing at a time: new recovery codes, an app being set up, the proofs, or how it stands. `on_ask` takes `on`, `app`, `off`,
    `codes` or nothing; `on_begin` follows on the first, `on_prove` on the others.
    """
    return rx.cond(
        codes.length() > 0,
        recovery_codes(codes, done=t("I kept them"), on_done=on_codes_kept),
        rx.cond(
            app.qr != "",
            _set_up(app, enrolled, code_error, on_confirm, on_ask),
            rx.match(
                asking,
                ("", rx.cond(enrolled, _on(mandatory, codes_left, on_ask), _off(on_ask))),
                ("on", _password(password_error, on_begin, on_ask)),
                _proof(asking, password_error, own_code_error, on_prove, on_ask),
            ),
        ),
    )


def _off(on_ask: Handler) -> rx.Component:
    return rx.el.div(
        _what(
            t("Two-step sign-in"),
            t("A code of your phone after the password: who learns your password still does not get in."),
        ),
        button(t("Turn on"), on_click=on_ask("on"), id="two-step-on"),
        class_name="setting-row",
    )


def _on(mandatory: rx.Var[bool], codes_left: rx.vars.NumberVar[int], on_ask: Handler) -> rx.Component:
    return rx.fragment(
        rx.el.div(
            _what(
                rx.el.span(t("Two-step sign-in"), chip(t("On"), "human"), class_name="with-chip"),
                tn("{n} recovery code left.", "{n} recovery codes left.", codes_left),
            ),
            rx.el.div(
                button(t("New recovery codes"), on_click=on_ask("codes"), id="two-step-codes"),
                button(t("Another app"), on_click=on_ask("app"), id="two-step-app"),
                rx.cond(~mandatory, button(t("Turn off"), on_click=on_ask("off"), id="two-step-off")),
                class_name="button-row",
            ),
            class_name="setting-row",
        ),
        rx.cond(mandatory, notice("shield-check", t("Your role needs two-step sign-in: it cannot be turned off."))),
        rx.cond(codes_left < 3, notice("triangle-alert", t("Few recovery codes are left: make new ones."))),
    )


def _set_up(
    app: rx.vars.ObjectVar[Any], replaces: Flag, error: Text, on_confirm: Handler, on_ask: Handler
) -> rx.Component:
    return rx.el.form(
        rx.cond(
            replaces,
            notice(
                "smartphone",
                t(
                    "Your app of now works until you write the first code of the new one. Then it and all other sessions end."
                ),
            ),
        ),
        app_secret(app),
        code_field(error),
        rx.el.div(
            submit_button(
                rx.cond(replaces, t("Use this app"), t("Turn on")).to(str), busy=False, id="two-step-confirm"
            ),
            button(t("Cancel"), on_click=on_ask(""), id="two-step-cancel"),
            class_name="button-row",
        ),
        on_submit=on_confirm,
        no_validate=True,
        class_name="form",
    )


def _password(error: Text, on_begin: Handler, on_ask: Handler) -> rx.Component:
    return rx.el.form(
        _own_password(error, t("To turn on two-step sign-in.")),
        _acts(button(t("Continue"), kind="primary", type="submit", id="two-step-prove-on"), on_ask),
        on_submit=on_begin,
        no_validate=True,
        class_name="form",
    )


def _proof(
    asking: rx.Var[str], password_error: Text, code_error: Text, on_prove: Handler, on_ask: Handler
) -> rx.Component:
    return rx.el.form(
        _own_password(
            password_error,
            pick(
                asking,
                ("off", t("To turn off two-step sign-in. Your recovery codes are gone then.")),
                ("app", t("To use another authenticator app, on a new phone for example.")),
                t("To make new recovery codes. Those from before no longer work then."),
            ),
        ),
        text_field(
            t("Code"),
            id="own_code",
            error=code_error,
            help=t("Six digits of your authenticator app, or a recovery code."),
            auto_complete="one-time-code",
            spell_check=False,
            max_length=64,
        ),
        _acts(
            rx.match(
                asking,
                ("off", button(t("Turn off"), kind="danger", type="submit", id="two-step-prove-off")),
                ("app", button(t("Continue"), kind="primary", type="submit", id="two-step-prove-app")),
                button(t("Make new codes"), kind="primary", type="submit", id="two-step-prove-codes"),
            ),
            on_ask,
        ),
        on_submit=on_prove,
        no_validate=True,
        class_name="form",
    )


def _own_password(error: Text, help: Text) -> rx.Component:
    return text_field(
        t("Your password"),
        id="own_password",
        type="password",
        error=error,
        help=help,
        auto_complete="current-password",
    )


def _acts(submit: rx.Component | rx.Var, on_ask: Handler) -> rx.Component:
    return rx.el.div(submit, button(t("Cancel"), on_click=on_ask(""), id="two-step-cancel"), class_name="button-row")


def session_list(sessions: rx.vars.ArrayVar[Sequence[Any]], *, on_end: Handler, on_end_others: Handler) -> rx.Component:
    """`sessions` are SessionRows, this one first; `on_end` takes an id."""
    return rx.el.div(
        rx.el.h3(t("Where you are signed in"), class_name="field-label"),
        rx.el.ul(rx.foreach(sessions, lambda row: _session(row, on_end)), class_name="session-list"),
        rx.cond(
            sessions.length() > 1,
            button(t("Sign out everywhere else"), on_click=on_end_others, id="end-others"),
        ),
        class_name="sessions",
    )


def _session(row: rx.vars.ObjectVar[Any], on_end: Handler) -> rx.Component:
    return rx.el.li(
        rx.cond(row.is_program, icon("terminal"), icon("monitor-smartphone")),
        rx.el.div(
            rx.el.span(
                rx.el.span(row.device, class_name="truncate"),
                rx.cond(row.current, chip(t("This one"), "human")),
                class_name="with-chip",
            ),
            rx.el.p(row.where, class_name="field-help"),
        ),
        rx.cond(~row.current, button(t("Sign out"), on_click=on_end(row.id))),
        class_name="session-row",
        custom_attrs={"data-testid": "session-row", "data-current": row.current.to_string()},
    )


def _what(title: Text | rx.Component, help: Text) -> rx.Component:
    return rx.el.div(rx.el.div(title, class_name="field-label"), rx.el.p(help, class_name="field-help"))
