"""A message: a bubble with what it holds, its time and its tick. Everything in it is shown as text, whoever wrote it."""

from typing import Any

import reflex as rx

from saasbot.components.i18n import t
from saasbot.components.icons import icon
from saasbot.components.message_acts import doing, edited_mark, menu_button, poll, reactions, tombstone
from saasbot.components.types import Text

Row = rx.vars.ObjectVar[dict[str, Any]]


@rx.memo
def message_bubble(row: rx.Var[dict[str, Any]], status: rx.Var[str], marked: rx.Var[bool]) -> rx.Component:
    """`row` is a MessageRow, `status` the newest one of it, `marked` draws the line of new messages above it.

    It has no handler of its own: its buttons are heard by the thread (`data-again`, `data-undo`).
    """
    message = row.to(dict)
    return rx.fragment(
        rx.cond(_text(message, "day") != "", rx.el.p(_text(message, "day"), class_name="day")),
        rx.cond(marked, rx.el.p(rx.el.span(t("New messages")), class_name="new-line", role="separator")),
        rx.cond(_text(message, "side") == "line", _line(message), _bubble(message, status)),
    )


def _text(message: Row, name: str) -> rx.vars.StringVar:
    return message[name].to(str)


def _line(message: Row) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            _text(message, "text"),
            rx.cond(
                _text(message, "undo") != "",
                rx.el.button(
                    t("Undo"),
                    type="button",
                    class_name="link activity-undo",
                    custom_attrs={"data-undo": _text(message, "undo")},
                ),
            ),
            title=_text(message, "full"),
        ),
        rx.cond(_text(message, "note") != "", rx.el.p(_text(message, "note"), class_name="activity-note", dir="auto")),
        class_name="activity",
        custom_attrs={"data-message-id": _text(message, "id"), "data-testid": "activity"},
    )


def _bubble(message: Row, status: rx.Var[str]) -> rx.Component:
    side, author, kind = _text(message, "side"), _text(message, "author"), _text(message, "type")
    first = rx.cond(message["first"].to(bool), " message-first", "")
    problem = rx.cond((status == "failed") | (status == "unconfirmed"), f" message-{status}", "")
    return rx.el.div(
        rx.el.div(_body(message, status), menu_button(message), class_name="message-line"),
        reactions(message),
        rx.cond(_text(message, "doing") != "", doing(message)),
        rx.cond((_text(message, "why") != "") & (problem != ""), _problem(message)),
        rx.cond(
            (_text(message, "why") != "") & (status == "queued"),
            rx.el.p(icon("hourglass", 13), rx.el.span(_text(message, "why")), class_name="message-held"),
        ),
        class_name=f"message message-{side} message-{author}{first}{problem}",
        custom_attrs={
            "data-testid": "message",
            "data-message-id": _text(message, "id"),
            "data-direction": rx.cond(side == "in", "inbound", "outbound"),
            "data-author": author,
            "data-status": status,
            "data-type": kind,
            "data-can": _text(message, "can"),
            "data-speaker": _text(message, "speaker"),
            "data-at": message["at"].to(int),
            "data-own-reaction": _text(message, "own_reaction"),
        },
    )


def _body(message: Row, status: rx.Var[str]) -> rx.Component:
    side, author, kind = _text(message, "side"), _text(message, "author"), _text(message, "type")
    return rx.el.div(
        rx.cond(_text(message, "who") != "", _speaker(message, author)),
        rx.cond(_text(message, "quote") != "", _quote(message)),
        rx.cond(
            message["revoked"].to(bool),
            tombstone(message),
            rx.fragment(
                rx.match(
                    kind,
                    ("image", _picture(message)),
                    ("video", _video(message)),
                    ("sticker", _sticker(message)),
                    ("audio", _sound(message)),
                    ("document", _document(message)),
                    ("location", _place(message)),
                    ("contact", _cards(message)),
                    ("unsupported", _placeholder(message)),
                    rx.fragment(),
                ),
                rx.cond(message["poll"].to(bool), poll(message)),
                rx.cond(
                    _text(message, "text") != "",
                    rx.el.span(_text(message, "text"), class_name="bubble-text", dir="auto"),
                ),
            ),
        ),
        rx.el.span(
            rx.cond(message["ephemeral"].to(bool), _forgotten_mark()),
            rx.cond(message["edited"].to(bool), edited_mark(message)),
            rx.el.time(_text(message, "time"), title=_text(message, "full")),
            rx.cond(side == "out", tick(status, _text(message, "why"))),
            class_name="bubble-meta",
        ),
        class_name=f"bubble bubble-{side} bubble-{author} bubble-{kind}"
        + rx.cond(message["revoked"].to(bool), " bubble-revoked", "").to(str),
    )


def _speaker(message: Row, author: rx.Var[str]) -> rx.Component:
    return rx.el.p(
        rx.match(author, ("bot", icon("bot", 14)), ("phone", icon("smartphone", 13)), rx.fragment()),
        _text(message, "who"),
        class_name="bubble-who",
    )


def _quote(message: Row) -> rx.Component:
    return rx.el.div(
        rx.el.p(_text(message, "quote_who"), class_name="quote-who"),
        rx.el.p(_text(message, "quote"), dir="auto"),
        class_name="bubble-quote",
    )


def _picture(message: Row) -> rx.Component:
    return _frame(
        message,
        rx.el.a(
            rx.el.img(src=_text(message, "thumb"), alt=t("Photo"), loading="lazy", decoding="async"),
            href=_text(message, "url"),
            target="_blank",
            rel="noopener",
        ),
    )


def _video(message: Row) -> rx.Component:
    # the first frame is fetched with the metadata: WhatsApp's own small picture of it is not kept
    player = rx.el.video(src=_text(message, "url"), controls=True, preload="metadata", aria_label=t("Video"))
    return _frame(message, player)


