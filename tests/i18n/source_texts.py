"""Finds every text for people in the source, by syntax: t, tn, gettext, N_, InvalidInput and the messages of AppErrors."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import saasbot

ROOT = Path(saasbot.__file__).parent
# Which positional arguments of which function are texts.
TEXT_ARGUMENTS = {"t": (0,), "tn": (0, 1), "gettext": (1,), "N_": (0,), "InvalidInput": (1,)}
# Where the functions themselves pass their parameters on.
DEFINITIONS = {"components/i18n.py", "infra/i18n.py", "infra/errors.py"}
PLACEHOLDER = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Text:
    """One text and where it stands. `given` are the names it is filled with, None when only the run knows."""

    message: str
    context: str | None
    where: str
    given: frozenset[str] | None = None

    @property
    def key(self) -> tuple[str | None, str]:
        return self.context, self.message

    @property
    def placeholders(self) -> frozenset[str]:
        return frozenset(PLACEHOLDER.findall(self.message))

    @property
    def needs_translation(self) -> bool:
        """Not so when only placeholders and punctuation are in it."""
        return any(char.isalpha() for char in PLACEHOLDER.sub("", self.message))


@dataclass(frozen=True)
class Opaque:
    """A text that is neither a literal nor the `message` of an error (marked where it stands): who knows what it is?"""

    where: str
    code: str


def texts(root: Path = ROOT) -> Iterator[Text | Opaque]:
    """Every text under `root`."""
    trees = {path.relative_to(root).as_posix(): ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))}
    errors = _error_classes(trees.values())
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from _of_call(node, name)
            elif isinstance(node, ast.ClassDef) and node.name in errors:
                yield from _of_class(node, name)


def _of_call(call: ast.Call, name: str) -> Iterator[Text | Opaque]:
    function = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if function not in TEXT_ARGUMENTS or (function == "gettext" and len(call.args) < 2):
        return
    where = f"{name}:{call.lineno}"
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    context = keywords.pop("context", None)
    given = None if None in keywords or function == "N_" else frozenset(filter(None, keywords)) - {"field", "problem"}
    for index in TEXT_ARGUMENTS[function]:
        argument = call.args[index] if index < len(call.args) else keywords.get("problem")
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            filled = given if given is None or function != "tn" else given | {"n"}
            yield Text(argument.value, getattr(context, "value", None), where, filled)
        elif name not in DEFINITIONS and getattr(argument, "attr", "") != "message":
            yield Opaque(where, ast.unparse(call))


def _of_class(node: ast.ClassDef, name: str) -> Iterator[Text]:
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        if isinstance(target, ast.Name) and target.id == "message" and isinstance(value, ast.Constant):
            yield Text(str(value.value), None, f"{name}:{statement.lineno}")


def _error_classes(trees: Iterable[ast.AST]) -> set[str]:
    """Names of AppError and everything below it."""
    bases = {
        node.name: {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {"AppError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found
