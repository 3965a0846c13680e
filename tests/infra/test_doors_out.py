"""Who may open a connection to elsewhere: a few modules, each for one purpose. Imports of HTTP clients are ruff's (TID251)."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CONNECTS = re.compile(
    r"\b(open_connection|create_connection|open_unix_connection|create_datagram_endpoint|sock_connect|connect_tcp)\("
    r"|\bsocket\.socket\(|\.connect_ex\(|__import__\(|import_module\((?!\"imageio_ffmpeg\"\))"
)
DOORS = {
    "infra/safe_http.py": "every address that a person, a company or a model chooses",
    "wa_runtime/proxies.py": "a company's proxy, at an address that was checked",
    "wa_runtime/dialer.py": "WhatsApp",
    "start/command.py": "whether the port is free",
    "wa_runtime/nursery.py": "the line to the app, whose end it was given",
}


def test_nobody_else_opens_a_connection_or_imports_by_a_name_that_no_lint_sees():
    found = {
        path.relative_to(ROOT / "saasbot").as_posix()
        for path in (ROOT / "saasbot").rglob("*.py")
        if _CONNECTS.search(path.read_text(encoding="utf-8"))
    }
    assert found == DOORS.keys()


def test_the_lint_lets_only_known_modules_import_a_client():
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "TID251" in lint["select"]
    let = {name for name, rules in lint["per-file-ignores"].items() if "TID251" in rules and name.startswith("saasbot")}
    clients = {
        "agent/model.py",
        "api/simulator_media.py",
        "infra/mail.py",
        "infra/storage_s3.py",
        "wa_runtime/forked.py",
    }
    assert let == {f"saasbot/{name}" for name in DOORS.keys() | clients}
