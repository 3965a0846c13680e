"""The attempts to get in and to get something out, numbered. A test that makes one says so where it stands:

    @attempt(17, "gate", "A closed tab's token is taken by another session.")
    async def test_…

`make attacks` runs them all, `pytest -k A017` one. A new one is written with the number 0: `python -m tests.attack.attempts` gives
it the next, closes gaps, and writes docs/attacks.md.
"""

import ast
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT / "docs" / "attacks.md"

GROUPS = {
    "gate": "The gate: what reaches the program at all",
    "guard": "The guard: what a tab may call",
    "state": "State: what a tab is shown",
    "accounts": "Accounts: passwords, sign-in, sessions, resets",
    "tokens": "Tokens of the API",
    "tenancy": "Tenancy: the things of another company",
    "files": "Files",
    "out": "Requests that the server makes",
    "secrets": "Secrets and logs",
    "browser": "The browser",
    "limits": "Limits",
    "privacy": "Privacy",
}

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Attempt:
    number: int
    group: str
    sentence: str
    file: str
    test: str
    line: int = 0
    """Of the mark, from 1."""

    @property
    def name(self) -> str:
        return f"A{self.number:03}"


def attempt(number: int, group: str, sentence: str) -> Callable[[F], F]:
    """Marks the test with its number, for `-m attack` and `-k A017`. All three are written out: the list is read from there."""

    def number_it(test: F) -> F:
        setattr(test, Attempt(number, group, sentence, "", "").name, True)
        return pytest.mark.attack(test)

    return number_it


def numbered() -> list[Attempt]:
    """All of them by number, read from the tests' source: nothing is imported or run."""
    sources = (ROOT / "tests").rglob("test_*.py")
    return sorted(
        (found for source in sources for found in _in(source)), key=lambda one: (one.number or math.inf, one.file)
    )


def _in(source: Path) -> Iterator[Attempt]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "attempt":
                    number, group, sentence = (ast.literal_eval(argument) for argument in mark.args)
                    yield Attempt(number, group, sentence, source.relative_to(ROOT).as_posix(), node.name, mark.lineno)


def document(attempts: list[Attempt]) -> str:
    """docs/attacks.md."""
    lines = [
        "# Attacks",
        "",
        "What somebody tries who wants in, or something out. Each line is a test, and in each nothing is gained. `make attacks` runs",
        "them all, `.venv/bin/python -m pytest -k A017` one. This page is written by `python -m tests.attack.attempts`; a test",
        "compares the two.",
    ]
    for group, title in GROUPS.items():
        lines += ["", f"## {title}", "", "| | attempt | test |", "|---|---|---|"]
        lines += [
            f"| {one.name} | {one.sentence} | [{one.test}](../{one.file}) |" for one in attempts if one.group == group
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    for number, one in enumerate(numbered(), 1):
        _write_number(one, number)
    PAPER.write_text(document(numbered()), encoding="utf-8")


def _write_number(one: Attempt, number: int) -> None:
    source = ROOT / one.file
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    rest = "".join(lines[one.line - 1 :])
    source.write_text("".join(lines[: one.line - 1]) + re.sub(r"\d+", str(number), rest, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
