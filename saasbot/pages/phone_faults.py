"""What can go wrong on the simulated network, beside the phone."""

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.forms import switch
from saasbot.components.i18n import t
from saasbot.components.phone import fault_row
from saasbot.state.phone import PhoneState


def faults() -> rx.Component:
    def row(kind: str, symbol: str, title: rx.Var[str], text: rx.Var[str], *, lasting: bool = False) -> rx.Component:
        return fault_row(
            kind,
            symbol,
            title,
            text,
            active=PhoneState.faults.contains(kind),
            lasting=lasting,
            on_switch=PhoneState.switch_fault,
        )

    return rx.fragment(
        rx.el.div(
            rx.el.h2(t("What can go wrong"), class_name="phone-title"),
            rx.cond(
                PhoneState.faults.length() > 0,
                button(t("All well again"), kind="ghost", id="faults-clear", on_click=PhoneState.clear_faults),
            ),
            class_name="phone-title-row",
        ),
        switch(
            t("Customers confirm by themselves"),
            id="auto-receipts",
            checked=PhoneState.auto_receipts,
            on_change=PhoneState.set_auto_receipts,
            help=t("Two ticks, then blue, a moment after each answer."),
        ),
        _group(
            t("Connection"),
            row(
                "disconnect",
                "wifi-off",
                t("The connection drops"),
                t("20 seconds. Messages wait and arrive after."),
                lasting=True,
            ),
            row("deaf", "ear-off", t("Connected, but deaf"), t("20 seconds in which nothing arrives."), lasting=True),
            row("delay", "hourglass", t("A slow network"), t("Everything arrives 3 seconds late."), lasting=True),
        ),
        _group(
            t("Messages on their way"),
            row(
                "duplicate",
                "copy",
                t("Arrives twice"),
                t("The next three messages come twice. Each must be shown once."),
                lasting=True,
            ),
            row("shuffle", "shuffle", t("Out of order"), t("Messages come five at a time, shuffled."), lasting=True),
            row(
                "send_error",
                "message-circle-x",
                t("An answer is refused"),
                t("WhatsApp does not accept the shop's next message."),
                lasting=True,
            ),
            row(
                "reachout_timelocked",
                "user-x",
                t("No writing first"),
                t("For two minutes the shop may write only to customers who wrote to it."),
                lasting=True,
            ),
            row(
                "drop_ack",
                "circle-help",
                t("Sent, or not?"),
                t("The next message goes out, and nobody confirms it."),
                lasting=True,
            ),
        ),
        _group(
            t("Session"),
            row(
                "logout",
                "log-out",
                t("Unlinked on the phone"),
                t("The owner removes the device. It must be linked again."),
            ),
            row("stream_replaced", "replace", t("Opened somewhere else"), t("Another program takes the session.")),
            row("ban", "ban", t("Blocked by WhatsApp"), t("For 30 seconds."), lasting=True),
            row("client_outdated", "circle-arrow-up", t("Program too old"), t("WhatsApp asks for a newer version.")),
            row(
                "passkey",
                "key-round",
                t("Asks for a passkey"),
                t("As some accounts are asked when they link a device."),
            ),
        ),
    )


def _group(title: rx.Var[str], *rows: rx.Component) -> rx.Component:
    return rx.el.section(rx.el.h3(title, class_name="phone-subtitle"), rx.el.ul(*rows), class_name="phone-group")
