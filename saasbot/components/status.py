"""The state of a number as a coloured dot, a name and the slot for its sentence."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import pick, t
from saasbot.components.types import Text

# Contract's channel statuses by tone: what works, what is on its way, what needs an act, what is off.
GOOD = ("open",)
BUSY = ("starting", "pending_qr", "passkey_required", "reconnecting")
BAD = ("deaf", "logged_out", "banned", "failed")


def tone(status: rx.Var[str]) -> rx.Var[str]:
    """ "ok", "warn", "bad" or "off" for a channel status."""
    return pick(
        status,
        *[(name, "ok") for name in GOOD],
        *[(name, "warn") for name in BUSY],
        *[(name, "bad") for name in BAD],
        "off",
    )


def dot(tone: Text, **props: Any) -> rx.Component:
    """An 8 px dot: "ok", "warn", "bad" or "off". Colour is never the only sign: put words beside it."""
    return rx.el.span(class_name=f"dot dot-{tone}", aria_hidden="true", **props)


def status_name(status: rx.Var[str]) -> rx.Var[str]:
    """A channel status in words."""
    return pick(
        status,
        ("open", t("Connected")),
        ("starting", t("Starting")),
        ("pending_qr", t("Waiting for the phone")),
        ("passkey_required", t("The phone asks for a passkey")),
        ("reconnecting", t("Reconnecting")),
        ("deaf", t("Connected, but nothing arrives")),
        ("logged_out", t("Logged out")),
        ("banned", t("Banned by WhatsApp")),
        ("failed", t("Failed")),
        t("Switched off"),
    )


def status_line(status: rx.Var[str], sentence: Text = "", **props: Any) -> rx.Component:
    """Dot, name of the state, and the sentence that explains it. Put contract's id or data-status on it through props."""
    return rx.el.p(
        dot(tone(status)),
        rx.el.span(status_name(status), class_name="status-name"),
        rx.cond(sentence != "", rx.el.span(sentence, class_name="status-why")),
        class_name=f"status status-{tone(status)}",
        **props,
    )
