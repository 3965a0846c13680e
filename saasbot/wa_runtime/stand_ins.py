"""Packages that the library imports for what we never ask of it (link previews, stickers, vCards, files by address, QR codes on
a terminal), left out of bridges: together they are 15 MB of each.

Others import the real ones as ever: a stand-in is seen by what is imported inside `left_out` only.
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
    try:
        yield
    finally:
        for name in placed:
            del sys.modules[name]
