"""A phone on screen: enough like WhatsApp to need no words. Its chat is one customer's with a number of the shop."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from saasbot.components.avatar import avatar
from saasbot.components.i18n import pick, t
from saasbot.components.icons import icon
from saasbot.components.types import Text

FORM = "phone-form"
"""The composer's form: the fields that say who writes stand elsewhere and belong to it by this id."""

_ATTACHMENTS = (
    ("image", "image", "Photo"),
    ("audio", "mic", "Voice note"),
    ("document", "file-text", "Document"),
    ("location", "map-pin", "Location"),
    ("contact", "contact-round", "Contact"),
    ("sticker", "sticker", "Sticker"),
)


@dataclass(frozen=True)
class PhoneActions:
    """What the phone's controls call."""

    send: Any
    send_sample: Callable[..., Any]
    type_text: Any
    stop_typing: Any
    call: Any
    vote: Callable[..., Any]


@dataclass(frozen=True)
class PhoneScreen:
    """What the phone shows, as Vars."""

    title: rx.Var[str]
    """The other party's name."""
    types: rx.Var[bool]
    """The other party is typing."""
    bubbles: rx.vars.ArrayVar[Any]
    linked: rx.Var[bool]
    as_owner: rx.Var[bool]


def phone(screen: PhoneScreen, actions: PhoneActions) -> rx.Component:
    return rx.el.section(
        rx.el.div(class_name="phone-notch", aria_hidden="true"),
        _bar(screen, actions),
        rx.el.div(
            rx.el.div(
                rx.cond(
                    screen.bubbles.length() > 0,
                    rx.foreach(screen.bubbles, lambda row: _bubble(row, screen, actions)),
                    rx.el.p(_hint(screen), class_name="phone-hint"),
                ),
                class_name="phone-chat",
                role="log",
                aria_label=t("Chat"),
            ),
            class_name="phone-paper",
            tab_index=0,
        ),
        _composer(screen, actions),
        class_name="phone",
        aria_label=rx.cond(screen.as_owner, t("The shop's phone"), t("The customer's phone")),
    )


def _bar(screen: PhoneScreen, actions: PhoneActions) -> rx.Component:
    return rx.el.header(
        icon("chevron-left", 20),
        avatar(screen.title, size=34),
        rx.el.div(
            rx.el.b(screen.title, class_name="truncate"),
            rx.el.span(
                rx.cond(screen.types, t("typing…"), rx.cond(screen.linked, t("online"), "")),
                id="phone-presence",
                class_name=rx.cond(screen.types, "phone-presence phone-typing", "phone-presence"),
                aria_live="polite",
            ),
            class_name="phone-who",
        ),
        rx.el.button(
            icon("phone", 17),
            type="button",
            id="phone-call",
            class_name="icon-btn",
            aria_label=t("Call the shop"),
            title=t("Call the shop"),
            disabled=~screen.linked | screen.as_owner,
            on_click=actions.call,
        ),
        class_name="phone-bar",
    )


def _hint(screen: PhoneScreen) -> rx.Var[str]:
    return rx.cond(
        screen.linked,
        t("Nothing here yet. Write the first message."),
        t("No phone is linked to this number yet."),
    ).to(str)


def _bubble(row: rx.vars.ObjectVar[Any], screen: PhoneScreen, actions: PhoneActions) -> rx.Component:
    return rx.el.div(
        rx.cond(row.quote != "", rx.el.p(row.quote, class_name="bubble-quote")),
        rx.cond(
            row.revoked,
            rx.el.em(icon("ban", 13), t("This message was deleted"), class_name="phone-gone"),
            _content(row),
        ),
        rx.foreach(row.options.to(list[dict[str, Any]]), lambda option: _option(row, option, screen, actions)),
        rx.el.span(
            rx.cond(row.edited, t("edited"), ""),
            rx.el.time(row.time),
            rx.match(
                row.tick,
                ("sent", icon("check", 14, t("Sent"))),
                ("delivered", icon("check-check", 14, t("Delivered"))),
                ("read", icon("check-check", 14, t("Read"), class_name="tick-read")),
                rx.fragment(),
            ),
            class_name="bubble-meta",
        ),
        rx.cond(row.reaction != "", rx.el.span(row.reaction, class_name="phone-reaction")),
        class_name=rx.cond(row.mine, "bubble phone-bubble phone-out", "bubble phone-bubble phone-in"),
        custom_attrs={
            "data-testid": "phone-message",
            "data-by": row.by,
            "data-kind": row.kind,
            "data-tick": row.tick,
        },
    )


