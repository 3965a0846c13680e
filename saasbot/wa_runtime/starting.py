"""How the runtime's processes start Python: its options, what they inherit, and the log file for what they print."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_SPARING = {"MALLOC_ARENA_MAX": "2"}
"""Each of its many threads would else keep free memory of its own."""
_SMALL = ("-OO", "-X", "no_debug_ranges")
"""Without docstrings, asserts and the columns of traces: 9 MB of each process. Bytecode like that lies beside the usual one; only the
very first start compiles."""
_LOG_BYTES = 5 * 1024 * 1024


def command(module: str) -> list[str]:
    return [sys.executable, *_SMALL, "-m", module]


def environment() -> dict[str, str]:
    """Ours, but for what would have every start compile anew."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return _SPARING | inherited


@contextlib.contextmanager
def opened(log_file: Path) -> Iterator[int]:
    """The log file, for appending; a large one is set aside first (one generation)."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if log_file.stat().st_size > _LOG_BYTES:
            log_file.replace(log_file.with_suffix(".old"))
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
