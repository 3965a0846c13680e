"""Keyboard shortcuts and the sheet that lists them."""

from collections.abc import Sequence

import reflex as rx
from reflex.experimental.client_state import ClientStateVar

from saasbot.components.chips import kbd
from saasbot.components.dialogs import dialog
from saasbot.components.i18n import t
from saasbot.components.types import Text

_MODULE = rx.asset("keyboard.js", shared=True).importable_path

# (keys as shown, what they do)
ShortcutRow = tuple[str, Text]

_sheet_open = ClientStateVar.create("cheat_sheet_open", default=False)


class Shortcut(rx.Component):
    """`on_press` fires when `keys` ("alt+j", "mod+enter", "?") are pressed; plain characters not while typing."""

    library = _MODULE
    tag = "Shortcut"

    keys: rx.Var[str]
    on_press: rx.EventHandler[rx.event.no_args_event_spec]


def shortcut(keys: str, on_press: rx.event.EventType) -> rx.Component:
    """Draws nothing; active while it is on the page."""
    return Shortcut.create(keys=keys, on_press=on_press)


def open_cheat_sheet() -> rx.Var:
    """For the `on_click` of a help button."""
    return _sheet_open.set_value(True)


def cheat_sheet(rows: Sequence[ShortcutRow]) -> rx.Component:
    """The list of shortcuts, opened by `?` and by `open_cheat_sheet`."""
    return rx.fragment(
        shortcut("?", _sheet_open.set_value(True)),
        dialog(
            t("Keyboard shortcuts"),
            rx.el.dl(
                *[rx.el.div(rx.el.dt(what), rx.el.dd(*[kbd(key) for key in keys.split("+")])) for keys, what in rows],
                class_name="cheat-sheet",
            ),
            open=_sheet_open.value,
            on_open_change=_sheet_open.set,
            width=440,
        ),
    )
