"""The inbox with its panes, as both of its pages show it: the list alone, and the list with a conversation."""

from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import icon_button, link, link_button
from saasbot.components.chips import kbd
from saasbot.components.composer import composer, outgoing, read_only
from saasbot.components.context_panel import context_panel
from saasbot.components.conversation_row import conversation_row
from saasbot.components.dialogs import confirm
from saasbot.components.handler_bar import handler_bar
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.keyboard import ShortcutRow, shortcut
from saasbot.components.panes import (
    CONTEXT_SHOWN,
    OPEN_CONVERSATION,
    ListScroller,
    pane_handle,
    step_conversation,
    toggle_context,
)
from saasbot.components.states import empty_state, notice, skeleton
from saasbot.components.thread_view import bubbles, thread_scroller
from saasbot.pages.frame import frame
from saasbot.state.composer import ComposerState
from saasbot.state.inbox import InboxState, TypingState
from saasbot.state.session import SessionState
from saasbot.state.thread import ThreadState

MAY_WRITE = SessionState.permissions.contains("inbox.write")
_HERE = ThreadState.open_id


def inbox_panes(*, conversation: bool) -> rx.Component:
    """`conversation`: the address names one; a phone-sized screen then shows it instead of the list."""
    right = _conversation() if conversation else _nothing_open()
    return frame(
        rx.el.div(
            _list(heading=not conversation),
            pane_handle(t("Width of the list")),
            right,
            class_name=f"inbox{' inbox-open' if conversation else ''}",
        ),
        *_shortcuts(conversation),
        active=routes.INBOX,
        shortcuts=_shortcut_rows(),
    )


def _shortcuts(conversation: bool) -> list[rx.Component]:
    found = [
        shortcut("alt+j", step_conversation(1)),
        shortcut("alt+k", step_conversation(-1)),
        shortcut("/", rx.set_focus("conversation-search")),
        shortcut("mod+k", rx.set_focus("conversation-search")),
    ]
    if conversation:
        found += [
            shortcut("alt+r", rx.set_focus("composer")),
            shortcut("alt+i", toggle_context()),
            shortcut("alt+t", ThreadState.take_over(_HERE)),
            shortcut("alt+b", ThreadState.hand_back(_HERE)),
        ]
    return found


def _shortcut_rows() -> list[ShortcutRow]:
    return [
        ("Alt+J", t("Next conversation")),
        ("Alt+K", t("Previous conversation")),
        ("/", t("Search messages and people")),
        ("Alt+R", t("Write an answer")),
        ("Alt+T", t("Take over")),
        ("Alt+B", t("Hand back")),
        ("Alt+I", t("Show or hide the panel")),
        ("Enter", t("Send")),
        ("Shift+Enter", t("New line")),
    ]


def _list(*, heading: bool) -> rx.Component:
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


def _nothing_open() -> rx.Component:
    return rx.el.section(
        empty_state(
            "messages-square",
            t("Choose a conversation"),
            t("Or press Alt+J to open the first one. “?” lists every shortcut."),
        ),
        class_name="inbox-thread inbox-thread-empty",
        aria_label=t("Messages"),
    )


def _conversation() -> rx.Component:
    stale = OPEN_CONVERSATION != _HERE
    return rx.fragment(
        rx.el.section(
            rx.cond(
                _HERE == "",
                rx.fragment(rx.el.h1(t("Inbox"), class_name="visually-hidden"), skeleton("thread", 7)),
                rx.cond(ThreadState.found, _thread(), _not_found()),
            ),
            rx.cond(stale & (_HERE != ""), rx.el.div(skeleton("thread", 7), class_name="thread-cover")),
            class_name=rx.cond(stale, "inbox-thread thread-stale", "inbox-thread"),
            aria_label=t("Conversation"),
        ),
        rx.cond(
            CONTEXT_SHOWN & (_HERE != "") & ThreadState.found,
            rx.fragment(
                rx.el.div(class_name="context-veil", on_click=toggle_context(), aria_hidden="true"),
                rx.el.aside(_context(), class_name="inbox-context", aria_label=t("About this conversation")),
            ),
        ),
    )


