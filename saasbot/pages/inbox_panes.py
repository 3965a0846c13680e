"""The inbox with its panes, as both of its pages show it: the list alone, and the list with a conversation."""

import reflex as rx

from saasbot import routes
from saasbot.components.i18n import t
from saasbot.components.keyboard import ShortcutRow, shortcut
from saasbot.components.panes import pane_handle, step_conversation, toggle_context
from saasbot.pages import inbox_thread
from saasbot.pages.frame import frame
from saasbot.pages.inbox_list import conversation_list
from saasbot.state.composer import ComposerState
from saasbot.state.composer_forms import ComposerFormState
from saasbot.state.consent import ConsentState
from saasbot.state.data import DataState
from saasbot.state.erasure import ErasureState
from saasbot.state.inbox import InboxState, TypingState
from saasbot.state.message_acts import MessageActsState
from saasbot.state.thread import ThreadState

INBOX_STATES = (
    InboxState,
    TypingState,
    ThreadState,
    ComposerState,
    ComposerFormState,
    MessageActsState,
    ErasureState,
    DataState,
    ConsentState,
)
"""Of both pages: what the list and the thread hold stays while one goes from one to the other."""

_HERE = ThreadState.open_id


def inbox_panes(*, conversation: bool) -> rx.Component:
    """`conversation`: the address names one; a phone-sized screen then shows it instead of the list."""
    right = inbox_thread.conversation() if conversation else inbox_thread.nothing_open()
    return frame(
        rx.el.div(
            conversation_list(heading=not conversation),
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
