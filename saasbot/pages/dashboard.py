"""Today at a glance."""

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import link, link_button
from saasbot.components.i18n import pick, t
from saasbot.components.icons import icon
from saasbot.components.shell import page_body, page_header
from saasbot.components.states import skeleton
from saasbot.components.status import dot, status_name, tone
from saasbot.components.types import Text
from saasbot.pages.frame import frame
from saasbot.pages.registry import page
from saasbot.state.dashboard import DashboardState, HandOffRow, HourBar, NumberRow, WaitingRow

STATE = DashboardState
FIGURES = DashboardState.figures
WAITING, ANSWERED = FIGURES.waiting.to(int), FIGURES.answered.to(int)


@page(routes.DASHBOARD, title=t("Home"), on_load=[DashboardState.load], states=[DashboardState])
def dashboard() -> rx.Component:
    return frame(
        page_header(t("Home"), t("Today at a glance")),
        page_body(
            rx.cond(
                STATE.loaded,
                rx.el.div(
                    rx.cond(STATE.missing.length() > 0, _missing()),
                    _figures(),
                    rx.el.div(
                        rx.el.div(_waiting(), _hand_offs(), class_name="dash-main"),
                        rx.el.div(_numbers(), _hours(), class_name="dash-side"),
                        class_name="dash-columns",
                    ),
                    class_name="dash",
                ),
                skeleton("cards", 3),
            )
        ),
        active=routes.DASHBOARD,
    )


def _missing() -> rx.Component:
    """What the wizard left open: each leads to its step."""
    return rx.el.section(
        rx.el.div(
            icon("list-checks", 18),
            rx.el.div(
                rx.el.h2(t("Your setup is not finished"), class_name="panel-title"),
                rx.el.p(t("The bot answers better with all of it."), class_name="panel-what"),
            ),
            class_name="missing-head",
        ),
        rx.el.ul(
            rx.foreach(
                STATE.missing,
                lambda step: rx.el.li(link(_step_name(step), f"{routes.ONBOARDING}?step={step}", class_name="pill")),
            ),
            class_name="pills",
        ),
        class_name="panel missing",
    )


def _step_name(step: rx.Var[str]) -> rx.Var[str]:
    return pick(
        step,
        ("company", t("Describe your company")),
        ("policies", t("Write your policies")),
        ("ai", t("Choose the AI")),
        ("product", t("Add a product")),
        ("number", t("Link a number")),
        "",
    )


def _figures() -> rx.Component:
    more = rx.cond(FIGURES.waiting_more, "+", "")
    return rx.el.div(
        _figure(
            rx.cond(WAITING > 0, f"{WAITING}{more}", "0"),
            t("Waiting for a person"),
            rx.cond(WAITING > 0, t("They wrote and nobody has answered yet"), t("Nobody waits")),
            routes.inbox("human"),
            class_name=rx.cond(WAITING > 0, "figure figure-urgent", "figure"),
        ),
        _figure(
            FIGURES.by_bot.to_string(),
            t("Answered by the bot alone"),
            rx.cond(FIGURES.bot_share != "", FIGURES.bot_share, t("chats today")),
            routes.inbox("bot"),
        ),
        _figure(
            FIGURES.response,
            t("First answer"),
            rx.cond(ANSWERED > 0, t("median of {n} chats", n=ANSWERED), t("nobody has written yet today")),
            routes.inbox("all"),
        ),
        class_name="figures",
    )


def _figure(value: Text, label: Text, more: Text, to: str, class_name: Text = "figure") -> rx.Component:
    return link(
        rx.fragment(
            rx.el.span(label, class_name="figure-label"),
            rx.el.span(value, class_name="figure-value"),
            rx.el.span(more, class_name="figure-more"),
        ),
        to,
        class_name=class_name,
    )


def _panel(title: Text, *content: rx.Component, action: rx.Component | None = None) -> rx.Component:
    return rx.el.section(
        rx.el.header(rx.el.h2(title, class_name="panel-title"), action, class_name="panel-head"),
        *content,
        class_name="panel",
    )


