"""Where the events of one number wait while the database is away: a file with a line for each, in order.

A number's holder and whoever empties what was left behind may come to it at once: each step has the file's lock. What cannot be
read stays beside it, in a file of the same name that ends in `.unreadable`.
"""

import base64
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from saasbot.infra.logging import get_logger

log = get_logger(__name__)

Events = list[tuple[int, bytes]]


class Spool:
    """Blocks for as long as the disk, or whoever has the lock, takes."""

    def __init__(self, folder: Path, channel_id: UUID) -> None:
        self._channel_id = channel_id
        self.path = folder / f"{channel_id}.jsonl"
        self._unreadable = folder / f"{channel_id}.unreadable"

    def exists(self) -> bool:
        return self.path.exists()

    def append(self, code: int, raw: bytes) -> None:
        """Returns when the event is on disk. Raises: OSError, and then nothing of it is there."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _append_line(self.path, json.dumps({"code": code, "raw": base64.b64encode(raw).decode()}).encode())

    def empty(self, store: Callable[[Events], None]) -> int:
        """Give `store` what waits, in order, and remove it; what `store` raises leaves everything as it was. Returns how many
        events there were.

        Raises: OSError.
        """
        if not self.exists():
            return 0
        with _locked(self.path) as descriptor:
            events, unreadable = _parsed(_content(descriptor))
            if events:
                store(events)
            for line in unreadable:  # the only copy of it
                _append_line(self._unreadable, line)
            if unreadable:
                log.error("spool.unreadable", channel_id=str(self._channel_id), lines=len(unreadable))
            self.path.unlink()
        return len(events)


def _parsed(content: bytes) -> tuple[Events, list[bytes]]:
    """The events, and the lines that are none: a crash may cut one, and a disk may spoil it."""
    events: Events = []
    unreadable: list[bytes] = []
    for line in filter(None, content.split(b"\n")):
        try:
            item = json.loads(line)
            events.append((int(item["code"]), base64.b64decode(item["raw"])))
        except (ValueError, KeyError, TypeError):
            unreadable.append(line)
    return events, unreadable


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, made if there is none, and ours alone until the end."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else it was emptied and removed while we waited
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _content(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def _append_line(path: Path, line: bytes) -> None:
    """On disk afterwards, as a line of its own. Raises: OSError, and then the file is as it was."""
    with _locked(path) as descriptor:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"  # by a crash: it must not take this one along
        try:
            _write(descriptor, (b"\n" if torn else b"") + line + b"\n")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise


def _write(descriptor: int, data: bytes) -> None:
    """All of it: a disk that fills up takes a part, and says so only when it is given the rest."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
