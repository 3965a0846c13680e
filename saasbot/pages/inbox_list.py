"""The inbox's list: search, which conversations, and their rows."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import link_button
from saasbot.components.chips import kbd
from saasbot.components.conversation_row import conversation_row
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.panes import OPEN_CONVERSATION, ListScroller
from saasbot.components.states import empty_state, skeleton
from saasbot.state.inbox import InboxState, TypingState


def conversation_list(*, heading: bool) -> rx.Component:
    """`heading`: it has the page's `h1`."""
    return rx.el.section(
        rx.el.h1(t("Inbox"), class_name="visually-hidden") if heading else None,
        rx.el.div(
            icon("search"),
            rx.el.input(
                id="conversation-search",
                type="search",
                class_name="search-input",
                placeholder=t("Search messages and people"),
                aria_label=t("Search messages and people"),
                auto_complete="off",
                max_length=100,
                default_value=InboxState.query,
                on_change=InboxState.search.debounce(180),
            ),
            kbd("/"),
            class_name="inbox-search",
            role="search",
        ),
        _tabs(),
        ListScroller.create(
            rx.cond(
                InboxState.loaded,
                rx.cond(InboxState.rows.length() > 0, _rows(), _empty()),
                skeleton("rows", 8),
            ),
            id="conversations",
            class_name="inbox-rows",
            has_more=InboxState.has_more,
            count=InboxState.rows.length() + InboxState.more.length(),
            on_end=InboxState.load_more,
        ),
        class_name="inbox-list",
        aria_label=t("Conversations"),
    )


def _tabs() -> rx.Component:
    others = [("unread", t("Unread")), ("bot", t("The bot answers")), ("human", t("A person answers"))]
    return rx.el.div(
        _tab("mine", t("Mine"), InboxState.mine),
        _tab("unassigned", t("Unassigned"), InboxState.unassigned),
        _tab("all", t("All"), InboxState.all),
        *[rx.cond(InboxState.tab == name, _tab(name, label)) for name, label in others],
        rx.dropdown_menu.root(
            rx.dropdown_menu.trigger(
                rx.el.button(icon("list-filter"), type="button", class_name="icon-btn", aria_label=t("More filters"))
            ),
            rx.dropdown_menu.content(
                *[rx.dropdown_menu.item(label, on_select=InboxState.choose_tab(name)) for name, label in others],
                align="end",
            ),
        ),
        class_name="inbox-tabs",
        role="group",
        aria_label=t("Which conversations"),
    )


def _tab(name: str, label: rx.Var[str], count: rx.vars.NumberVar | None = None) -> rx.Component:
    number = (
        rx.el.span(rx.cond(count >= 100, "99+", count.to_string()), class_name="num") if count is not None else None
    )
    return rx.el.button(
        label,
        number,
        type="button",
        class_name=rx.cond(InboxState.tab == name, "inbox-tab inbox-tab-on", "inbox-tab"),
        aria_pressed=(InboxState.tab == name).to_string(),
        on_click=InboxState.choose_tab(name),
    )


def _rows() -> rx.Component:
    return rx.el.ul(
        rx.foreach(InboxState.rows, _row),
        rx.foreach(InboxState.more, _row),
        rx.cond(InboxState.has_more, rx.el.li(skeleton("rows", 2))),
    )


def _row(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    return rx.el.li(
        conversation_row(
            id=row.id,
            person=row.person,
            name=row.name,
            preview=row.preview,
            when=row.when,
            full=row.full,
            channel=row.channel,
            taken_by=row.taken_by,
            unread=row.unread,
            bot=row.bot,
            failed=row.failed,
            group=row.group,
            typing=TypingState.chats.contains(row.id),
            selected=row.id == OPEN_CONVERSATION,
        ),
        key=row.id,
    )


def _empty() -> rx.Component:
    return rx.cond(
        InboxState.query != "",
        empty_state(
            "search-x",
            t("Nothing matches “{query}”", query=InboxState.query),
            t("Try a name, digits of the phone, or a word of a message."),
        ),
        rx.match(
            InboxState.tab,
            (
                "mine",
                empty_state("inbox", t("Nothing waits for you"), t("Chats that you take over are listed here.")),
            ),
            (
                "unassigned",
                empty_state(
                    "circle-check", t("Nobody waits"), t("Chats that the bot passes to your team are listed here.")
                ),
            ),
            ("unread", empty_state("circle-check", t("Everything is read"), t("New messages are listed here."))),
            (
                "all",
                empty_state(
                    "message-circle",
                    t("No conversations yet"),
                    t("They appear here as soon as a customer writes to one of your numbers."),
                    link_button(t("See your numbers"), routes.CHANNELS),
                ),
            ),
            empty_state("inbox", t("Nothing here"), t("No conversation is in this list right now.")),
        ),
    )
