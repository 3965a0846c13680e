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
    conversation: rx.Var[str], text: rx.Var[str], token: rx.Var[str], media: rx.Var[str], quoted: rx.Var[str]
) -> tuple[rx.Var[str], rx.Var[str], rx.Var[str], rx.Var[str], rx.Var[str]]:
    return conversation, text, token, media, quoted


def _edited(
    conversation: rx.Var[str], message: rx.Var[str], text: rx.Var[str]
) -> tuple[rx.Var[str], rx.Var[str], rx.Var[str]]:
    return conversation, message, text


def _drafted(conversation: rx.Var[str], text: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    return conversation, text


def _typed(conversation: rx.Var[str], on: rx.Var[bool]) -> tuple[rx.Var[str], rx.Var[bool]]:
    return conversation, on


class Composer(rx.Component):
    """Grows to eight lines, keeps drafts, takes files and voice; answers and edits the message that its menu says. Children are
    its tools. `on_send` gets conversation, text, token, file and the message that is answered; `on_edit` conversation,
    message and text."""

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
    labels: rx.Var[dict[str, str]]

    on_send: rx.EventHandler[_sent]
    on_edit: rx.EventHandler[_edited]
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


def composer(*, bot_answers: Flag, saved: Flag, voice: Flag, on_form: Any, **props: Any) -> rx.Component:
    """`bot_answers`: sending then takes the chat over, and the composer says so. `saved`: the draft is kept. `voice`: whether
    voice notes can be made here. `on_form(name)` opens what has a form of its own."""
    return Composer.create(
        _attach_menu(voice, on_form),
        rx.cond(
            voice,
            icon_button("mic", t("Record a voice note"), id="composer-voice"),
            icon_button("mic-off", t("Voice notes need ffmpeg, which this server does not have"), aria_disabled="true"),
        ),
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
        labels={
            "replying": t("Reply to"),
            "editing": t("Edit the message"),
            "cancel": t("Cancel"),
            "recording": t("Recording"),
            "done": t("Done"),
            "voice": t("Voice note"),
            "noMicrophone": t("The microphone cannot be used. Allow it in your browser."),
            "tooLarge": t("Files of more than 100 MB cannot be sent. Choose a smaller one."),
        },
        **props,
    )


def _attach_menu(voice: Flag, on_form: Any) -> rx.Component:
    """Files are chosen by the composer itself (`data-attach`); what is no file has a form."""

    def file(name: str, symbol: str, label: rx.Var[str]) -> rx.Component:
        return rx.dropdown_menu.item(icon(symbol), label, custom_attrs={"data-attach": name})

    def form(name: str, symbol: str, label: rx.Var[str]) -> rx.Component:
        return rx.dropdown_menu.item(icon(symbol), label, on_select=on_form(name), custom_attrs={"data-form": name})

    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                icon("paperclip"),
                type="button",
                id="composer-attach",
                class_name="icon-btn",
                aria_label=t("Attach"),
                title=t("Attach"),
            )
        ),
        rx.dropdown_menu.content(
            file("media", "image", t("Photo or video")),
            file("document", "file-text", t("Document")),
            file("audio", "music", t("Audio")),
            rx.cond(voice, file("voice-file", "mic", t("Audio as a voice note"))),
            file("sticker", "sticker", t("Photo as a sticker")),
            rx.dropdown_menu.separator(),
            form("location", "map-pin", t("Location")),
            form("contact", "contact-round", t("Contact")),
            form("poll", "chart-bar", t("Poll")),
            side="top",
            align="start",
        ),
    )


def read_only(*, number_gone: Flag) -> rx.Component:
    """Instead of the composer, for roles that may not write and in chats of a number that was deleted."""
    why = rx.cond(
        number_gone,
        t("This number was deleted: its chats can be read, not answered."),
        t("Your role can read chats but not answer them."),
    )
    return rx.el.p(icon("lock"), why, class_name="composer-locked")


def _placeholder(bot_answers: Flag) -> rx.Var[str]:
    return rx.cond(bot_answers, t("Write to take the chat over"), t("Write a message")).to(str)


def _hint(bot_answers: Flag) -> Text:
    return rx.cond(bot_answers, t("Sending takes the chat over: the bot goes silent."), "").to(str)


def _toggle_send_key() -> rx.event.EventSpec:
    toggle = rx.Var("toggleSendKey", _var_data=VarData(imports={_MODULE: [rx.ImportVar("toggleSendKey")]}))
    return rx.run_script(toggle.to(FunctionVar).call())
