"""A number as a card: what it is, how it does, what can be done with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from saasbot.components.buttons import button
from saasbot.components.chips import chip
from saasbot.components.i18n import pick, t
from saasbot.components.icons import icon
from saasbot.components.status import dot, status_name, tone
from saasbot.components.types import Flag


@dataclass(frozen=True)
class CardActions:
    """Each is called with the number's id (and its name, or the new value)."""

    details: Callable[..., Any]
    settings: Callable[..., Any]
    connect: Callable[..., Any]
    stop: Callable[..., Any]
    switch_bot: Callable[..., Any]
    choose_bot: Callable[..., Any]
    logout: Callable[..., Any]
    delete: Callable[..., Any]


def channel_card(
    row: rx.vars.ObjectVar[Any],
    bots: rx.vars.ArrayVar[Any],
    actions: CardActions,
    *,
    may_write: Flag,
    is_newest: rx.Var[bool],
) -> rx.Component:
    """`row` is a ChannelRow, `bots` are BotChoices. Who may not write sees how it does, and nothing to press that would be refused.
    The newest one's status has the id that tests hold on to.
    """
    state = tone(row.status)
    return rx.el.article(
        rx.el.header(
            rx.el.h2(dot(state), rx.el.span(row.name, class_name="ellipsis", title=row.name)),
            rx.cond(
                (row.bot_name != "") & row.bot_enabled,
                chip(row.bot_name, "bot", icon="bot"),
                chip(t("No bot"), "gray"),
            ),
            rx.cond(may_write, _menu(row, bots, actions)),
            class_name="card-head",
        ),
        rx.el.p(
            rx.cond(row.phone != "", row.phone, t("Not linked yet")),
            rx.cond(row.kind == "simulator", chip(t("Simulator"), "info")),
            class_name="card-phone",
        ),
        rx.el.dl(
            _figure(row.received_today.to_string(), t("received today")),
            _figure(row.sent_today.to_string(), t("sent")),
            class_name="card-figures",
        ),
        rx.el.p(
            rx.el.b(status_name(row.status), aria_live="polite"),  # not the rest, which counts minutes
            rx.cond(row.sentence != "", rx.fragment(" · ", rx.el.span(row.sentence))),
            id=rx.cond(is_newest, "channel-status", f"channel-status-{row.id}"),
            class_name=f"card-status card-{state}",
            custom_attrs={"data-status": row.status},
        ),
        _waits(row.paused),
        _waits(row.limited),
        rx.cond(row.history_running, _history(row)),
        rx.el.footer(
            rx.cond(may_write, _main_action(row, actions)),
            button(
                t("Details"),
                kind="ghost",
                icon="history",
                on_click=actions.details(row.id, row.name),
                id=f"channel-details-{row.id}",
                class_name="channel-details",
                aria_haspopup="dialog",
            ),
            rx.cond(
                may_write,
                rx.el.button(
                    icon("settings-2"),
                    type="button",
                    id=f"channel-settings-{row.id}",
                    class_name="icon-btn channel-settings",
                    aria_label=t("Settings of {name}", name=row.name),
                    aria_haspopup="dialog",
                    on_click=actions.settings(row.id, row.name),
                ),
            ),
            class_name="card-actions",
        ),
        class_name=f"card card-of-{state}",
        custom_attrs={"data-testid": "channel-row", "data-channel-id": row.id, "data-status": row.status},
    )


def _waits(sentence: rx.Var[str]) -> rx.Component:
    return rx.cond(sentence != "", rx.el.p(icon("hourglass", 14), rx.el.span(sentence), class_name="card-paused"))


def _history(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.div(
        rx.el.p(row.history),
        rx.el.div(
            rx.el.span(style={"width": f"{row.history_percent}%"}),
            role="progressbar",
            aria_label=t("Earlier chats"),
            aria_valuenow=row.history_percent,
            aria_valuemin=0,
            aria_valuemax=100,
            class_name="card-progress",
        ),
        class_name="card-history",
    )


def _figure(value: rx.Var[str], label: rx.Var[str]) -> rx.Component:
    return rx.el.div(rx.el.dd(value), rx.el.dt(label))


def _main_action(row: rx.vars.ObjectVar[Any], actions: CardActions) -> rx.Component:
    link = button(
        pick(
            row.status,
            ("logged_out", t("Link again")),
            ("banned", t("Link again")),
            ("failed", t("Try again")),
            t("Link"),
        ),
        kind="primary",
        icon="qr-code",
        on_click=actions.connect(row.id),
        class_name="channel-connect",
    )
    connect = button(t("Connect"), icon="plug", on_click=actions.connect(row.id), class_name="channel-connect")
    stop = button(
        rx.cond(row.status == "open", t("Disconnect"), t("Stop trying")),
        icon="power",
        on_click=actions.stop(row.id),
        class_name="channel-stop",
    )
    return rx.cond(row.running & row.linked, stop, rx.cond(row.linked, connect, link))


def _menu(row: rx.vars.ObjectVar[Any], bots: rx.vars.ArrayVar[Any], actions: CardActions) -> rx.Component:
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                icon("ellipsis-vertical"),
                type="button",
                class_name="icon-btn",
                aria_label=t("Actions for {name}", name=row.name),
            )
        ),
        rx.dropdown_menu.content(
            rx.dropdown_menu.item(
                rx.cond(row.bot_enabled, icon("check"), rx.fragment()),
                t("The bot answers on this number"),
                on_select=actions.switch_bot(row.id, ~row.bot_enabled),
                custom_attrs={"role": "menuitemcheckbox", "aria-checked": row.bot_enabled},
            ),
            rx.dropdown_menu.sub(
                rx.dropdown_menu.sub_trigger(t("Bot")),
                rx.dropdown_menu.sub_content(
                    rx.foreach(
                        bots,
                        lambda choice: rx.dropdown_menu.item(
                            choice.name, on_select=actions.choose_bot(row.id, choice.id)
                        ),
                    )
                ),
            ),
            rx.dropdown_menu.separator(),
            rx.cond(row.linked, rx.dropdown_menu.item(t("Log out"), on_select=actions.logout(row.id, row.name))),
            rx.dropdown_menu.item(t("Delete"), color="red", on_select=actions.delete(row.id, row.name)),
        ),
    )
