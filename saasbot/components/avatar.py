"""A person as a round tile: initials on a stable tint, with an optional mark at the corner."""

from typing import Any

import reflex as rx
from reflex_base.vars import VarData
from reflex_base.vars.function import FunctionVar

from saasbot.components.icons import icon
from saasbot.components.types import Text

_MODULE = rx.asset("avatar.js", shared=True).importable_path


def avatar(
    name: Text,
    *,
    key: Text | None = None,
    size: int = 40,
    mark: rx.Component | rx.Var | None = None,
    **props: Any,
) -> rx.Component:
    """Initials of `name`. `key` (an id) keeps the colour when the name changes. Hidden from screen readers: the name
    stands beside it.
    """
    return rx.el.span(
        mark,
        class_name=_call("tintOf", name if key is None else key),
        style={"width": f"{size}px", "height": f"{size}px", "font_size": f"{max(11, round(size * 0.33))}px"},
        # Drawn by the style sheet: nobody wants initials read out, searched or copied with the name.
        custom_attrs={"data-initials": _call("initialsOf", name), "aria-hidden": True},
        **props,
    )


def bot_mark() -> rx.Component:
    """The small robot at an avatar's corner: the bot has this chat."""
    return rx.el.span(icon("bot", 11), class_name="avatar-mark")


def group_mark() -> rx.Component:
    """Several people at an avatar's corner: it is a group."""
    return rx.el.span(icon("users", 11), class_name="avatar-mark")


def person_mark(name: Text) -> rx.Component:
    """The initials of whoever has this chat, at an avatar's corner."""
    return rx.el.span(_call("initialsOf", name), class_name="avatar-mark avatar-mark-person")


def _call(function: str, argument: Text) -> rx.Var[str]:
    target = rx.Var(function, _var_data=VarData(imports={_MODULE: [rx.ImportVar(function)]})).to(FunctionVar)
    return target.call(argument).to(str)