def _thread() -> rx.Component:
    return rx.fragment(
        _head(),
        thread_scroller(
            rx.cond(
                ThreadState.has_older,
                rx.el.div(rx.el.span(class_name="spinner"), class_name="older", aria_hidden="true"),
            ),
            bubbles(ThreadState.older, ThreadState.ticks, ThreadState.marker),
            bubbles(ThreadState.settled, ThreadState.ticks, ThreadState.marker),
            bubbles(ThreadState.fresh, ThreadState.ticks, ThreadState.marker),
            outgoing(_HERE, ThreadState.tokens),
            rx.cond(
                TypingState.chats.contains(_HERE),
                rx.el.p(
                    rx.el.span(class_name="typing-dots", aria_hidden="true"),
                    t("{name} is typing…", name=ThreadState.name),
                    class_name="thread-typing",
                    role="status",
                ),
            ),
            conversation_id=_HERE,
            ready=ThreadState.found,
            marker=ThreadState.marker,
            has_older=ThreadState.has_older,
            unread=ThreadState.unread,
            on_older=ThreadState.load_older,
            on_seen=ThreadState.seen,
            on_again=ThreadState.send_again,
            on_undo=ThreadState.ask_to_part,
        ),
        rx.cond(
            ThreadState.moved_to != "",
            rx.el.span(hidden=True, on_mount=rx.redirect(ThreadState.moved_to, replace=True)),
        ),
        confirm(
            t("Separate these chats again?"),
            t("Messages go back to the chat that they came from. The two are not joined again by themselves."),
            open=ThreadState.parting != "",
            confirm_label=t("Separate"),
            on_confirm=ThreadState.part(ThreadState.parting),
            on_cancel=ThreadState.stay_joined,
            kind="primary",
        ),
        rx.cond(
            MAY_WRITE,
            rx.el.div(
                rx.cond(ThreadState.paused != "", notice("hourglass", ThreadState.paused)),
                composer(
                    bot_answers=ThreadState.handler == "bot",
                    saved=ComposerState.saved,
                    conversation_id=_HERE,
                    draft=ComposerState.draft,
                    refused=ComposerState.refused,
                    csrf=SessionState.csrf_token,
                    on_send=ComposerState.send,
                    on_draft=ComposerState.keep_draft,
                    on_typing=ComposerState.typing,
                ),
                class_name="composer-zone",
            ),
            read_only(),
        ),
    )


def _head() -> rx.Component:
    return rx.el.header(
        link(icon("arrow-left", label=t("Back to the list")), routes.INBOX, class_name="icon-btn thread-back"),
        rx.el.div(
            rx.el.h1(ThreadState.name, class_name="page-title truncate", dir="auto"),
            rx.el.p(
                ThreadState.channel,
                rx.cond(
                    (ThreadState.phone != "") & (ThreadState.phone != ThreadState.name),
                    rx.fragment(" · ", ThreadState.phone),
                ),
                class_name="page-what num",
            ),
            class_name="thread-who",
        ),
        handler_bar(
            ThreadState.handler,
            ThreadState.taken_by,
            may_write=MAY_WRITE,
            on_take=ThreadState.take_over(_HERE),
            on_give_back=ThreadState.hand_back(_HERE),
        ),
        icon_button(
            "panel-right",
            t("Show or hide the panel"),
            on_click=toggle_context(),
            aria_expanded=CONTEXT_SHOWN.to_string(),
        ),
        class_name="page-header thread-head",
    )


def _context() -> rx.Component:
    return context_panel(
        name=ThreadState.name,
        person=ThreadState.person,
        phone=ThreadState.phone,
        channel=ThreadState.channel,
        status=ThreadState.status,
        handler=ThreadState.handler,
        taken_by=ThreadState.taken_by,
        hidden_number=ThreadState.lid,
        bot_enabled=ThreadState.bot_enabled,
        context=ThreadState.context,
        may_write=MAY_WRITE,
        on_bot=lambda on: ThreadState.switch_bot(_HERE, on),
        on_close=toggle_context(),
    )


def _not_found() -> rx.Component:
    return empty_state(
        "message-circle-off",
        t("This conversation does not exist"),
        t("The link is old, or it belongs to another company."),
        link_button(t("Back to the list"), routes.INBOX),
        level=1,
    )
