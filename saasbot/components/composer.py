"""Where answers are written. See composer.js."""

from typing import Any

import reflex as rx
from reflex_base.vars import VarData
from reflex_base.vars.function import FunctionVar

from saasbot.components.buttons import button, icon_button
from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.types import Flag, Text

_MODULE = rx.asset("composer.js", shared=True).importable_path

# "enter" or "mod" (Ctrl or ⌘ with Enter): which key sends in this browser.
SEND_KEY: rx.vars.StringVar = rx.Var(
    "sendKey",
    _var_data=VarData(imports={_MODULE: [rx.ImportVar("useSendKey")]}, hooks={"const sendKey = useSendKey()": None}),
).to(str)


def _sent(
    conversation: rx.Var[str], text: rx.Var[str], token: rx.Var[str], media: rx.Var[str]
) -> tuple[rx.Var[str], rx.Var[str], rx.Var[str], rx.Var[str]]:
    return conversation, text, token, media


def _drafted(conversation: rx.Var[str], text: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    return conversation, text


def _typed(conversation: rx.Var[str], on: rx.Var[bool]) -> tuple[rx.Var[str], rx.Var[bool]]:
    return conversation, on


class Composer(rx.Component):
    """Grows to eight lines, keeps drafts, takes files; children are its tools. `on_send` gets conversation, text, token, file."""

    library = _MODULE
    tag = "Composer"

    conversation_id: rx.Var[str]
    draft: rx.Var[str]
    refused: rx.Var[str]
    label: rx.Var[str]
    placeholder: rx.Var[str]
    csrf: rx.Var[str]
    remove_label: rx.Var[str]
    uploading_label: rx.Var[str]
    failed_label: rx.Var[str]

    on_send: rx.EventHandler[_sent]
    on_draft: rx.EventHandler[_drafted]
    on_typing: rx.EventHandler[_typed]


class Outgoing(rx.Component):
    """Bubbles of what this browser has sent and the server does not have yet."""

    library = _MODULE
    tag = "Outgoing"

    conversation_id: rx.Var[str]
    tokens: rx.Var[list[str]]
    label: rx.Var[str]


def outgoing(conversation_id: rx.Var[str], tokens: rx.Var[Any]) -> rx.Component:
    return Outgoing.create(conversation_id=conversation_id, tokens=tokens, label=t("Sending…"))


def composer(*, bot_answers: Flag, saved: Flag, **props: Any) -> rx.Component:
    """`bot_answers`: sending then takes the chat over, and the composer says so. `saved`: the draft is kept."""
    return Composer.create(
        icon_button("paperclip", t("Attach a file"), id="composer-attach"),
        icon_button(
            "corner-down-left",
            rx.cond(
                SEND_KEY == "mod",
                t("Ctrl+Enter sends. Change to Enter"),
                t("Enter sends. Change to Ctrl+Enter"),
            ).to(str),
            id="composer-send-key",
            on_click=_toggle_send_key(),
            aria_pressed=(SEND_KEY == "mod").to_string(),
        ),
        rx.el.span(
            rx.cond(saved, t("Draft saved"), ""),
            class_name="composer-saved",
            role="status",
        ),
        rx.el.span(_hint(bot_answers), class_name="composer-hint"),
        button(t("Send"), kind="primary", icon="send", type="submit", id="composer-send"),
        label=t("Message"),
        placeholder=_placeholder(bot_answers),
        remove_label=t("Remove"),
        uploading_label=t("Uploading"),
        failed_label=t("It could not be uploaded."),
        **props,
    )


def read_only() -> rx.Component:
    """Instead of the composer, for roles that may not write."""
    return rx.el.p(icon("lock"), t("Your role can read chats but not answer them."), class_name="composer-locked")


def _placeholder(bot_answers: Flag) -> rx.Var[str]:
    return rx.cond(bot_answers, t("Write to take the chat over"), t("Write a message")).to(str)


def _hint(bot_answers: Flag) -> Text:
    return rx.cond(bot_answers, t("Sending takes the chat over: the bot goes silent."), "").to(str)


def _toggle_send_key() -> rx.event.EventSpec:
    toggle = rx.Var("toggleSendKey", _var_data=VarData(imports={_MODULE: [rx.ImportVar("toggleSendKey")]}))
    return rx.run_script(toggle.to(FunctionVar).call())
