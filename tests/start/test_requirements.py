"""The locked list of packages can be installed by any pip, today and after a newer version of one of them appears."""

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def locked(name: str) -> dict[str, set[str]]:
    """The extras with which each package stands in the file."""
    lines = re.findall(r"^([\w.-]+)(?:\[(.*)\])?==", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(package): set(extras.replace(" ", "").split(",")) for package, extras in lines}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_an_extra_that_a_package_asks_for_is_locked(name: str):
    """An older pip takes `granian[reload]` for another package than `granian`: it would look for the newest, which has no hash."""
    found = locked(name)
    asked = [
        requirement
        for distribution in distributions()
        if canonicalize_name(distribution.name) in found
        for requirement in map(Requirement, distribution.requires or [])
        if requirement.extras and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]
    assert any(requirement.name == "granian" for requirement in asked), "nothing was looked at"
    lost = [str(r) for r in asked if not r.extras <= found.get(canonicalize_name(r.name), set())]
    assert lost == []
