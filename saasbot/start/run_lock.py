"""One server per data directory. The lock ends with the processes that hold it, however they end."""

import fcntl
import os
import signal
import time
from pathlib import Path

from saasbot.infra.start_error import StartError

# A server that was told to stop a moment ago gets this long to let go.
_PATIENCE_SECONDS = 15


class RunLock:
    """A lock file that also names its holder's process."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "run.lock"

    def acquire(self) -> None:
        """Afterwards this process, and the server it becomes, hold the lock.

        Raises:
            StartError: another server holds it and goes on.
        """
        descriptor = self._open()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise StartError(
                    f"A server (process {self._holder() or 'unknown'}) runs on {self._path.parent} already: "
                    "use it, or run `make stop` first."
                )
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        os.set_inheritable(descriptor, True)

    def end_holder(self) -> bool:
        """Ask the holder to stop and wait for it; whether there was one.

        Raises:
            StartError: it does not stop.
        """
        if not self._path.exists():
            return False
        descriptor = self._open()
        try:
            if _try_lock(descriptor):
                return False
            holder = self._holder()
            if holder is not None:
                os.kill(holder, signal.SIGTERM)
            deadline = time.monotonic() + 2 * _PATIENCE_SECONDS
            while not _try_lock(descriptor):
                if time.monotonic() > deadline:
                    raise StartError(f"The server (process {holder or 'unknown'}) does not stop.")
                time.sleep(0.1)
            return True
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            self._path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(f"SAASBOT_DATA_DIR: {self._path} cannot be used: {error.strerror}.") from error

    def _holder(self) -> int | None:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
