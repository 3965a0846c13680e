"""The scrolling part of a thread. See thread.js."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.message_bubble import message_bubble

_MODULE = rx.asset("thread.js", shared=True).importable_path
_ONE_ID = rx.event.passthrough_event_spec(str)


class ThreadScroller(rx.Component):
    """Opens at the first unread message, keeps its place, tells what was seen and when older ones are wanted."""

    library = _MODULE
    tag = "ThreadScroller"

    conversation_id: rx.Var[str]
    ready: rx.Var[bool]
    marker: rx.Var[str]
    has_older: rx.Var[bool]
    unread: rx.Var[int]
    label: rx.Var[str]
    label_one: rx.Var[str]
    label_other: rx.Var[str]

    on_older: rx.EventHandler[_ONE_ID]
    on_seen: rx.EventHandler[_ONE_ID]
    on_again: rx.EventHandler[_ONE_ID]
    on_undo: rx.EventHandler[_ONE_ID]


def thread_scroller(*children: rx.Component, **props: Any) -> rx.Component:
    """Around everything that scrolls; the handlers get the conversation's id, `on_again` a message's, `on_undo` a joining's."""
    return ThreadScroller.create(
        *children,
        label=t("Messages"),
        label_one=t("{n} new message", n="{n}"),
        label_other=t("{n} new messages", n="{n}"),
        **props,
    )


def bubbles(
    rows: rx.vars.ArrayVar[Any], ticks: rx.vars.ObjectVar[dict[str, str]], marker: rx.vars.StringVar
) -> rx.Component:
    """A run of messages. Rows that were not sent again are not drawn again."""
    return rx.foreach(
        rows,
        lambda row: rx.fragment(
            message_bubble(
                row=row.to(dict),
                status=rx.cond(ticks.contains(row.id), ticks[row.id], row.status).to(str),
                marked=(marker != "") & (row.id == marker),
            ),
            key=row.id,
        ),
    )
