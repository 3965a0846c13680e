"""Parts of the second step, for the page of the sign-in and for the settings: the field, the app's secret, recovery codes."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.forms import text_field
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Flag, Handler, Text

_FILE_NAME = "saasbot-recovery-codes.txt"
_FILE = "data:text/plain;charset=utf-8,"  # the codes hold nothing that an address must not


def code_field(error: Text, *, recovery: Flag = False, help: Text | None = None) -> rx.Component:
    """Takes six digits, which phones offer from the mail, or a recovery code. What people paste around it does not matter."""
    return text_field(
        rx.cond(recovery, t("Recovery code"), t("Code")).to(str),
        id="code",
        error=error,
        help=help,
        auto_complete="one-time-code",
        auto_focus=True,
        input_mode=rx.cond(recovery, "text", "numeric"),
        spell_check=False,
        max_length=64,
    )


def app_secret(app: rx.vars.ObjectVar[Any]) -> rx.Component:
    """How an authenticator app learns its secret: a picture to scan, or the same to type. `app` is an AppSecret."""
    return rx.el.div(
        rx.el.div(
            rx.el.img(src=app.qr, id="two-step-qr", alt=t("QR code for your authenticator app")), class_name="qr-white"
        ),
        rx.el.ol(
            rx.el.li(t("Open your authenticator app, or install one: Google Authenticator, Aegis, 1Password.")),
            rx.el.li(
                t("Scan this code, or type it:"),
                rx.el.code(app.text, id="two-step-secret", class_name="secret-text"),
            ),
            rx.el.li(t("Write here the six digits that it shows.")),
            class_name="plain-steps",
        ),
        class_name="app-secret",
    )


def recovery_codes(codes: rx.vars.ArrayVar[Sequence[str]], *, done: Text, on_done: Handler) -> rx.Component:
    """Shown once: to copy, to download, or to write down."""
    return rx.el.div(
        rx.el.p(
            t("Each of these codes opens your account once if you lose your phone. We do not show them again."),
            class_name="panel-what",
        ),
        rx.el.ul(
            rx.foreach(codes, lambda code: rx.el.li(code)),
            id="recovery-codes",
            class_name="recovery-codes",
        ),
        rx.el.div(
            button(t("Copy"), icon="copy", on_click=rx.set_clipboard(codes.join("\n")), id="recovery-copy"),
            rx.el.a(
                icon("download"),
                rx.el.span(t("Download")),
                href=_FILE + codes.join("%0A"),
                download=_FILE_NAME,
                id="recovery-download",
                class_name="btn btn-secondary",
            ),
            button(done, kind="primary", on_click=on_done, id="recovery-done"),
            class_name="button-row",
        ),
        class_name="recovery",
    )
