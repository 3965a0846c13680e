"""`python -m tools.audit`: known holes in the packages that we use, as the package indexes tell them; 1 when one is new.

Where no index answers such questions (a mirror, no network) it says so in one line and lets pass; AUDIT=required does not.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = Path(__file__).with_name("audit-allow.toml")
PIP_AUDIT = "pip-audit@2.10.1"
SECONDS = 300


@dataclass(frozen=True, order=True)
class Hole:
    of: str
    package: str
    id: str


@dataclass(frozen=True)
class Allowed:
    """A hole that was looked at, and until when that counts."""

    hole: Hole
    why: str
    by: str
    until: date


class NoAnswer(Exception):
    """The index tells no holes."""


def pip_holes() -> set[Hole]:
    """Raises: NoAnswer."""
    command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", PIP_AUDIT]
    return read_pip(
        _run([*command, "-r", "requirements-dev.txt", "--disable-pip", "--require-hashes", "-f", "json"], ROOT)
    )


def npm_holes() -> set[Hole]:
    """Of the packages that the pages are built with. Raises: NoAnswer."""
    npm = Path(sys.executable).with_name("npm")
    return read_npm(_run([str(npm), "audit", "--json", "--package-lock-only"], ROOT / "reflex.lock"))


def read_pip(told: Any) -> set[Hole]:
    """Raises: NoAnswer, when not one package is known there."""
    answered = [package for package in told.get("dependencies", ()) if "vulns" in package]
    if not answered:
        raise NoAnswer
    return {Hole("pip", package["name"], hole["id"]) for package in answered for hole in package["vulns"]}


def read_npm(told: Any) -> set[Hole]:
    """Raises: NoAnswer."""
    if "vulnerabilities" not in told:
        raise NoAnswer
    return {
        Hole("npm", name, str(cause["url"]).rpartition("/")[2])
        for name, package in told["vulnerabilities"].items()
        for cause in package["via"]
        if isinstance(cause, dict)  # a text names the package that the hole came with
    }


def read_allowed(text: str) -> list[Allowed]:
    return [
        Allowed(Hole(entry["of"], entry["package"], entry["id"]), entry["why"], entry["by"], entry["until"])
        for entry in tomllib.loads(text).get("allow", ())
    ]


def problems(holes: Iterable[Hole], allowed: Iterable[Allowed], *, answered: set[str], today: date) -> list[str]:
    """What must be looked at: new holes, and entries of the list that have ended or that nobody needs any more."""
    found, listed = set(holes), {entry.hole: entry for entry in allowed}
    new = [f"{hole.package}: {hole.id} ({hole.of}) is new" for hole in sorted(found - listed.keys())]
    old = []
    for hole, entry in sorted(listed.items()):
        if entry.until < today:
            old.append(f"{hole.package}: {hole.id} was allowed until {entry.until}")
        elif hole.of in answered and hole not in found:
            old.append(f"{hole.package}: {hole.id} is told no more, take it off the list")
    return [*new, *old]


def _run(command: list[str], folder: Path) -> Any:
    """What the program wrote as JSON. Raises: NoAnswer."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603  # ours
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise NoAnswer from None


def main() -> int:
    holes: set[Hole] = set()
    answered: set[str] = set()
    for of, ask in (("pip", pip_holes), ("npm", npm_holes)):
        try:
            holes |= ask()
            answered.add(of)
        except NoAnswer:
            sys.stdout.write(f"audit: no index here tells the known holes of {of} packages\n")
    wrong = problems(holes, read_allowed(ALLOWED.read_text("utf-8")), answered=answered, today=datetime.now(UTC).date())
    sys.stdout.writelines(f"audit: {problem}\n" for problem in wrong)
    unasked = os.environ.get("AUDIT") == "required" and len(answered) < 2
    return 1 if wrong or unasked else 0


if __name__ == "__main__":
    sys.exit(main())
