"""Packages that the library imports for what we never ask of it (link previews, stickers, vCards, files by address, QR codes on
a terminal), and others for what they can do without, left out of bridges: together they are 25 MB of each.

Everybody else imports the real ones as ever: `left_out` and `absent` bear on what is imported inside them only.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

UNNEEDED = (
    "httpx",
    "linkpreview",
    "linkpreview.exceptions",
    "PIL",
    "PIL.Image",
    "PIL.ImageSequence",
    "phonenumbers",
    "requests",
    "requests.exceptions",
    "segno",
    "tqdm",
    "tqdm.auto",
)


class LeftOut(Exception):
    """The library was asked for what needs a package that bridges do without."""


class _StandIn(ModuleType):
    """A module that has every name, each a class that cannot be made."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(_self: Any, *_arguments: Any, **_more: Any) -> None:
            raise LeftOut(f"{self.__name__}.{name}")

        return type(name, (Exception,), {"__init__": refuse})  # an exception, because `except` clauses name some


@contextmanager
def left_out(names: tuple[str, ...] = UNNEEDED) -> Iterator[None]:
    """What is imported meanwhile gets stand-ins for these modules, unless they are loaded already."""
    placed = {name: _StandIn(name) for name in names if name not in sys.modules}
    sys.modules.update(placed)
    for name, module in placed.items():
        package, _, own = name.rpartition(".")
        if package in placed:
            setattr(placed[package], own, module)  # as an import does: annotations name what is in it
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """What is imported meanwhile finds these packages not installed, unless they are loaded already."""
    placed = [name for name in names if name not in sys.modules]
    nothing: dict[str, Any] = dict.fromkeys(placed)
    sys.modules.update(nothing)  # None in its place: the import system raises ModuleNotFoundError
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]
