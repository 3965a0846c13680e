"""Who did what in the company: its audit trail, for owners and administrators."""

import reflex as rx

from saasbot import routes
from saasbot.components.activity_table import activity_table
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.pager import pager
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import empty_state, no_permission, skeleton
from saasbot.components.types import Handler, Text
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.activity import EVERYBODY, EVERYTHING, ActivityState
from saasbot.state.session import SessionState

MAY_READ = SessionState.permissions.contains("company.audit")


@page(routes.ACTIVITY, title=t("Activity"), on_load=[ActivityState.load], states=[ActivityState])
def activity() -> rx.Component:
    return frame(
        page_header(t("Activity"), t("Who did what, and from where, in the last 90 days")),
        page_body(
            rx.cond(MAY_READ, rx.fragment(_filters(), _content()), no_permission()),
            class_name="catalogue",
        ),
        active=routes.SETTINGS,
    )


def _filters() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            _choice(
                t("Person"),
                t("Everybody"),
                EVERYBODY,
                id="activity-person",
                value=ActivityState.person,
                options=ActivityState.people,
                on_change=ActivityState.choose_person,
            ),
            _choice(
                t("Kind"),
                t("Everything"),
                EVERYTHING,
                id="activity-kind",
                value=ActivityState.kind,
                options=ActivityState.kinds,
                on_change=ActivityState.choose_kind,
            ),
            class_name="trail-filters",
        ),
        _pager(),
        class_name="catalogue-bar",
        role="search",
    )


def _choice(
    label: Text,
    all_of_them: Text,
    all_value: str,
    *,
    id: str,
    value: rx.Var,
    options: rx.Var,
    on_change: Handler,
) -> rx.Component:
    return rx.el.div(
        rx.el.select(
            rx.el.option(all_of_them, value=all_value),
            rx.foreach(options, lambda option: rx.el.option(option.name, value=option.value)),
            id=id,
            aria_label=label,
            value=value,
            on_change=on_change,
            class_name="input select",
        ),
        icon("chevron-down", 14),
        class_name="select-wrap",
    )


def _pager() -> rx.Component:
    turn = ActivityState.turn_page
    return pager(ActivityState.page_number, ActivityState.has_next, turn, back=t("Newer"), forward=t("Older"))


def _content() -> rx.Component:
    return rx.cond(
        ~ActivityState.loaded,
        skeleton("rows", 8),
        rx.cond(
            ActivityState.rows.length() > 0,
            activity_table(ActivityState.rows),
            empty_state("history", t("Nothing here"), t("Nobody did anything of this kind in the last 90 days.")),
        ),
    )
