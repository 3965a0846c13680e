"""The processes of the runtime are small, and compile once."""

from pathlib import Path
from typing import Any

import pytest

from saasbot.wa_runtime.child import Child


async def test_a_child_drops_docstrings_and_asserts_and_keeps_its_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    said: list[dict[str, Any]] = []
    child = Child("tests.wa_runtime.small_process", tmp_path / "child.log", said.append)
    await child.start()
    assert await child.wait() == 0, (tmp_path / "child.log").read_text()
    assert said == [{"docstring": None, "asserts": False, "writes_bytecode": True}]


async def test_lines_that_are_not_a_childs_own_are_passed_over(tmp_path: Path):
    said: list[str] = []

    def heard(line: dict[str, Any]) -> None:
        if line.get("word"):
            said.append(line["word"])

    child = Child("tests.wa_runtime.obedient_process", tmp_path / "child.log", heard)
    await child.start()
    for text in ("no JSON", "true", "[1]", '"word"', '{"other": 1}', '{"word": "heard"}'):
        child.tell({"print": text})
    child.tell({"print": "x" * 100_000})
    child.tell({"exit": 3})
    assert (await child.wait(), said) == (3, ["heard"])
