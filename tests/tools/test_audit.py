"""Known holes in packages: a new one fails the check, and so does a list that nobody has read for long."""

from datetime import date
from typing import Any

import pytest

from tools.audit import ALLOWED, Hole, NoAnswer, problems, read_allowed, read_npm, read_pip

PIP = {
    "dependencies": [
        {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]},
        {"name": "b", "vulns": []},
    ]
}
NPM = {
    "vulnerabilities": {
        "c": {"via": [{"source": 7, "title": "bad", "url": "https://github.com/advisories/GHSA-1"}]},
        "d": {"via": ["c"]},
    }
}
HOLE = Hole("pip", "a", "PYSEC-1")
TODAY = date(2026, 11, 25)


def allowed(until: str, **more: str) -> str:
    entry = {"id": "PYSEC-1", "of": "pip", "package": "a", "why": "not ours", "by": "ana", **more}
    return "[[allow]]\n" + "".join(f'{name} = "{value}"\n' for name, value in entry.items()) + f"until = {until}\n"


def judged(text: str, *holes: Hole, answered: frozenset[str] = frozenset({"pip", "npm"})) -> list[str]:
    return problems(holes, read_allowed(text), answered=set(answered), today=TODAY)


def test_both_tools_are_understood():
    assert read_pip(PIP) == {HOLE}
    assert read_npm(NPM) == {Hole("npm", "c", "GHSA-1")}


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (read_pip, {"dependencies": [{"name": "a", "skip_reason": "Dependency not found on PyPI"}]}),
        (read_pip, {}),
        (read_npm, {"message": "405 Method Not Allowed", "statusCode": 405}),
    ],
)
def test_an_index_that_tells_nothing_is_no_clean_bill(read: Any, told: Any):
    with pytest.raises(NoAnswer):
        read(told)


def test_a_new_hole_fails_and_one_that_was_looked_at_does_not():
    assert judged("", HOLE) == ["a: PYSEC-1 (pip) is new"]
    assert judged(allowed("2026-12-31"), HOLE) == []
    assert judged(allowed("2026-12-31", package="b"), HOLE, answered=frozenset()) == ["a: PYSEC-1 (pip) is new"]


def test_an_entry_that_has_ended_or_is_needed_no_more_fails():
    assert judged(allowed("2026-11-24"), HOLE) == ["a: PYSEC-1 was allowed until 2026-11-24"]
    assert judged(allowed("2026-12-31")) == ["a: PYSEC-1 is told no more, take it off the list"]
    assert judged(allowed("2026-12-31"), answered=frozenset({"npm"})) == []


def test_the_list_can_be_read():
    assert isinstance(read_allowed(ALLOWED.read_text("utf-8")), list)
