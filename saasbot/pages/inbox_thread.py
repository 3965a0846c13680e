"""The inbox's open conversation: its head, its messages, the composer, and the panel beside them."""

import reflex as rx

from saasbot import routes
from saasbot.components.buttons import icon_button, link, link_button
from saasbot.components.composer import composer, outgoing, read_only
from saasbot.components.composer_forms import composer_forms
from saasbot.components.consent import consent_dialogs
from saasbot.components.context_panel import context_panel
from saasbot.components.dialogs import confirm
from saasbot.components.handler_bar import handler_bar
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.message_menu import message_menu
from saasbot.components.panes import CONTEXT_SHOWN, OPEN_CONVERSATION, toggle_context
from saasbot.components.states import empty_state, notice, skeleton
from saasbot.components.thread_view import bubbles, thread_scroller
from saasbot.state.composer import ComposerState
from saasbot.state.composer_forms import ComposerFormState
from saasbot.state.consent import ConsentState
from saasbot.state.data import DataState
from saasbot.state.erasure import ErasureState
from saasbot.state.inbox import TypingState
from saasbot.state.message_acts import MessageActsState
from saasbot.state.session import SessionState
from saasbot.state.thread import ThreadState

MAY_WRITE = SessionState.permissions.contains("inbox.write")
_MAY_ANSWER = MAY_WRITE & ~ThreadState.gone
_HERE = ThreadState.open_id
_GONE = "inbox-thread thread-gone"
"""Its number was deleted: what its bubbles offer to send or fetch again is not shown."""


def nothing_open() -> rx.Component:
    """Beside the list alone."""
    return rx.el.section(
        empty_state(
            "messages-square",
            t("Choose a conversation"),
            t("Or press Alt+J to open the first one. “?” lists every shortcut."),
        ),
        class_name="inbox-thread inbox-thread-empty",
        aria_label=t("Messages"),
    )


def conversation() -> rx.Component:
    """The one that the address names."""
    stale = OPEN_CONVERSATION != _HERE
    return rx.fragment(
        rx.el.section(
            rx.cond(
                _HERE == "",
                rx.fragment(rx.el.h1(t("Inbox"), class_name="visually-hidden"), skeleton("thread", 7)),
                rx.cond(ThreadState.found, _thread(), _not_found()),
            ),
            rx.cond(stale & (_HERE != ""), rx.el.div(skeleton("thread", 7), class_name="thread-cover")),
            class_name=rx.cond(stale, "inbox-thread thread-stale", rx.cond(ThreadState.gone, _GONE, "inbox-thread")),
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
        _part(),
        _erase(),
        consent_dialogs(
            asking=ConsentState.asking,
            withdrawing=ConsentState.withdrawing,
            name=ThreadState.name,
            text=ConsentState.text,
            text_name=ConsentState.text_name,
            on_note=ConsentState.note(ConsentState.asking),
            on_withdraw=ConsentState.withdraw(ConsentState.withdrawing),
            on_leave=ConsentState.leave,
        ),
        message_menu(
            name=ThreadState.name,
            may_write=_MAY_ANSWER,
            conversation_id=_HERE,
            on_react=MessageActsState.react,
            on_revoke=MessageActsState.revoke,
            on_cancel=MessageActsState.cancel,
            on_fetch=MessageActsState.fetch,
        ),
        rx.cond(
            _MAY_ANSWER,
            rx.el.div(
                rx.cond(ThreadState.waits != "", notice("hourglass", ThreadState.waits)),
                rx.cond(ThreadState.paused != "", notice("hourglass", ThreadState.paused)),
                composer(
                    bot_answers=ThreadState.handler == "bot",
                    saved=ComposerState.saved,
                    conversation_id=_HERE,
                    draft=ComposerState.draft,
                    refused=ComposerState.refused,
                    csrf=SessionState.csrf_token,
                    voice=ComposerState.voice,
                    on_form=ComposerFormState.show,
                    on_send=ComposerState.send,
                    on_edit=MessageActsState.edit,
                    on_draft=ComposerState.keep_draft,
                    on_typing=ComposerState.typing,
                ),
                composer_forms(
                    shown=ComposerFormState.shown,
                    problem=ComposerFormState.problem,
                    on_open_change=ComposerFormState.switch,
                    on_place=lambda form: ComposerFormState.send_place(_HERE, form),
                    on_card=lambda form: ComposerFormState.send_card(_HERE, form),
                    on_poll=lambda form: ComposerFormState.send_poll(_HERE, form),
                ),
                class_name="composer-zone",
            ),
            read_only(number_gone=ThreadState.gone),
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
        rx.cond(
            ThreadState.gone,
            rx.fragment(),  # nobody answers there any more
            handler_bar(
                ThreadState.handler,
                ThreadState.taken_by,
                group=ThreadState.group,
                may_write=MAY_WRITE,
                on_take=ThreadState.take_over(_HERE),
                on_give_back=ThreadState.hand_back(_HERE),
            ),
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
        group=ThreadState.group,
        bot_enabled=ThreadState.bot_enabled,
        context=ThreadState.context,
        may_write=MAY_WRITE,
        on_bot=lambda on: ThreadState.switch_bot(_HERE, on),
        on_close=toggle_context(),
        on_consent=ConsentState.ask(_HERE),
        on_withdraw=ConsentState.ask_withdraw(_HERE),
        may_erase=SessionState.permissions.contains("contacts.erase"),
        on_erase=ErasureState.ask(_HERE),
        may_export=SessionState.permissions.contains("company.data"),
        on_export=DataState.export_contact(_HERE),
    )


def _erase() -> rx.Component:
    """Somebody asks to be forgotten."""
    return confirm(
        t("Erase {name}?", name=rx.cond(ErasureState.name != "", ErasureState.name, t("this contact"))),
        t(
            "{messages} messages and {files} files on all your numbers, drafts, what the bot noted, and what WhatsApp told us of "
            "them go for good. The figures of past days stay. WhatsApp itself and the phone keep theirs.",
            messages=ErasureState.messages,
            files=ErasureState.files,
        ),
        open=ErasureState.asking != "",
        confirm_label=t("Erase for good"),
        on_confirm=ErasureState.erase(ErasureState.asking),
        on_cancel=ErasureState.leave,
    )


def _part() -> rx.Component:
    """People who were joined, and are not one person after all."""
    return confirm(
        t("Separate these chats again?"),
        t("Messages go back to the chat that they came from. The two are not joined again by themselves."),
        open=ThreadState.parting != "",
        confirm_label=t("Separate"),
        on_confirm=ThreadState.part(ThreadState.parting),
        on_cancel=ThreadState.stay_joined,
        kind="primary",
    )


def _not_found() -> rx.Component:
    return empty_state(
        "message-circle-off",
        t("This conversation does not exist"),
        t("The link is old, or it belongs to another company."),
        link_button(t("Back to the list"), routes.INBOX),
        level=1,
    )
