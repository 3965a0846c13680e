"""The pill that says that the connection is lost, being repaired, and back."""

import reflex as rx
from reflex_base.vars import VarData

from saasbot.components.i18n import t
from saasbot.components.icons import icon

_MODULE = rx.asset("connection.js", shared=True).importable_path

# "ok", "offline", "reconnecting" or "back".
PHASE: rx.vars.StringVar = rx.Var(
    "connectionPhase",
    _var_data=VarData(
        imports={_MODULE: [rx.ImportVar("useConnectionPhase")]},
        hooks={"const connectionPhase = useConnectionPhase()": None},
    ),
).to(str)


def connection_pill() -> rx.Component:
    """Floats above every page; read out, and never in the way of a click."""
    return rx.el.div(
        rx.match(
            PHASE,
            ("offline", _pill("wifi-off", t("You are offline. What you see may be old."), "warn")),
            ("reconnecting", _pill("refresh-cw", t("Connection lost. Reconnecting…"), "warn")),
            ("back", _pill("check", t("Connected again"), "ok")),
            rx.fragment(),
        ),
        role="status",
        aria_live="polite",
        class_name="connection",
    )


def _pill(name: str, text: rx.Var[str], tone: str) -> rx.Component:
    return rx.el.span(icon(name, 14), text, class_name=f"connection-pill connection-{tone}")
