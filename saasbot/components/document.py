"""What belongs to the document itself: head, error boundary, what floats above every page."""

import reflex as rx
from reflex_base.vars import VarData
from reflex_components_core.base.error_boundary import ErrorBoundary

from saasbot.components.buttons import button
from saasbot.components.connection import connection_pill
from saasbot.components.i18n import locale_ready, locale_script, t
from saasbot.components.states import empty_state

# Fetched with the page instead of after its styles, so that the text does not change its shape while one reads.
_FONT = rx.Var(
    "interLatin",
    _var_data=VarData(
        imports={
            "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2?url": [
                rx.ImportVar("interLatin", is_default=True, install=False)
            ]
        }
    ),
)


def head() -> list[rx.Component]:
    """In every page's <head>, before the styles."""
    return [
        locale_script(),
        rx.el.link(rel="preload", href=_FONT, type="font/woff2", cross_origin="anonymous", custom_attrs={"as": "font"}),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.meta(name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
    ]


def overlay() -> rx.Component:
    """Above every page."""
    return rx.fragment(locale_ready(), connection_pill())


def error_boundary() -> rx.Component:
    """A page that broke while drawing says so, and a reload helps more often than not. The server logs the error."""
    return ErrorBoundary.create(
        fallback_render=rx.Var.create(
            rx.el.main(
                empty_state(
                    "circle-alert",
                    t("This page broke"),
                    t("It is our fault, and we have been told. Nothing you sent was lost."),
                    button(t("Reload"), kind="primary", on_click=rx.call_script("window.location.reload()")),
                    level=1,
                ),
                class_name="full",
            )
        )
    )
