"""An address that leads nowhere."""

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import link_button
from saasbot.components.i18n import t
from saasbot.components.states import empty_state
from saasbot.pages.registry import page


@page(routes.NOT_FOUND, title=t("Not found"))
def not_found() -> rx.Component:
    return rx.el.main(
        empty_state(
            "compass",
            t("There is nothing at this address"),
            t("It may have moved, or the link is old."),
            link_button(t("Go home"), routes.DASHBOARD, kind="primary"),
            level=1,
        ),
        class_name="full",
    )
