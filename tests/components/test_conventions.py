"""What reviewers would otherwise have to look for in pages, components and style sheets."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import saasbot

ROOT = Path(saasbot.__file__).parent
ASSETS = ROOT.parent / "assets"
HEX = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b")
ADDRESS = re.compile(r"^(?:/[a-z]|https?://)")
# Files of the front end itself, not pages.
ALLOWED = {"/favicon.svg"}


def _strings() -> Iterator[tuple[str, str]]:
    """Every string literal of pages and components that is not a docstring."""
    for path in [*ROOT.glob("pages/**/*.py"), *ROOT.glob("components/**/*.py")]:
        tree = ast.parse(path.read_text())
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def test_colours_are_tokens() -> None:
    in_python = [where for where, text in _strings() if HEX.search(text)]
    in_styles = [str(path.name) for path in ASSETS.rglob("*.css") if HEX.search(path.read_text())]
    assert not in_python + in_styles


def test_addresses_come_from_routes() -> None:
    written = [f"{where} {text}" for where, text in _strings() if ADDRESS.match(text) and text not in ALLOWED]
    assert not written