def _sticker(message: Row) -> rx.Component:
    return _frame(message, rx.el.img(src=_text(message, "url"), alt=t("Sticker"), loading="lazy", decoding="async"))


def _frame(message: Row, shown: rx.Component) -> rx.Component:
    """A box of the file's own ratio, there before the file is: nothing jumps when it comes."""
    return rx.el.div(
        rx.match(
            _text(message, "media"),
            ("stored", shown),
            ("failed", _missing(message)),
            rx.el.span(class_name="spinner", role="status", aria_label=t("The file is on its way")),
        ),
        class_name="bubble-picture",
        style={
            "width": f"{message['width']}px",
            "aspect_ratio": f"{message['width']} / {message['height']}",
        },
    )


def _sound(message: Row) -> rx.Component:
    voice = message["voice"].to(bool)
    return rx.el.div(
        rx.cond(voice, icon("mic"), icon("music")),
        rx.match(
            _text(message, "media"),
            (
                "stored",
                rx.el.audio(
                    src=_text(message, "url"),
                    controls=True,
                    preload="none",
                    aria_label=rx.cond(voice, t("Voice note"), t("Audio")),
                ),
            ),
            ("failed", _missing(message)),
            rx.el.span(t("The file is on its way"), class_name="bubble-note-text"),
        ),
        rx.cond(
            _text(message, "file_note") != "", rx.el.span(_text(message, "file_note"), class_name="num bubble-facts")
        ),
        class_name="bubble-sound",
    )


def _document(message: Row) -> rx.Component:
    inside = rx.fragment(
        icon("file-text", 20),
        rx.el.span(
            rx.el.span(_text(message, "file_name"), class_name="truncate", dir="auto"),
            rx.el.span(
                rx.match(
                    _text(message, "media"),
                    ("stored", rx.el.span(_text(message, "file_note"))),
                    ("failed", _missing(message)),
                    rx.el.span(t("The file is on its way")),
                ),
                class_name="bubble-facts",
            ),
            class_name="bubble-lines",
        ),
    )
    return rx.cond(
        _text(message, "link") != "",
        rx.el.a(inside, icon("download"), href=_text(message, "link"), download=True, class_name="bubble-card"),
        rx.el.div(inside, class_name="bubble-card"),
    )


def _place(message: Row) -> rx.Component:
    return rx.el.a(
        icon("map-pin", 20),
        _two_lines(message),
        icon("external-link", 14),
        href=_text(message, "link"),
        target="_blank",
        rel="noopener noreferrer",
        class_name="bubble-card",
    )


def _cards(message: Row) -> rx.Component:
    return rx.fragment(
        _card(message),
        rx.foreach(message["others"].to(list[dict[str, Any]]), _card),
        rx.cond(_text(message, "left_out") != "", rx.el.p(_text(message, "left_out"), class_name="bubble-facts")),
    )


def _card(card: Row) -> rx.Component:
    return rx.el.div(icon("contact", 20), _two_lines(card), class_name="bubble-card")


def _two_lines(row: Row) -> rx.Component:
    return rx.el.span(
        rx.el.span(_text(row, "title"), class_name="truncate", dir="auto"),
        rx.cond(_text(row, "note") != "", rx.el.span(_text(row, "note"), class_name="bubble-facts", dir="auto")),
        class_name="bubble-lines",
    )


def _placeholder(message: Row) -> rx.Component:
    return rx.el.p(icon("circle-help"), _text(message, "title"), class_name="bubble-note-text")


def _missing(message: Row) -> rx.Component:
    again = rx.el.button(
        rx.cond(message["asked"].to(bool), icon("rotate-cw", 13), icon("download", 13)),
        rx.cond(message["asked"].to(bool), t("Fetch it again"), t("Fetch the file")),
        type="button",
        class_name="link",
        custom_attrs={"data-fetch": _text(message, "id")},
    )
    return rx.el.span(
        icon("circle-alert"),
        rx.el.span(_text(message, "note"), rx.cond(message["retry"].to(bool), again)),
        class_name="bubble-note-text bubble-missing",
    )


def _forgotten_mark() -> rx.Component:
    label = t("WhatsApp deletes this message by itself")
    return rx.el.span(icon("timer", 12, label=label), title=label)


def tick(status: rx.Var[str], why: Text) -> rx.Component:
    """How far an outbound message has come, as a mark with its name."""
    found = rx.match(
        status,
        ("queued", _mark("clock", t("Waiting to be sent"))),
        ("sending", _mark("clock", t("Being sent"))),
        ("sent", _mark("check", t("Sent"))),
        ("delivered", _mark("check-check", t("Delivered"))),
        ("read", _mark("check-check", t("Read"), "tick-read")),
        ("failed", _mark("circle-alert", t("Not sent"), "tick-failed")),
        ("unconfirmed", _mark("triangle-alert", rx.cond(why != "", why, t("Not confirmed")).to(str), "tick-warning")),
        rx.fragment(),
    )
    return rx.fragment(found)


def _mark(name: str, label: rx.Var[str], class_name: str = "") -> rx.Component:
    return rx.el.span(icon(name, 14, label=label), title=label, class_name=f"tick {class_name}".strip())


def _problem(message: Row) -> rx.Component:
    return rx.el.p(
        icon("circle-alert", 13),
        rx.el.span(_text(message, "why")),
        rx.cond(
            message["resent"].to(bool),
            rx.el.span(t("It was sent again.")),
            rx.el.button(
                t("Send again"),
                type="button",
                class_name="link",
                custom_attrs={"data-again": _text(message, "id")},
            ),
        ),
        class_name="message-problem",
    )
