"""The built pages: whether they are current, building them, and the environment of Reflex's tools."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from saasbot.infra.settings import Settings
from saasbot.infra.start_error import StartError

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / ".web"
BUILT = WEB / "build" / "client"
_STAMP = WEB / "saasbot.stamp"
_SOURCES = ("saasbot", "assets", "rxconfig.py", "requirements.txt")
_LOCKS = ("reflex.lock/package.json", "reflex.lock/package-lock.json")
# Built by a tool or only for the tests; none of it reaches a page.
_IGNORED = {"__pycache__", "external"}


def is_current(chosen: Settings) -> bool:
    """Whether the pages in `.web` were built from the sources that are here, for these settings."""
    if not (BUILT / "index.html").exists():
        return False
    try:
        return _STAMP.read_text() == _fingerprint(chosen)
    except OSError:
        return False


def build(chosen: Settings) -> None:
    """Afterwards `.web/build/client` holds the pages. Two builds at once in one checkout follow each other.

    Raises:
        StartError: the build failed; its own output says why.
    """
    with (ROOT / "rxconfig.py").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(chosen):
            return
        _STAMP.unlink(missing_ok=True)
        sources = _hash(_source_files(), chosen)
        done = subprocess.run(
            [sys.executable, "-m", "saasbot.start.build"], cwd=ROOT, env=tool_environment(chosen), check=False
        )
        if done.returncode != 0 or not BUILT.is_dir():
            raise StartError("The pages could not be built: the lines above say why.")
        _STAMP.write_text(sources + _hash(_lock_files(), chosen))  # the build itself may write the lock files


def tool_environment(chosen: Settings) -> dict[str, str]:
    """What Reflex and its tools read: our Node first, npm instead of a downloaded bun, nothing sent to anyone.

    Node's wheel puts `node` and `npm` beside this environment's Python.
    """
    return os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "REFLEX_DIR": str(chosen.data_dir / "reflex"),
        "REFLEX_WEB_WORKDIR": str(WEB),
    }


def _fingerprint(chosen: Settings) -> str:
    return _hash(_source_files(), chosen) + _hash(_lock_files(), chosen)


def _hash(files: Iterator[Path], chosen: Settings) -> str:
    digest = hashlib.sha256(f"{chosen.simulator} {sys.version_info[:2]}".encode())
    for path in files:
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        top = ROOT / name
        found = sorted(top.rglob("*")) if top.is_dir() else [top]
        yield from (path for path in found if path.is_file() and not _IGNORED & set(path.relative_to(ROOT).parts))


def _lock_files() -> Iterator[Path]:
    return (path for path in map(ROOT.joinpath, _LOCKS) if path.is_file())