def _option(
    row: rx.vars.ObjectVar[Any], option: rx.vars.ObjectVar[Any], screen: PhoneScreen, actions: PhoneActions
) -> rx.Component:
    """Pressing it is the customer's vote."""
    chosen = option["chosen"].to(bool)
    return rx.el.button(
        rx.cond(chosen, icon("circle-check", 16), icon("circle", 16)),
        option["text"].to(str),
        type="button",
        class_name="phone-option",
        aria_pressed=chosen.to_string(),
        disabled=screen.as_owner,
        on_click=actions.vote(row.wa_id, option["text"].to(str)),
    )


def _content(row: rx.vars.ObjectVar[Any]) -> rx.Component:
    symbol = rx.match(
        row.kind,
        ("audio", icon("mic", 18)),
        ("video", icon("video", 18)),
        ("call", icon("phone-missed", 18)),
        ("location", icon("map-pin", 18)),
        ("contact", icon("contact-round", 18)),
        icon("file-text", 18),
    )
    return rx.fragment(
        rx.cond(
            row.picture != "",
            rx.el.img(src=row.picture, alt=t("Photo"), class_name=f"phone-picture phone-{row.kind}", loading="lazy"),
            rx.cond(row.label != "", rx.el.span(symbol, rx.el.span(row.label), class_name="phone-file")),
        ),
        rx.cond(row.text != "", rx.el.span(row.text, class_name="phone-text")),
    )


def _composer(screen: PhoneScreen, actions: PhoneActions) -> rx.Component:
    return rx.el.form(
        rx.dropdown_menu.root(
            rx.dropdown_menu.trigger(
                rx.el.button(
                    icon("plus", 20),
                    type="button",
                    id="phone-attach",
                    class_name="phone-round",
                    aria_label=t("Attach"),
                    disabled=~screen.linked | screen.as_owner,
                )
            ),
            rx.dropdown_menu.content(
                *[
                    rx.dropdown_menu.item(
                        icon(symbol),
                        _attachment_name(label),
                        on_select=actions.send_sample(kind),
                        id=f"phone-send-{kind}",
                    )
                    for kind, symbol, label in _ATTACHMENTS
                ],
                side="top",
            ),
        ),
        rx.el.input(
            id="phone-text",
            name="phone_text",
            type="text",
            class_name="phone-input",
            placeholder=t("Message"),
            aria_label=t("Message"),
            auto_complete="off",
            required=True,
            max_length=4000,
            on_change=actions.type_text,
            on_blur=actions.stop_typing,
        ),
        rx.el.button(
            icon("send-horizontal", 18),
            type="submit",
            id="phone-send",
            class_name="phone-round phone-go",
            aria_label=t("Send"),
            disabled=~screen.linked,
        ),
        id=FORM,
        on_submit=actions.send,
        reset_on_submit=True,
        class_name="phone-composer",
    )


def _attachment_name(label: str) -> rx.Var[str]:
    return pick(
        label,
        ("Photo", t("Photo")),
        ("Voice note", t("Voice note")),
        ("Document", t("Document")),
        ("Location", t("Location")),
        ("Contact", t("Contact")),
        t("Sticker"),
    )


def person_button(row: rx.vars.ObjectVar[Any], *, current: rx.Var[bool], on_pick: Callable[..., Any]) -> rx.Component:
    """A customer to play."""
    return rx.el.button(
        avatar(row.name, key=row.peer, size=32),
        rx.el.span(
            rx.el.b(row.name, class_name="truncate"),
            rx.el.span(row.phone, class_name="truncate"),
            class_name="phone-person-text",
        ),
        type="button",
        class_name=rx.cond(current, "phone-person phone-person-on", "phone-person"),
        aria_pressed=current,
        on_click=on_pick(row.peer, row.name),
    )


def fault_row(
    kind: str,
    symbol: str,
    title: Text,
    text: Text,
    *,
    active: rx.Var[bool],
    lasting: bool,
    on_switch: Callable[..., Any],
) -> rx.Component:
    """What can go wrong, in plain words. One that lasts can be ended by pressing again."""
    verb = rx.cond(active, t("End"), t("Cause")) if lasting else rx.cond(active, t("Waiting"), t("Cause"))
    return rx.el.li(
        icon(symbol),
        rx.el.div(rx.el.b(title), rx.el.p(text)),
        rx.el.button(
            rx.el.span(verb),
            rx.el.span(title, class_name="visually-hidden"),
            type="button",
            id=f"fault-{kind}",
            class_name=rx.cond(active, "btn btn-secondary phone-fault-on", "btn btn-secondary"),
            aria_pressed=active,
            on_click=on_switch(kind),
        ),
        class_name="phone-fault",
    )
