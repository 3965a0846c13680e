"""Processes forked from the nursery, seen from the app: each looks like one of asyncio's."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess

from saasbot.infra.logging import get_logger
from saasbot.infra.settings import settings
from saasbot.wa_runtime.starting import command, environment, opened

log = get_logger(__name__)

POSSIBLE = hasattr(os, "pidfd_open")
"""Where there are pidfds: Linux."""
UNSEEN = os.EX_UNAVAILABLE
"""The exit code of a process whose nursery died before it did, or hangs: nobody can know it."""
MODULE = "saasbot.wa_runtime.nursery"
START_SECONDS = 120.0
"""A nursery that has not answered by then hangs, and another takes its place. Its own start is in it, compiling included."""
_LONGEST_NUMBER = 32
_TELLS_SECONDS = 10.0


class Forked:
    """One process that runs. `stdin` and `stdout` are this side's; made by `fork`."""

    def __init__(
        self, pid: int, pidfd: int, told: socket.socket, stdin: asyncio.WriteTransport, stdout: asyncio.StreamReader
    ) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._pidfd, self._told = pidfd, told
        self._ending = asyncio.create_task(self._end(), name=f"end-of-{pid}")

    async def wait(self) -> int:
        """Its exit code, negative for a signal; `UNSEEN` when nobody saw it."""
        return await asyncio.shield(self._ending)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        """Through the pidfd, so that it never meets another process that has got its number. Raises: ProcessLookupError."""
        if self.returncode is None:
            signal.pidfd_send_signal(self._pidfd, number)

    async def _end(self) -> int:
        try:
            await _readable(self._pidfd)
            said = b""
            with contextlib.suppress(TimeoutError):  # a nursery that is gone says nothing, one that hangs neither
                async with asyncio.timeout(_TELLS_SECONDS):
                    said = await asyncio.get_running_loop().sock_recv(self._told, _LONGEST_NUMBER)
            self.returncode = int(said) if said else UNSEEN
            return self.returncode
        finally:
            self.stdin.close()
            self._told.close()
            os.close(self._pidfd)


async def fork(module: str, stderr: int) -> Forked:
    """A new process that runs `main()` of that module, and writes its errors to that descriptor.

    Raises: OSError, when the machine cannot start it, or the nursery dies or hangs meanwhile.
    """
    loop, stdout = asyncio.get_running_loop(), asyncio.StreamReader()
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        told, their_told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.callback(told.close)
        theirs.callback(their_told.close)
        told.setblocking(False)
        their_stdin, our_stdin = os.pipe()
        theirs.callback(os.close, their_stdin)
        writing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(our_stdin, "wb", buffering=0))
        ours.callback(writing.close)
        our_stdout, their_stdout = os.pipe()
        theirs.callback(os.close, their_stdout)
        reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(our_stdout, "rb", buffering=0)
        )
        ours.callback(reading.close)
        nursery = _serving()
        nursery.ask(module, [their_stdin, their_stdout, stderr, their_told.fileno()])
        theirs.close()
        pid, pidfd = await _born(told, nursery)  # given up here, the process finds its standard input at its end
        ours.pop_all()
        return Forked(pid, pidfd, told, writing, stdout)


def nursery_pid() -> int | None:
    """The process that others are forked from, if it runs."""
    return _nursery.pid if _nursery is not None and _nursery.alive else None


class _Nursery:
    """A nursery's process, and our end of the line to it."""

    def __init__(self, words: list[str], inherited: dict[str, str]) -> None:
        """Raises: OSError."""
        self._made_with = (words, inherited)
        self._given_up = False
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setblocking(False)
        with theirs, opened(settings().data_dir / "logs" / "nursery.log") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [*words, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env=inherited,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def serves(self, words: list[str], inherited: dict[str, str]) -> bool:
        return self.alive and not self._given_up and self._made_with == (words, inherited)

    def ask(self, module: str, descriptors: list[int]) -> None:
        """Raises: OSError, when it is gone or no longer listens."""
        socket.send_fds(self._line, [module.encode()], descriptors)

    def kill(self) -> None:
        """Its children live on. It is never asked again."""
        self._given_up = True
        self._process.kill()

    def leave(self) -> None:
        """It ends with the last of its children."""
        self._line.close()


_nursery: _Nursery | None = None
_left: list[_Nursery] = []


def _serving() -> _Nursery:
    """The nursery: a new one when it has died, or when what processes inherit has changed since. Raises: OSError."""
    global _nursery
    words, inherited = command(MODULE), environment()
    if _nursery is None or not _nursery.serves(words, inherited):
        if _nursery is not None:
            _nursery.leave()
            _left.append(_nursery)
        _left[:] = [nursery for nursery in _left if nursery.alive]  # asking reaps those that have ended
        _nursery = None
        _nursery = _Nursery(words, inherited)
    return _nursery


async def _born(told: socket.socket, nursery: _Nursery) -> tuple[int, int]:
    """The process id and a pidfd. Raises: ChildProcessError, TimeoutError."""
    try:
        async with asyncio.timeout(START_SECONDS):
            await _readable(told.fileno())
    except TimeoutError:
        log.error("runtime.nursery_hangs", pid=nursery.pid)
        nursery.kill()
        raise
    pid, descriptors, _, _ = socket.recv_fds(told, _LONGEST_NUMBER, 1, socket.MSG_CMSG_CLOEXEC)
    if not pid or not descriptors:  # without: this process has no descriptor left
        raise ChildProcessError("the nursery could not start it: see nursery.log")
    return int(pid), descriptors[0]


async def _readable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
