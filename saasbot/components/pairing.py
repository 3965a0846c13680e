"""The pairing dialog: steps for the phone at the left, the code at the right, on white whatever the theme."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import button, new_tab
from saasbot.components.countdown import Countdown
from saasbot.components.dialogs import AS_H2, return_focus
from saasbot.components.forms import text_field
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Text

_LAST_CODE = 6
"""Nothing follows it: the attempt ends."""


def pairing_dialog(
    view: rx.vars.ObjectVar[Any],
    *,
    name: rx.Var[str],
    open: rx.Var[bool],
    with_code: rx.Var[bool],
    phone_error: rx.Var[str],
    on_open_change: Any,
    on_qr: Any,
    on_other: Any,
    on_code_tab: Any,
    on_phone: Any,
    on_history: Any,
) -> rx.Component:
    """`view` is a PairingView. Escape, the cross and a click outside abandon the attempt."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.el.header(
                rx.dialog.title(t("Link {name}", name=name), class_name="dialog-title", custom_attrs=AS_H2),
                _tabs(with_code, on_qr, on_code_tab),
                rx.dialog.close(rx.el.button(icon("x"), type="button", class_name="icon-btn", aria_label=t("Close"))),
                class_name="dialog-header",
            ),
            rx.el.div(
                rx.el.div(
                    rx.cond(view.simulated, _simulated_phone()),
                    rx.cond(with_code, _code_steps(phone_error, on_phone), _qr_steps()),
                    _history_choice(view, on_history),
                ),
                rx.el.div(
                    rx.cond(with_code, _typed_code(view, on_other), _qr(view, on_qr, on_other)),
                    class_name="pairing-code",
                ),
                class_name="pairing",
            ),
            class_name="dialog pairing-dialog",
            aria_describedby=rx.Var("undefined"),
            on_close_auto_focus=return_focus(),
        ),
        open=open,
        on_open_change=on_open_change,
    )


def _tabs(with_code: rx.Var[bool], on_qr: Any, on_code: Any) -> rx.Component:
    def tab(label: Text, current: rx.Var[bool], on_click: Any, id: str) -> rx.Component:
        return rx.el.button(
            label,
            type="button",
            role="tab",
            id=id,
            aria_selected=current,
            class_name=rx.cond(current, "seg-item seg-on", "seg-item"),
            on_click=on_click,
        )

    return rx.el.div(
        tab(t("QR code"), ~with_code, on_qr, "pair-tab-qr"),
        tab(t("With a code"), with_code, on_code, "pair-tab-code"),
        role="tablist",
        class_name="seg",
        aria_label=t("How to link"),
    )


def _history_choice(view: rx.vars.ObjectVar[Any], on_history: Any) -> rx.Component:
    """How much of the past comes along: `on_history` is called with the days."""

    def choice(days: int, label: Text) -> rx.Component:
        current = view.history_days == days
        return rx.el.button(
            label,
            type="button",
            role="radio",
            id=f"history-{days}",
            aria_checked=current,
            class_name=rx.cond(current, "seg-item seg-on", "seg-item"),
            on_click=on_history(days),
        )

    return rx.el.div(
        rx.el.p(t("Earlier chats"), id="history-label", class_name="field-label"),
        rx.el.div(
            choice(0, t("None")),
            choice(7, t("{n} days", n=7)),
            choice(30, t("{n} days", n=30)),
            choice(90, t("{n} days", n=90)),
            role="radiogroup",
            class_name="seg",
            aria_labelledby="history-label",
            aria_describedby="history-help",
        ),
        rx.el.p(
            rx.cond(
                view.history_days == 0,
                t("The inbox begins with what is written from now on."),
                t("They come in as read. The bot answers none of them, and nobody is alerted."),
            ),
            id="history-help",
            class_name="field-help",
        ),
        class_name="pairing-history",
    )


def _step(number: int, title: Text, more: Text | None = None, drawing: str = "smartphone") -> rx.Component:
    return rx.el.li(
        rx.el.b(str(number), aria_hidden="true"),
        rx.el.div(
            rx.el.span(title, class_name="step-title"),
            rx.el.span(more, class_name="step-more") if more is not None else None,
        ),
        rx.el.span(icon(drawing, 20), class_name="step-drawing"),
    )


def _simulated_phone() -> rx.Component:
    """In a tab of its own: the code is on screen only while this dialog is."""
    return rx.el.p(
        t("This number is on the simulator. Its phone is on screen too:"),
        " ",
        new_tab(t("Open the simulated phone"), routes.PHONE),
        class_name="pairing-hint",
    )


