"""The library's Go side keeps its clients in maps without a lock: a write beside any other access kills the whole process
("fatal error: concurrent map writes", "concurrent map read and map write").

So connecting and stopping a client hold the gate alone, and every other call passes through it: it waits while the gate is
shut, and a gate that shuts waits until the calls that just passed have made their lookup.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

# A call looks its client up in its first microseconds; this covers a thread that lost the processor just before.
_LOOKUP_SECONDS = 0.03


class Gate:
    """One a process. `shut` and `open` belong to the event loop, `passing` to worker threads."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._changed = threading.Condition()
        self._shut = False
        self._under_way = 0
        self._last_passed = 0.0

    async def shut(self) -> None:
        """Afterwards the caller alone may touch the library's maps, until `open`."""
        await self._turn.acquire()
        with self._changed:
            self._shut = True
        try:
            await asyncio.to_thread(self._wait_for_lookups)
        except BaseException:
            self.open()
            raise

    def open(self) -> None:
        """Let calls pass again. Only for the one who shut it."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()
        self._turn.release()

    def passing(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run a call that reads the maps. In a worker thread: it may wait."""
        with self._changed:
            while self._shut:
                self._changed.wait()
            self._under_way += 1
            self._last_passed = time.monotonic()
        try:
            return call(*arguments)
        finally:
            with self._changed:
                self._under_way -= 1

    def _wait_for_lookups(self) -> None:
        while True:
            with self._changed:
                rest = self._last_passed + _LOOKUP_SECONDS - time.monotonic()
                if self._under_way == 0 or rest <= 0:
                    return
            time.sleep(min(rest, 0.005))


class GatedLibrary:
    """Stands where the library keeps its asynchronous FFI: the same names, each call in a thread and through the gate."""

    _ALONE = frozenset({"Neonize", "Stop", "StopAll"})

    def __init__(self, library: Any, gate: Gate) -> None:
        self._library, self._gate = library, gate

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._library, name)
        if name in self._ALONE:
            return lambda *arguments: asyncio.to_thread(function, *arguments)
        return lambda *arguments: asyncio.to_thread(self._gate.passing, function, *arguments)
