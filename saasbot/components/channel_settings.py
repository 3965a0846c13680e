"""The sheet with the settings of a number: what it may send and when, calls, groups, history, and how it connects.

A field is named as its id with underscores: Reflex adds the value of every control with an id to a form's data, under that name.
"""

from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.dialogs import sheet
from saasbot.components.forms import checkbox, select_field, text_area, text_field
from saasbot.components.i18n import t
from saasbot.components.states import notice
from saasbot.components.types import Flag, Handler, Text

_FORM = "number-settings"


def channel_settings(
    name: Text,
    view: rx.vars.ObjectVar[Any],
    errors: rx.vars.ObjectVar[dict[str, str]],
    *,
    number: rx.Var[int],
    open: rx.Var[bool],
    busy: Flag,
    on_open_change: Handler,
    on_save: Handler,
) -> rx.Component:
    """`view` is a SettingsView; `errors` are by field. `number` is that of the opening."""
    return sheet(
        t("Settings of {name}", name=name),
        rx.cond(view.paused != "", notice("hourglass", view.paused)),
        rx.el.form(
            _sending(view, errors),
            _calls(view, errors),
            _section(
                t("Groups"),
                checkbox(
                    t("Take in messages of groups. Only people answer there, never the bot."),
                    id="number-groups-enabled",
                    name="number_groups_enabled",
                    default_checked=view.groups_enabled,
                ),
            ),
            _history(view, errors),
            _proxy(view, errors),
            id=_FORM,
            key=number,
            on_submit=on_save,
            class_name="number-settings",
            custom_attrs={"noValidate": True},
        ),
        open=open,
        on_open_change=on_open_change,
        footer=rx.fragment(
            button(t("Cancel"), on_click=on_open_change(False)),
            button(
                t("Save"),
                kind="primary",
                type="submit",
                id="number-settings-save",
                busy=busy,
                custom_attrs={"form": _FORM},
            ),
        ),
    )


def _section(title: Text, *fields: rx.Component, what: Text | None = None) -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend(title),
        rx.el.p(what, class_name="field-help") if what is not None else None,
        *fields,
    )


def _sending(view: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return _section(
        t("Sending"),
        rx.el.div(
            _limit(t("Most in an hour"), "hourly_limit", view, errors),
            _limit(t("Most in a day"), "daily_limit", view, errors),
            class_name="number-pair",
        ),
        rx.el.p(t("Counts what the bot sends. What your team types always leaves at once."), class_name="field-help"),
        rx.el.div(
            _clock(t("Quiet from"), "quiet_from", view, errors),
            _clock(t("until"), "quiet_until", view, errors),
            class_name="number-pair",
        ),
        rx.el.p(
            t(
                "In quiet hours nobody is written to for the first time. Whoever wrote to you is answered as always. "
                "Times of {zone}.",
                zone=view.timezone,
            ),
            class_name="field-help",
        ),
    )


def _limit(
    label: Text, field: str, view: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]
) -> rx.Component:
    return text_field(
        label,
        id=f"number-{field.replace('_', '-')}",
        name=f"number_{field}",
        default_value=view[field],
        error=errors[field],
        placeholder=t("No limit"),
        max_length=6,
        input_mode="numeric",
        auto_complete="off",
    )


def _clock(
    label: Text, field: str, view: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]
) -> rx.Component:
    return text_field(
        label,
        id=f"number-{field.replace('_', '-')}",
        name=f"number_{field}",
        type="time",
        default_value=view[field],
        error=errors[field],
    )


def _calls(view: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return _section(
        t("Calls"),
        checkbox(
            t("Hang up on calls: nobody can take them here"),
            id="number-reject-calls",
            name="number_reject_calls",
            default_checked=view.reject_calls,
        ),
        text_area(
            t("What the caller is written"),
            id="number-call-message",
            name="number_call_message",
            default_value=view.call_message,
            error=errors["call_message"],
            placeholder=t("We cannot take calls here. Write to us and we answer right away."),
            help=t("Once an hour to each caller, unless one of your team is writing with them. Empty: nothing."),
            optional=True,
            rows=3,
            max_length=500,
        ),
    )


def _history(view: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return _section(
        t("History"),
        select_field(
            t("Earlier messages to take over"),
            [
                ("0", t("None")),
                ("7", t("Of the last 7 days")),
                ("30", t("Of the last 30 days")),
                ("90", t("Of the last 90 days")),
            ],
            id="number-history-days",
            name="number_history_days",
            default_value=view.history_days,
            error=errors["history_days"],
            help=t(
                "Counts the next time the number is linked, and at once for what is still coming: “None” ends that."
            ),
        ),
    )


def _proxy(view: rx.vars.ObjectVar[Any], errors: rx.vars.ObjectVar[dict[str, str]]) -> rx.Component:
    return _section(
        t("Proxy"),
        text_field(
            t("Address"),
            id="number-proxy",
            name="number_proxy",
            default_value=view.proxy,
            error=errors["proxy"],
            placeholder="socks5://user:password@host:1080",
            help=t("Only this number connects through it. Its user and password are kept sealed and never shown."),
            optional=True,
            max_length=500,
            auto_complete="off",
            spell_check=False,
        ),
    )
