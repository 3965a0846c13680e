"""The inbox with one conversation open."""

import reflex as rx

from saasbot import routes
from saasbot.components.i18n import t
from saasbot.pages.inbox_panes import INBOX_STATES, inbox_panes
from saasbot.pages.registry import page
from saasbot.state.inbox import InboxState
from saasbot.state.thread import ThreadState


@page(routes.CONVERSATION, title=t("Inbox"), on_load=[InboxState.load, ThreadState.open], states=INBOX_STATES)
def conversation() -> rx.Component:
    return inbox_panes(conversation=True)
