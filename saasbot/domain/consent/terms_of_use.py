"""The terms of use and privacy notice that people of a team accept: texts of the package, a file for each version and language.

A version is never changed: another text is a file with a later name (`terms/<year>-<month>.<language>.md`), in both languages.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from saasbot.infra.errors import NotFound
from saasbot.infra.i18n import supported

_FOLDER = Path(__file__).with_name("terms")

VERSIONS: tuple[str, ...] = tuple(sorted({path.name.partition(".")[0] for path in _FOLDER.glob("*.md")}))
"""From the first to the one that counts."""
CURRENT = VERSIONS[-1]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the text: `text` has no marks of its own. `item` is one line of a list."""

    kind: Literal["title", "heading", "item", "paragraph"]
    text: str


_MARKS: tuple[tuple[str, Literal["title", "heading", "item"]], ...] = (
    ("# ", "title"),
    ("## ", "heading"),
    ("- ", "item"),
)


def is_due(accepted: str) -> bool:
    """Whether somebody who accepted this version last (none: "") is to be asked for the one that counts."""
    return accepted < CURRENT


def terms_text(locale: str, version: str = CURRENT) -> str:
    """The text as it is in its file: headings, paragraphs and lists, one a line.

    Raises: NotFound, there is no such version.
    """
    if version not in VERSIONS:
        raise NotFound
    return _read(version, supported(locale))


def blocks(text: str) -> list[Block]:
    """The text in its parts, for a page."""
    return [_block(line) for line in text.splitlines() if line.strip()]


def _block(line: str) -> Block:
    for mark, kind in _MARKS:
        if line.startswith(mark):
            return Block(kind, line.removeprefix(mark))
    return Block("paragraph", line)


@cache
def _read(version: str, locale: str) -> str:
    return (_FOLDER / f"{version}.{locale}.md").read_text(encoding="utf-8")
