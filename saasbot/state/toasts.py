"""One-line messages from a handler: `return toast.success(text)`. Texts come from `gettext(locale, …)`."""

from typing import Any

import reflex as rx
from reflex_components_sonner.toast import ToastAction, ToastProps, toast_ref

# Long enough to read a sentence and, with undo, to act on it (ui.md: 10 s).
_SHOWN_MS = 4000
_UNDO_MS = 10_000


class _Props(ToastProps):
    """Adds the mark that browser tests hold on to."""

    test_id: str


def success(text: str) -> rx.event.EventSpec:
    """It worked, and the screen does not already show it."""
    return _send(text, "success")


def info(text: str) -> rx.event.EventSpec:
    """Something the person should know."""
    return _send(text, "info")


def error(text: str) -> rx.event.EventSpec:
    """It did not work: what happened, in words. Inline errors are better where there is a field."""
    return _send(text, "error")


def undo(text: str, label: str, on_undo: Any) -> rx.event.EventSpec:
    """It is done, and for 10 s `label` ("Undo") takes it back."""
    return _send(text, None, duration=_UNDO_MS, action=ToastAction(label=label, on_click=on_undo))


def _send(text: str, level: str | None, **props: Any) -> rx.event.EventSpec:
    show = rx.vars.ObjectVar.__getattr__(toast_ref.to(dict), level) if level else toast_ref
    options = _Props(component_name="toast", test_id="toast", **{"duration": _SHOWN_MS, **props})  # pyright: ignore[reportCallIssue]  # PropsBase takes it
    return rx.run_script(show.to(rx.vars.FunctionVar).call(text, rx.Var.create(options)))