def _qr_steps() -> rx.Component:
    return rx.el.div(
        rx.el.p(t("On the shop's phone, with WhatsApp open:"), class_name="pairing-lead"),
        rx.el.ol(
            _step(
                1,
                t("Open Settings › Linked devices"),
                t("On Android, the three-dot menu at the top right."),
                "ellipsis-vertical",
            ),
            _step(2, t("Tap “Link a device”"), None, "link"),
            _step(
                3,
                t("Point the camera at this code"),
                t("It may ask for your fingerprint or PIN. If it asks for a passkey, we tell you what to do."),
                "scan-line",
            ),
            class_name="steps",
        ),
        class_name="pairing-steps",
    )


def _code_steps(error: rx.Var[str], on_phone: Any) -> rx.Component:
    return rx.el.div(
        rx.el.form(
            text_field(
                t("Phone number of the shop"),
                id="pair-phone",
                name="pair_phone",
                type="tel",
                help=t("With country code, for example +54 9 11 1234 5678."),
                error=error,
                auto_complete="tel",
                required=True,
            ),
            button(t("Get the code"), kind="primary", type="submit", id="pair-phone-submit"),
            on_submit=on_phone,
            class_name="pairing-form",
        ),
        rx.el.ol(
            _step(1, t("Open Settings › Linked devices"), None, "ellipsis-vertical"),
            _step(2, t("Tap “Link a device”, then “Link with phone number instead”"), None, "link"),
            _step(3, t("Type the code"), None, "keyboard"),
            class_name="steps",
        ),
        class_name="pairing-steps",
    )


def _over(view: rx.vars.ObjectVar[Any]) -> rx.Var[bool]:
    return (view.status == "closed") | (view.status == "failed") | (view.status == "passkey_required")


def _other_phone(view: rx.vars.ObjectVar[Any], on_other: Any) -> rx.Component:
    """The way of an owner who really changed the phone: it must be said, a scan by mistake never does it."""
    return rx.cond(
        view.other_phone, button(t("Use this other number"), kind="secondary", on_click=on_other, id="pair-other")
    )


def _qr(view: rx.vars.ObjectVar[Any], on_again: Any, on_other: Any) -> rx.Component:
    over = _over(view)
    return rx.el.div(
        rx.el.div(
            rx.cond(
                view.qr != "",
                rx.el.img(
                    src=view.qr,
                    id="channel-qr",
                    alt=t("QR code to scan with WhatsApp"),
                    custom_attrs={"data-code": view.code},
                ),
                rx.cond(over, icon("qr-code", 48), rx.el.span(class_name="spinner", aria_hidden="true")),
            ),
            class_name="qr-white",
        ),
        rx.cond(
            view.qr != "",
            rx.fragment(
                Countdown.create(
                    seconds=view.seconds,
                    total=view.total,
                    code=view.code,
                    label=rx.cond(view.number.to(int) < _LAST_CODE, t("Renews in"), t("Ends in")).to(str),
                ),
                rx.el.span(t("Code {n} of 6", n=view.number), class_name="faint"),
            ),
            rx.fragment(
                rx.el.p(view.sentence, class_name="pairing-sentence", aria_live="polite"),
                rx.cond(over, button(t("Generate again"), kind="primary", on_click=on_again, id="pair-again")),
                _other_phone(view, on_other),
            ),
        ),
        class_name="qr-side",
    )


def _typed_code(view: rx.vars.ObjectVar[Any], on_other: Any) -> rx.Component:
    return rx.el.div(
        rx.cond(
            view.by_phone & (view.code != ""),
            rx.fragment(
                rx.el.output(view.code, class_name="typed-code", id="channel-pair-code"),
                Countdown.create(seconds=view.seconds, total=160, code=view.code, label=t("Valid for")),
            ),
            rx.cond(
                view.by_phone,
                rx.fragment(
                    rx.el.span(class_name="spinner", aria_hidden="true"),
                    rx.el.p(view.sentence, class_name="pairing-sentence", aria_live="polite"),
                ),
                rx.cond(
                    _over(view),
                    rx.fragment(
                        rx.el.p(view.sentence, class_name="pairing-sentence", aria_live="polite"),
                        _other_phone(view, on_other),
                    ),
                    rx.el.p(t("The code appears here."), class_name="faint"),
                ),
            ),
        ),
        class_name="qr-side",
    )
