"""The person at the bottom of the rail: who is signed in, their other companies, language, appearance, sign out."""

from collections.abc import Sequence
from typing import Any

import reflex as rx
from reflex.style import set_color_mode

from saasbot import routes
from saasbot.components.avatar import avatar
from saasbot.components.buttons import button, link_button
from saasbot.components.forms import select
from saasbot.components.i18n import LANG, set_lang, t
from saasbot.components.icons import icon
from saasbot.components.team import role_name
from saasbot.components.types import Handler


def user_menu(
    *,
    name: rx.Var[str],
    email: rx.Var[str],
    company: rx.Var[str],
    companies: rx.vars.ArrayVar[Sequence[Any]],
    on_open: Handler,
    on_company: Handler,
    on_locale: Handler,
    on_logout: Handler,
) -> rx.Component:
    """A popover, not a menu: it holds a select. `companies` are CompanyRows, none where there is nothing to choose; `on_open` reads
    them, `on_company` takes the id of the one to go to. `on_locale` gets the chosen language after the page has switched.
    """
    return rx.popover.root(
        rx.popover.trigger(
            rx.el.button(
                avatar(name, key=email, size=32),
                type="button",
                id="user-menu",
                class_name="rail-item rail-person",
                aria_label=t("Your account"),
                on_click=on_open,
            )
        ),
        rx.popover.content(
            rx.el.div(
                avatar(name, key=email, size=40),
                rx.el.div(
                    rx.el.p(name, class_name="menu-name"),
                    rx.el.p(email, class_name="menu-sub"),
                    rx.el.p(company, class_name="menu-sub"),
                ),
                class_name="menu-person",
            ),
            rx.cond(companies.length() > 0, _company_list(companies, on_company)),
            rx.el.div(
                rx.el.label(t("Language"), html_for="locale", class_name="field-label"),
                locale_select(on_locale),
                class_name="menu-row",
            ),
            rx.el.div(
                rx.el.span(t("Appearance"), class_name="field-label", id="appearance"),
                appearance_choice(),
                class_name="menu-row",
            ),
            rx.el.div(
                link_button(t("Home"), routes.DASHBOARD, kind="ghost", icon="house"),
                link_button(t("Settings"), routes.SETTINGS, kind="ghost", icon="settings"),
                button(t("Sign out"), kind="ghost", icon="log-out", id="logout", on_click=on_logout),
                class_name="menu-acts",
            ),
            side="right",
            align="end",
            side_offset=14,
            class_name="user-popover",
            custom_attrs={"aria-label": t("Your account")},
        ),
    )


def _company_list(companies: rx.vars.ArrayVar[Sequence[Any]], on_company: Handler) -> rx.Component:
    return rx.el.div(
        rx.el.span(t("Your companies"), class_name="field-label", id="menu-companies"),
        rx.el.ul(
            rx.foreach(companies, lambda row: rx.el.li(_company(row, on_company))),
            class_name="menu-companies",
            custom_attrs={"aria-labelledby": "menu-companies"},
        ),
        class_name="menu-row",
    )


def _company(row: rx.vars.ObjectVar[Any], on_company: Handler) -> rx.Component:
    return rx.el.button(
        rx.el.span(
            rx.el.span(row.name, class_name="menu-name"),
            rx.el.span(role_name(row.role), class_name="menu-sub"),
            class_name="menu-company-text",
        ),
        rx.cond(row.here, icon("check", label=t("You are here"))),
        type="button",
        class_name="menu-company",
        disabled=row.here,
        on_click=on_company(row.id),
        custom_attrs={"aria-current": rx.cond(row.here, "true", "false"), "data-testid": "company-row"},
    )


def locale_select(on_locale: Handler, id: str = "locale") -> rx.Component:
    """Switches the page at once, then tells `on_locale(lang)`."""
    return select(
        [("es", "Español"), ("en", "English")],
        id=id,
        value=LANG,
        on_change=lambda lang: [set_lang(lang), on_locale(lang)],
        aria_label=t("Language"),
    )


def appearance_choice(labelled_by: str = "appearance") -> rx.Component:
    """Light, dark, or as the system says. `labelled_by` is the id of its label."""
    return rx.segmented_control.root(
        rx.segmented_control.item(t("Light"), value="light"),
        rx.segmented_control.item(t("Dark"), value="dark"),
        rx.segmented_control.item(t("System"), value="system"),
        value=rx.color_mode,
        on_change=lambda mode: set_color_mode(mode),
        size="1",
        custom_attrs={"aria-labelledby": labelled_by},
    )
