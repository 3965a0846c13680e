"""Today at a glance."""

import reflex as rx

from saasbot import routes
from saasbot.components.i18n import t
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import skeleton
from saasbot.pages.frame import frame
from saasbot.pages.registry import page


@page(routes.DASHBOARD, title=t("Home"))
def dashboard() -> rx.Component:
    return frame(
        page_header(t("Home"), t("Today at a glance")),
        page_body(skeleton("cards", 3)),
        active=routes.DASHBOARD,
    )
