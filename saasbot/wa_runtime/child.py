"""A process of the runtime, seen from the app: started, told things line by line, heard, and ended in time.

It is forked from one that has imported what it needs (`nursery.py`); where that cannot be it is started by itself, at the price
of its memory. It inherits the environment. Its standard input is its life line: when the app dies, however, the child reads the
end of it and goes. What it and the Go runtime print (a crash's trace included) is kept in a log file of its own.
"""

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from saasbot.infra.logging import get_logger
from saasbot.wa_runtime.forked import POSSIBLE, Forked, fork
from saasbot.wa_runtime.starting import command, environment, opened

log = get_logger(__name__)

GO_CRASH = -6
"""SIGABRT: a panic of the Go runtime, exit status 134 in a shell."""


class Child:
    """One process. `on_line` gets what it says, decoded."""

    def __init__(self, module: str, log_file: Path, on_line: Callable[[dict[str, Any]], None]) -> None:
        self._module, self._log_file, self._on_line = module, log_file, on_line
        self._process: Forked | asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Raises: OSError, when the machine cannot start it."""
        with opened(self._log_file) as output:
            self._process = await (fork(self._module, output) if POSSIBLE else _spawn(self._module, output))
        self._reading = asyncio.create_task(self._read())

    def tell(self, what: dict[str, Any]) -> None:
        """Write one line to it; nothing when it has ended."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(what).encode() + b"\n")

    async def wait(self) -> int:
        """Its exit code, negative for a signal, once everything it said has been heard."""
        assert self._process is not None and self._reading is not None
        await self._reading
        return await self._process.wait()

    async def end(self, seconds: float) -> None:
        """Ask it to end, and kill it when it has not after `seconds`."""
        if not self.alive or self._process is None:
            return
        self.stop()
        try:
            async with asyncio.timeout(seconds):
                await self._process.wait()
        except TimeoutError:
            log.warning("runtime.child_killed", module=self._module, pid=self.pid)
            self.kill()
            await self._process.wait()

    def stop(self) -> None:
        """Ask it to end in its own time."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            if self._process.stdin is not None:
                self._process.stdin.close()

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        while True:
            try:
                if not (line := await self._process.stdout.readline()):
                    return
                self._on_line(json.loads(line))
            except (ValueError, TypeError, LookupError, AttributeError):  # not a line of ours, whoever printed it
                log.warning("runtime.child_unreadable", module=self._module, pid=self.pid)


async def _spawn(module: str, stderr: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command(module),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,  # a Ctrl-C in the terminal is for the app, which ends us in order
        env=environment(),
    )