def _waiting() -> rx.Component:
    return _panel(
        t("Waiting for a person"),
        rx.cond(
            STATE.waiting.length() > 0,
            rx.el.ul(rx.foreach(STATE.waiting, _waiting_row), class_name="dash-rows"),
            rx.el.p(t("Nobody waits. The bot and your team have answered everybody."), class_name="panel-empty"),
        ),
        action=link(t("Open the inbox"), routes.inbox("human")),
    )


def _waiting_row(row: rx.vars.ObjectVar[WaitingRow]) -> rx.Component:
    return rx.el.li(
        link(
            rx.fragment(
                rx.el.span(
                    rx.el.span(row.name, class_name="row-name truncate"),
                    rx.el.span(row.channel, class_name="row-meta truncate"),
                    rx.el.time(row.ago, title=row.full, class_name="row-time"),
                    class_name="row-head",
                ),
                rx.el.span(row.preview, class_name="row-text truncate"),
            ),
            row.href,
            class_name="dash-row",
        )
    )


def _hand_offs() -> rx.Component:
    return _panel(
        t("Last hand-offs"),
        rx.cond(
            STATE.hand_offs.length() > 0,
            rx.el.ul(rx.foreach(STATE.hand_offs, _hand_off_row), class_name="dash-rows"),
            rx.el.p(t("The bot has passed no chat to your team yet."), class_name="panel-empty"),
        ),
    )


def _hand_off_row(row: rx.vars.ObjectVar[HandOffRow]) -> rx.Component:
    return rx.el.li(
        link(
            rx.fragment(
                rx.el.span(
                    rx.el.span(row.name, class_name="row-name truncate"),
                    rx.cond(
                        row.taken_by != "", rx.el.span(t("{name} has it", name=row.taken_by), class_name="row-meta")
                    ),
                    rx.el.time(row.when, title=row.full, class_name="row-time"),
                    class_name="row-head",
                ),
                rx.el.span(row.reason, class_name="row-text truncate"),
            ),
            row.href,
            class_name="dash-row",
        )
    )


def _numbers() -> rx.Component:
    return _panel(
        t("Numbers"),
        rx.cond(
            STATE.numbers.length() > 0,
            rx.el.ul(rx.foreach(STATE.numbers, _number_row), class_name="dash-rows"),
            rx.el.div(
                rx.el.p(t("No number is linked yet."), class_name="panel-empty"),
                link_button(t("Add number"), routes.CHANNELS, icon="plus"),
            ),
        ),
        action=rx.cond(STATE.numbers.length() > 0, link(t("See all"), routes.CHANNELS)),
    )


def _number_row(row: rx.vars.ObjectVar[NumberRow]) -> rx.Component:
    return rx.el.li(
        link(
            rx.fragment(
                rx.el.span(
                    dot(tone(row.status)),
                    rx.el.span(row.name, class_name="row-name truncate"),
                    rx.el.span(status_name(row.status), class_name="row-time"),
                    class_name="row-head",
                ),
                rx.cond(row.sentence != "", rx.el.span(row.sentence, class_name="row-text")),
            ),
            routes.CHANNELS,
            class_name="dash-row",
        )
    )


def _hours() -> rx.Component:
    return _panel(
        t("Customers' messages by hour"),
        rx.el.div(
            rx.el.div(rx.foreach(STATE.hours, _bar), class_name="bars", aria_hidden="true"),
            rx.el.div(
                *[rx.el.span(label) for label in ("0", "6", "12", "18", "24")],
                class_name="bars-axis",
                aria_hidden="true",
            ),
            rx.el.p(t("{n} messages today", n=FIGURES.messages), class_name="panel-what"),
        ),
    )


def _bar(bar: rx.vars.ObjectVar[HourBar]) -> rx.Component:
    return rx.el.span(
        title=f"{bar.label} · {bar.messages}",
        class_name=rx.cond(bar.messages.to(int) > 0, "bar", "bar bar-none"),
        style={"height": f"{bar.height}%"},
    )
