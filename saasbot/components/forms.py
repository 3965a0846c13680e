"""Form parts: label above, help below, the error in words beside the field."""

from typing import Any, Literal

import reflex as rx

from saasbot.components.buttons import Kind, button
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Flag, Text

InputType = Literal["text", "email", "password", "search", "tel", "url", "date", "time", "number"]


def field_name(id: str) -> str:
    """What a control of this id is sent as. An id with something of the state in it has none of its own: give it a `name`."""
    assert "<reflex.Var>" not in id, "a name for this control"
    return id.replace("-", "_")


def field(
    label: Text,
    control: rx.Component,
    *,
    id: str,
    help: Text | None = None,
    error: Text = "",
    optional: bool = False,
) -> rx.Component:
    """Any control with its label, help and error. `id` is the control's; the texts are tied to it by `described_by(id)`."""
    return rx.el.div(
        rx.el.label(
            label,
            rx.el.span(t("Optional"), class_name="field-optional") if optional else None,
            html_for=id,
            class_name="field-label",
        ),
        control,
        rx.el.p(help, id=f"{id}-help", class_name="field-help") if help is not None else None,
        field_error(id, error),
        class_name="field",
    )


def field_error(id: str, error: Text) -> rx.Component:
    """The error line of the control `id`, read out when it appears."""
    return rx.el.p(
        rx.cond(error != "", rx.fragment(icon("circle-alert", 14), error)),
        id=f"{id}-error",
        class_name="field-error",
        aria_live="polite",
    )


def described_by(id: str) -> dict[str, str]:
    """Attributes that tie a control to its help and error lines."""
    return {"aria-describedby": f"{id}-error {id}-help"}


def text_field(
    label: Text,
    *,
    id: str,
    error: Text = "",
    help: Text | None = None,
    optional: bool = False,
    type: InputType = "text",
    **props: Any,
) -> rx.Component:
    """A labelled one-line input. It is named like its id with underscores: under that key Reflex adds it to a form's data anyway."""
    return field(
        label,
        rx.el.input(
            id=id,
            name=props.pop("name", None) or field_name(id),
            type=type,
            class_name="input",
            aria_invalid=_invalid(error),
            custom_attrs=described_by(id),
            **props,
        ),
        id=id,
        help=help,
        error=error,
        optional=optional,
    )


def text_area(
    label: Text,
    *,
    id: str,
    error: Text = "",
    help: Text | None = None,
    optional: bool = False,
    rows: int = 4,
    **props: Any,
) -> rx.Component:
    """A labelled multi-line input."""
    return field(
        label,
        rx.el.textarea(
            id=id,
            name=props.pop("name", None) or field_name(id),
            rows=str(rows),
            class_name="input textarea",
            aria_invalid=_invalid(error),
            custom_attrs=described_by(id),
            **props,
        ),
        id=id,
        help=help,
        error=error,
        optional=optional,
    )


def select_field(
    label: Text,
    options: list[tuple[str, Text]],
    *,
    id: str,
    error: Text = "",
    help: Text | None = None,
    **props: Any,
) -> rx.Component:
    """A labelled native select: `options` are (value, text)."""
    return field(label, select(options, id=id, **props), id=id, help=help, error=error)


def select(options: list[tuple[str, Text]], *, id: str, **props: Any) -> rx.Component:
    """A native select, as quick by keyboard and on a phone as the system's own."""
    return rx.el.div(
        rx.el.select(
            *[rx.el.option(text, value=value) for value, text in options],
            id=id,
            name=props.pop("name", None) or field_name(id),
            class_name="input select",
            **props,
        ),
        icon("chevron-down", 14),
        class_name="select-wrap",
    )


def checkbox(label: Text | rx.Component, *, id: str, error: Text = "", **props: Any) -> rx.Component:
    """A native checkbox with its sentence. In a form's data it is present only when ticked."""
    return rx.el.div(
        rx.el.label(
            rx.el.input(
                id=id,
                name=props.pop("name", None) or field_name(id),
                type="checkbox",
                class_name="check",
                aria_invalid=_invalid(error),
                custom_attrs={"aria-describedby": f"{id}-error"},
                **props,
            ),
            rx.el.span(label),
            html_for=id,
            class_name="check-row",
        ),
        field_error(id, error),
        class_name="field",
    )


def switch(label: Text, *, id: str, checked: Flag, on_change: Any, help: Text | None = None) -> rx.Component:
    """A setting that takes effect at once: its sentence left, the switch right."""
    return rx.el.div(
        rx.el.div(
            rx.el.label(label, html_for=id, class_name="field-label"),
            rx.el.p(help, id=f"{id}-help", class_name="field-help") if help is not None else None,
        ),
        rx.switch(id=id, checked=checked, on_change=on_change, size="2", custom_attrs=described_by(id)),
        class_name="switch-row",
    )


def form_error(error: Text) -> rx.Component:
    """What went wrong with the form as a whole, above its first field."""
    return rx.el.div(
        rx.cond(error != "", rx.el.div(icon("circle-alert"), rx.el.span(error), class_name="callout callout-danger")),
        role="alert",
    )


def submit_button(
    label: Text, *, id: str = "submit", busy: Flag, wide: bool = False, kind: Kind = "primary"
) -> rx.Component:
    """The form's one primary button: off while sending, and until the page's load handlers have run (before that a click
    would submit natively, fields in the address, or be undone by a load handler that clears the form).
    """
    return button(
        label,
        kind=kind,
        type="submit",
        id=id,
        busy=busy,
        disabled=~rx.State.is_hydrated,
        class_name="btn-wide" if wide else "",
    )


def _invalid(error: Text) -> Any:
    return error != "" if isinstance(error, rx.Var) else bool(error)
