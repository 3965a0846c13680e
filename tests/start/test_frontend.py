"""When the pages are built again, and when not."""

from pathlib import Path

import pytest

from saasbot.infra.settings import Settings, settings
from saasbot.start import frontend


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout whose pages were built just now."""
    for name, text in {
        "saasbot/pages/inbox.py": "page",
        "assets/saasbot.css": "css",
        "rxconfig.py": "config",
        "requirements.txt": "reflex",
        "reflex.lock/package-lock.json": "{}",
        ".web/build/client/index.html": "<html>",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(frontend, "ROOT", tmp_path)
    monkeypatch.setattr(frontend, "WEB", tmp_path / ".web")
    monkeypatch.setattr(frontend, "BUILT", tmp_path / ".web/build/client")
    monkeypatch.setattr(frontend, "_STAMP", tmp_path / ".web/saasbot.stamp")
    monkeypatch.setattr(
        frontend.subprocess, "run", lambda *_args, **_kwargs: frontend.subprocess.CompletedProcess([], 0)
    )
    frontend.build(settings())
    return tmp_path


def test_a_build_is_current_until_something_changes(checkout: Path) -> None:
    assert frontend.is_current(settings())


@pytest.mark.parametrize(
    "name",
    [
        "saasbot/pages/inbox.py",
        "saasbot/pages/new.py",
        "assets/saasbot.css",
        "rxconfig.py",
        "requirements.txt",
        "reflex.lock/package-lock.json",
    ],
)
def test_a_changed_input_asks_for_a_build(checkout: Path, name: str) -> None:
    (checkout / name).write_text("changed")
    assert not frontend.is_current(settings())


def test_another_port_or_address_needs_no_build(checkout: Path) -> None:
    moved = Settings.model_validate({**settings().model_dump(), "port": 4000, "public_url": "https://example.com"})
    assert frontend.is_current(moved)


def test_a_setting_that_pages_depend_on_asks_for_a_build(checkout: Path) -> None:
    assert not frontend.is_current(Settings.model_validate({**settings().model_dump(), "simulator": False}))


def test_bytecode_and_linked_assets_do_not_count(checkout: Path) -> None:
    for name in ("saasbot/pages/__pycache__/inbox.pyc", "assets/external/icon.js"):
        (checkout / name).parent.mkdir(parents=True)
        (checkout / name).write_text("made by a tool")
    assert frontend.is_current(settings())


def test_a_lost_build_is_noticed(checkout: Path) -> None:
    (checkout / ".web/build/client/index.html").unlink()
    assert not frontend.is_current(settings())
