"""A process of the runtime, seen from inside: its channel to the app, its log, its database.

Lines of JSON come on standard input, whose end means that the app is gone; lines of JSON go out on what was standard output
when the process started. What the Go runtime prints there goes to the log with everything else.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from saasbot.infra import db, logging
from saasbot.infra.roles import DatabaseUrls, database_urls
from saasbot.infra.settings import settings

_LINE_LIMIT = 1 << 20


class AppLink:
    """The line to the app. Made once, before the library is imported."""

    def __init__(self) -> None:
        self._out = os.dup(1)
        os.dup2(2, 1)
        self._lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def say(self, **what: Any) -> None:
        """Tell the app; nothing when it is gone."""
        try:
            os.write(self._out, json.dumps(what).encode() + b"\n")
        except BrokenPipeError:
            self._lines.put_nowait(None)

    async def listen(self) -> None:
        """From now on `lines` yields what the app says, until it is gone or we are asked to end (SIGTERM)."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LINE_LIMIT)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._lines.put_nowait, None)
        self._task = asyncio.create_task(self._read(reader))

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        while (line := await self._lines.get()) is not None:
            yield line

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self._lines.put_nowait(json.loads(line))
        self._lines.put_nowait(None)


def open_database(pool_size: int) -> DatabaseUrls:
    """Logging and the engines of this process, as the settings say."""
    chosen = settings()
    logging.configure(json=chosen.is_production)
    logging.log_uncaught()
    urls = database_urls(chosen)
    db.connect(app_url=urls.app, platform_url=urls.platform, pool_size=pool_size)
    return urls


def resident_bytes() -> int:
    """How much memory this process has in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def give_back_memory() -> None:
    """What importing left behind goes back to the system, and what it made is never searched for garbage again. Call once, when
    everything is loaded."""
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
    if trim is not None:
        trim(0)
