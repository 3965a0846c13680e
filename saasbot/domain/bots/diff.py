"""What changed between two prompts, line by line, as rows that a page can show."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One line. Its number in the old and in the new text counts from 1; 0 where the text does not have it."""

    kind: Literal["same", "added", "removed"]
    old_number: int
    new_number: int
    text: str


def diff_texts(old: str, new: str) -> list[DiffRow]:
    """Every line of both texts once, in reading order; of a changed passage the old lines come first."""
    return list(_rows(old.splitlines(), new.splitlines()))


def _rows(old: list[str], new: list[str]) -> Iterator[DiffRow]:
    # autojunk would call frequent lines (blank ones) noise and show longer changes than there are
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            for offset in range(old_end - old_start):
                yield DiffRow("same", old_start + offset + 1, new_start + offset + 1, old[old_start + offset])
            continue
        for index in range(old_start, old_end):
            yield DiffRow("removed", index + 1, 0, old[index])
        for index in range(new_start, new_end):
            yield DiffRow("added", 0, index + 1, new[index])
