"""The frame of every signed-in page: rail (a bar at the bottom on phones), header, banner, content."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx
from reflex_components_core.react_router.dom import ReactRouterLink

from saasbot import routes
from saasbot.components.chips import unread_badge
from saasbot.components.i18n import t
from saasbot.components.icons import RAIL, icon
from saasbot.components.keyboard import ShortcutRow, cheat_sheet, open_cheat_sheet, shortcut
from saasbot.components.status import dot
from saasbot.components.types import Handler, Text
from saasbot.components.user_menu import user_menu


@dataclass(frozen=True)
class Shell:
    """What the frame shows, as Vars, and what its controls call."""

    user_name: rx.vars.StringVar
    user_email: rx.vars.StringVar
    company_name: rx.vars.StringVar
    unread: rx.vars.NumberVar
    numbers_tone: rx.vars.StringVar
    """The worst number's tone (components.status.tone); "" while there is none."""
    companies: rx.vars.ArrayVar[Sequence[Any]]
    """CompanyRows of the user menu; none for who has one only."""
    on_menu: Handler
    on_company: Handler
    on_locale: Handler
    on_logout: Handler
    simulator: bool = False


@dataclass(frozen=True)
class Entry:
    """One place in the rail."""

    route: str
    icon: str
    label: rx.Var[str]
    keys: str


def entries(simulator: bool) -> list[Entry]:
    """The rail from top to bottom; the phone only where there are simulated numbers."""
    found = [
        Entry(routes.INBOX, "inbox", t("Inbox"), "Alt+1"),
        Entry(routes.CATALOGUE, "package", t("Catalogue"), "Alt+2"),
        Entry(routes.BOTS, "bot", t("Bots"), "Alt+3"),
        Entry(routes.CHANNELS, "smartphone", t("Numbers"), "Alt+4"),
    ]
    if simulator:
        found.append(Entry(routes.PHONE, "tablet-smartphone", t("Simulated phone"), "Alt+5"))
    return [*found, Entry(routes.SETTINGS, "settings", t("Settings"), "Alt+6")]


def shell(
    *content: rx.Component,
    data: Shell,
    active: str,
    banner: rx.Component | None = None,
    shortcuts: Sequence[ShortcutRow] = (),
) -> rx.Component:
    """The frame around `content`. `active` is the route to mark in the rail; `shortcuts` are the page's own, for the
    cheat sheet; `banner` only for what needs an act. Content brings its `page_header` (and with it the one h1).
    """
    places = entries(data.simulator)
    return rx.el.div(
        rx.el.button(t("Skip to content"), type="button", class_name="skip", on_click=rx.set_focus("content")),
        rx.el.div(banner, class_name="banner-slot") if banner is not None else None,
        rx.el.div(
            _rail(places, data, active),
            rx.el.main(*content, id="content", class_name="page", tab_index=-1),
            class_name="shell",
        ),
        *[shortcut(entry.keys.lower(), rx.redirect(entry.route)) for entry in places],
        shortcut("alt+0", rx.redirect(routes.DASHBOARD)),
        cheat_sheet([*shortcuts, ("Alt+0", t("Home")), *((e.keys, e.label) for e in places), ("?", t("This list"))]),
        class_name="app",
    )


def page_header(
    title: Text, description: Text | None = None, *actions: rx.Component, lead: rx.Component | None = None
) -> rx.Component:
    """52 px: the page's h1, what it is in one line, its actions at the right. `lead` stands before the title (back)."""
    return rx.el.header(
        lead,
        rx.el.h1(title, class_name="page-title"),
        rx.el.p(description, class_name="page-what") if description is not None else None,
        rx.el.div(*actions, class_name="page-actions") if actions else None,
        class_name="page-header",
    )


def page_body(*content: rx.Component, narrow: bool = False, class_name: str = "", **props: Any) -> rx.Component:
    """The scrolling part under the header, with 24 px around; `narrow` for forms and prose (720 px)."""
    names = ["page-body", *(["page-narrow"] if narrow else []), *([class_name] if class_name else [])]
    return rx.el.div(*content, class_name=" ".join(names), **props)


def banner(text: Text, *actions: rx.Component, tone: str = "warn") -> rx.Component:
    """A thin line above everything: "warn" or "danger"."""
    return rx.el.div(
        icon("triangle-alert"), rx.el.span(text), *actions, class_name=f"banner banner-{tone}", role="alert"
    )


def _rail(places: Sequence[Entry], data: Shell, active: str) -> rx.Component:
    *top, settings = places
    return rx.el.nav(
        _mark(data),
        *[_place(entry, data, active) for entry in top],
        _place(settings, data, active),
        rx.el.span(class_name="rail-space"),
        rx.tooltip(
            rx.el.button(
                icon("circle-help", RAIL),
                type="button",
                class_name="rail-item rail-desktop",
                aria_label=t("Help"),
                on_click=open_cheat_sheet(),
            ),
            content=t("Keyboard shortcuts · ?"),
            side="right",
        ),
        rx.tooltip(
            rx.el.button(
                icon("sun", RAIL, class_name="when-dark"),
                icon("moon", RAIL, class_name="when-light"),
                type="button",
                class_name="rail-item rail-desktop",
                aria_label=t("Light or dark"),
                on_click=rx.toggle_color_mode,
            ),
            content=t("Light or dark"),
            side="right",
        ),
        person_menu(data),
        class_name="rail",
        aria_label=t("Main"),
    )


def person_menu(data: Shell) -> rx.Component:
    """Who is signed in; the foot of the rail, also of a page that has a rail of its own."""
    return user_menu(
        name=data.user_name,
        email=data.user_email,
        company=data.company_name,
        companies=data.companies,
        on_open=data.on_menu,
        on_company=data.on_company,
        on_locale=data.on_locale,
        on_logout=data.on_logout,
    )


def _mark(data: Shell) -> rx.Component:
    return rx.tooltip(
        ReactRouterLink.create(
            rx.cond(data.company_name != "", data.company_name[0].upper(), "S"),
            to=routes.DASHBOARD,
            class_name="mark",
            aria_label=t("Home"),
        ),
        content=rx.cond(data.company_name != "", t("{company} · Alt+0", company=data.company_name), t("Home · Alt+0")),
        side="right",
    )


def _place(entry: Entry, data: Shell, active: str) -> rx.Component:
    current = entry.route == active
    extra: list[rx.Component] = []
    if entry.route == routes.INBOX:
        extra = [unread_badge(data.unread, aria_hidden="true"), _aside(data.unread > 0, t("{n} unread", n=data.unread))]
    elif entry.route == routes.CHANNELS:
        alarm = (data.numbers_tone == "warn") | (data.numbers_tone == "bad")
        extra = [
            rx.cond(data.numbers_tone != "", dot(data.numbers_tone)),
            _aside(alarm, t("A number needs you")),
        ]
    hidden_on_phones = entry.route in (routes.SETTINGS, routes.PHONE)
    return rx.tooltip(
        ReactRouterLink.create(
            icon(entry.icon, RAIL),
            rx.el.span(entry.label, class_name="rail-label"),
            *extra,
            to=entry.route,
            class_name=f"rail-item{' rail-on' if current else ''}{' rail-desktop' if hidden_on_phones else ''}",
            custom_attrs={"aria-current": "page"} if current else {},
        ),
        content=t("{place} · {keys}", place=entry.label, keys=entry.keys),
        side="right",
    )


def _aside(when: rx.Var[bool], text: rx.Var[str]) -> rx.Component:
    """What a mark says to those who do not see it."""
    return rx.cond(when, rx.el.span(text, class_name="visually-hidden"))
