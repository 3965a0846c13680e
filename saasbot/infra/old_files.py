"""Files of the data directory that only the past needs: logs of bridges and mails that were stored instead of sent.

Each machine clears its own. What the program writes to its standard error is the operator's to keep or drop.
"""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=90)
_SET_ASIDE_EVERY = timedelta(days=7)


def remove_old_files(data_dir: Path, *, now: datetime) -> int:
    """Afterwards no line of a log and no stored mail is older than 90 days. Returns how many files are gone.

    A bridge appends to one file for as long as it lives, so once a week what it wrote is set aside under that day.
    """
    logs, removed = data_dir / "logs", 0
    for path in [*logs.glob("*"), *(data_dir / "mail").glob("*")]:
        # its first line may be a week older than its last
        age = KEPT - _SET_ASIDE_EVERY if path.parent == logs else KEPT
        if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - age:
            path.unlink(missing_ok=True)
            removed += 1
    for path in sorted(logs.glob("*.log")):
        if not _is_set_aside(path) and path.stat().st_size and _last_set_aside(path, now) <= now - _SET_ASIDE_EVERY:
            _set_aside(path, now)
    return removed


def _is_set_aside(path: Path) -> bool:
    return path.stem.rpartition(".")[2].isdigit()


def _last_set_aside(path: Path, now: datetime) -> datetime:
    """When this log was set aside last; without such a file it may be as old as it likes."""
    moments = [
        datetime.fromtimestamp(part.stat().st_mtime, UTC)
        for part in path.parent.glob(f"{path.stem}.*.log")
        if _is_set_aside(part)
    ]
    return max(moments, default=now - _SET_ASIDE_EVERY)


def _set_aside(path: Path, now: datetime) -> None:
    """Its lines lie in a file of this day; its writer, which appends, goes on in the empty one."""
    written_at = path.stat().st_mtime
    kept = path.with_name(f"{path.stem}.{now:%Y%m%d%H%M%S}.log")
    with path.open("rb") as source, os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
        shutil.copyfileobj(source, copy)
    os.truncate(path, 0)
    os.utime(kept, (written_at, written_at))
