"""The library's Go side keeps its clients in maps without a lock: a write beside any other access kills the whole process
("fatal error: concurrent map writes", "concurrent map read and map write").

So connecting and stopping a client hold the gate alone, and every other call passes through it: it waits while the gate is
shut, and a gate that shuts waits until the calls that just passed have made their lookup.

Who waits at the gate keeps a thread. So what opens it again must need none that they could have: it has threads of its own.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

# A call looks its client up in its first microseconds; this covers a thread that lost the processor just before.
_LOOKUP_SECONDS = 0.03
_POLL_SECONDS = 0.005

PASS_SECONDS = 100
"""How long a call may wait at the gate: longer than one neighbour keeps it shut whose login comes to nothing, and is taken down."""
_MOST_THREADS = 128
"""Of a pool, which makes them as they are needed. Each client parks one that is alone for as long as it lives, and one whose call
never returns for ever."""

_on_passing: ContextVar[Callable[[], object] | None] = ContextVar("on_passing", default=None)
"""Called on the worker's thread when a call that was made in this context has passed; the call is not made when this raises."""


class Gate:
    """One a process. `shut` and `open` belong to the event loop, `passing` to worker threads."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._changed = threading.Condition()
        self._shut = False
        self._waiting = 0
        self._under_way = 0
        self._last_passed = 0.0
        self._alone = ThreadPoolExecutor(_MOST_THREADS, "neonize-alone")
        self._callers = ThreadPoolExecutor(_MOST_THREADS, "neonize")

    async def shut(self) -> None:
        """Afterwards the caller alone may touch the library's maps, until `open`."""
        await self._turn.acquire()
        try:
            while True:
                with self._changed:
                    if not self._waiting:  # who has waited for an earlier one, which may have been slow, passes first
                        self._shut = True
                        break
                await asyncio.sleep(_POLL_SECONDS)
            await self._wait_for_lookups()
        except BaseException:
            self.open()
            raise

    def open(self) -> None:
        """Let calls pass again. Only for the one who shut it."""
        with self._changed:
            self._shut = False
            self._changed.notify_all()
        self._turn.release()

    async def run_alone(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """In a thread, for the one who shut it. May last for as long as it likes."""
        return await _in_thread_of(self._alone, call, *arguments)

    async def run(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """In a thread, when it has passed."""
        return await _in_thread_of(self._callers, self.passing, call, *arguments)

    def passing(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Run a call that reads the maps. In a worker thread: it may wait."""
        with self._changed:
            self._waiting += 1
            while self._shut:
                self._changed.wait()
            self._waiting -= 1
            self._under_way += 1
            self._last_passed = time.monotonic()
        try:
            if (told := _on_passing.get()) is not None:
                told()
            return call(*arguments)
        finally:
            with self._changed:
                self._under_way -= 1

    async def _wait_for_lookups(self) -> None:
        while True:
            with self._changed:
                rest = self._last_passed + _LOOKUP_SECONDS - time.monotonic()
                if self._under_way == 0 or rest <= 0:
                    return
            await asyncio.sleep(min(rest, _POLL_SECONDS))


async def _in_thread_of(pool: ThreadPoolExecutor, call: Callable[..., Any], *arguments: Any) -> Any:
    """What `asyncio.to_thread` does in the loop's own pool."""
    return await asyncio.get_running_loop().run_in_executor(pool, partial(copy_context().run, call, *arguments))


class GatedLibrary:
    """Stands where the library keeps its asynchronous FFI: the same names, each call in a thread and through the gate."""

    _ALONE = frozenset({"Neonize", "Stop", "StopAll"})

    def __init__(self, library: Any, gate: Gate) -> None:
        self._library, self._gate = library, gate

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._library, name)
        if name in self._ALONE:
            return lambda *arguments: self._gate.run_alone(function, *arguments)
        return lambda *arguments: self._gate.run(function, *arguments)


class NotPassed(Exception):
    """The gate or the threads behind it were not free in time. The call has not been made, and will not be."""


async def passed(call: Coroutine[Any, Any, Any], *, seconds: float | None = None) -> asyncio.Task[Any]:
    """The call, under way. Returns when it has passed the gate, which others' handshakes may keep shut for long: what it may
    take itself is counted from here. Who is cancelled while it waits takes it back.

    Raises: NotPassed, after `seconds` (`PASS_SECONDS` when it does not say).
    """
    loop, passing, ticket = asyncio.get_running_loop(), asyncio.Event(), _Ticket()

    def told() -> None:
        if not ticket.use():
            raise NotPassed
        loop.call_soon_threadsafe(passing.set)

    token = _on_passing.set(told)
    task = asyncio.create_task(call)
    _on_passing.reset(token)
    waiting = asyncio.create_task(passing.wait())
    try:
        await asyncio.wait({task, waiting}, timeout=seconds or PASS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        taken_back = not task.done() and ticket.take_back()
        if taken_back:
            task.cancel()
    if taken_back:
        raise NotPassed
    return task


class _Ticket:
    """Of a call: used in its thread or taken back on the loop, whichever comes first."""

    def __init__(self) -> None:
        self._lock, self._used, self._taken_back = threading.Lock(), False, False

    def use(self) -> bool:
        with self._lock:
            self._used = not self._taken_back
            return self._used

    def take_back(self) -> bool:
        with self._lock:
            self._taken_back = not self._used
            return self._taken_back
