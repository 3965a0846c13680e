"""A canary in every var of every state: what the app forgets to empty is found by its song."""

import dataclasses
import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import reflex as rx
from reflex.state import State
from reflex_base.registry import RegistrationContext

from tests.gate.tab import Tab

SONG = "canary-7f3a9c"
NUMBER = 7_391_662_043
ID = UUID("7f3a9c00-7f3a-4c7f-8a9c-7f3a9c7f3a9c")


def our_states() -> list[type[State]]:
    found = RegistrationContext.get().base_states.values()
    return [state for state in found if state.__module__.startswith("saasbot.")]  # type: ignore[misc]


def vars_of(state: type[State]) -> Iterator[tuple[str, Any, Any]]:
    """Name, type and first value of every var that the class declares, sent to the browser or not."""
    hints = get_type_hints(state)
    for name, field in state.__fields__.items():
        if field._owner is state:
            yield name, hints.get(name, str), field.default_value()


def canary_of(hint: Any, first: Any) -> Any:
    """A value of the type, other than the first one, with the song wherever it can hold it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is rx.Field:
        return canary_of(arguments[0], first)
    if origin in (Union, UnionType):
        return canary_of(next(one for one in arguments if one is not type(None)), first)
    if origin is list:
        return [canary_of(arguments[0], None)]
    if origin is dict:
        return {SONG: canary_of(arguments[1], None)}
    if hint is bool:
        return not first
    if hint is int:
        return NUMBER
    if hint is UUID:
        return ID
    if dataclasses.is_dataclass(hint):
        fields = get_type_hints(hint)
        return hint(**{field.name: canary_of(fields[field.name], None) for field in dataclasses.fields(hint)})  # type: ignore[operator]
    return SONG  # texts, and whatever only the server holds


async def let_in(tab: Tab, states: list[type[State]]) -> None:
    """Afterwards every var of these states holds its canary."""
    for state in states:
        held = await tab.state(state)
        for name, hint, first in vars_of(state):
            setattr(held, name, canary_of(hint, first))


async def left_in(tab: Tab, states: list[type[State]]) -> list[str]:
    """Vars of these states that are not as in a new tab."""
    return [
        f"{state.__name__}.{name}"
        for state in states
        for held in [await tab.state(state)]
        for name, _hint, first in vars_of(state)
        if getattr(held, name) != first
    ]


def sings(what: Any) -> bool:
    """Whether anything of a canary is in it, as it would be sent."""
    text = json.dumps(what, default=lambda value: repr(value))
    return any(str(sign) in text for sign in (SONG, NUMBER, ID))
