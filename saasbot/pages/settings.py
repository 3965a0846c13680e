"""What the company and the person can set."""

import reflex as rx

from saasbot import routes
from saasbot.components.i18n import t
from saasbot.components.shell import page_body, page_header
from saasbot.components.user_menu import appearance_choice, locale_select
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.locale import LocaleState


@page(routes.SETTINGS, title=t("Settings"))
def settings() -> rx.Component:
    return frame(
        page_header(t("Settings"), t("Your company, your account, this browser")),
        page_body(
            rx.el.section(
                rx.el.h2(t("This browser"), class_name="section-title"),
                rx.el.div(
                    rx.el.label(t("Language"), html_for="settings-locale", class_name="field-label"),
                    locale_select(LocaleState.choose, id="settings-locale"),
                    class_name="setting-row",
                ),
                rx.el.div(
                    rx.el.span(t("Appearance"), class_name="field-label", id="settings-appearance"),
                    appearance_choice("settings-appearance"),
                    class_name="setting-row",
                ),
                class_name="section",
            ),
            narrow=True,
        ),
        active=routes.SETTINGS,
    )
