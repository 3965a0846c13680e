"""The process that the runtime's others are forked from. `python -m saasbot.wa_runtime.nursery DESCRIPTOR`

It has imported what a bridge and an attempt to link import, but for the library, whose Go runtime does not survive a fork: so
that memory exists once. It has one thread, opens nothing and logs nothing.

`DESCRIPTOR` is its end of a socket that keeps the bounds of messages. A message is the name of a program's module, with four
descriptors: the program's standard input, output and error, and a socket on which the app learns its process id (with a pidfd)
and later its exit code, negative for a signal. It ends when the app is gone and its last child has ended.
"""

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from saasbot.wa_runtime import plain_structlog  # noqa: F401  # isort: skip - first
from sqlalchemy.orm import configure_mappers

from saasbot.wa_runtime import bridge, dialer, neonize_events, pair  # noqa: F401 - what is shared
from saasbot.wa_runtime.process import give_back_memory

_LONGEST_NAME = 256
_ASKED_TO_END = (signal.SIGTERM, signal.SIGINT)
"""Whoever stops a whole service sends these to each of its processes; this one is needed until the last child has ended. They
are blocked, not ignored: one that is meant for a child waits until the child can take it."""


class Nursery:
    """Serves one app. `run` returns in the nursery and never in a child."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked: socket.socket | None = asked
        self._poll = select.poll()  # has no descriptor that a child would inherit
        self._poll.register(asked, select.POLLIN)
        self._children: dict[int, tuple[int, socket.socket]] = {}
        """By pidfd: the process id, and where to tell of its end."""

    def run(self) -> None:
        while self._asked is not None or self._children:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._children:
                    self._ended(descriptor)
                else:
                    self._serve()

    def _serve(self) -> None:
        assert self._asked is not None
        name, descriptors, _, _ = socket.recv_fds(self._asked, _LONGEST_NAME, 4)
        if not name:
            self._poll.unregister(self._asked)
            self._asked.close()
            self._asked = None
            return
        *standard, telling = descriptors
        told = socket.socket(fileno=telling)
        pid = self._fork(name.decode(), standard)
        for descriptor in standard:
            os.close(descriptor)
        if pid is None:
            told.close()  # which tells the app
            return
        pidfd = os.pidfd_open(pid)
        self._children[pidfd] = pid, told
        self._poll.register(pidfd, select.POLLIN)
        with contextlib.suppress(ConnectionError):  # it is not wanted any more, and learns so from its standard input
            socket.send_fds(told, [b"%d" % pid], [pidfd])

    def _fork(self, module: str, standard: list[int]) -> int | None:
        """The child's process id; nothing when the machine has no room for one."""
        try:
            pid = os.fork()
        except OSError:
            traceback.print_exc()
            return None
        if pid == 0:
            _become(module, standard)
        return pid

    def _ended(self, pidfd: int) -> None:
        pid, told = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with told, contextlib.suppress(ConnectionError):  # the app may be gone
            told.send(b"%d" % code)


def _become(module: str, standard: list[int]) -> NoReturn:
    """In the child: be that program, with nothing of the nursery's or of another child's open.

    The program ends by `os._exit`, by returning (0) or by raising (1).
    """
    code = 1
    try:
        os.setsid()  # a Ctrl-C in the terminal is for the app, which ends us in order
        for wanted, descriptor in enumerate(standard):
            os.dup2(descriptor, wanted)
        _close_others()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED_TO_END)
        _show_as(module.rpartition(".")[2])
        importlib.import_module(module).main()
        code = 0
    except BaseException as error:  # noqa: BLE001 - its last word, by the way that the program has chosen for what nobody catches
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _close_others() -> None:
    """The objects that own them stay on the stack beneath us, so that none is ever collected and closes a number used anew."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(descriptor)


def _show_as(name: str) -> None:
    """What `ps -o comm` shows: the command line of every child stays the nursery's."""
    Path("/proc/self/comm").write_text(f"wa-{name}")


def main(descriptor: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED_TO_END)
    _show_as("nursery")
    configure_mappers()
    give_back_memory()
    Nursery(socket.socket(fileno=descriptor)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
