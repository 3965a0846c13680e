"""The server: a small process that watches over the one that serves pages, live updates and REST on one port."""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import time
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.common import AbstractServer
from granian.server.mp import MPServer

from saasbot.infra.draining import DRAIN, KILL_SECONDS
from saasbot.start.processes import end_with_parent

_TRIES, _TRIES_SECONDS = 5, 60


class _Watcher(MPServer):
    """Tells its worker to drain when a stop begins, beside what granian tells it."""

    def signal_handler_interrupt(self, *arguments: Any, **more: Any) -> None:
        for worker in multiprocessing.active_children():
            if worker.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, DRAIN)
        super().signal_handler_interrupt(*arguments, **more)


def application() -> object:
    """The ASGI application of one worker: the API with the built pages beside it, nothing compiled.

    A worker never outlives its watcher: it would keep the port.
    """
    end_with_parent(signal.SIGKILL)
    from reflex_base import constants
    from reflex_base.environment import environment

    environment.REFLEX_ENV_MODE.set(constants.Env.PROD)
    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    import reflex.model  # noqa: F401  # else it is loaded while the first form that somebody sends waits: 0.3 s

    from saasbot.saasbot import app

    served = app()
    gc.collect()
    gc.freeze()  # what lives as long as the process need not be looked through at every collection: pauses of 50 ms
    return served


def main() -> None:
    """Serve on the host and port of the command line until SIGTERM or SIGINT. A worker that dies is replaced.

    Two deaths within seconds end granian's watch. They may be bad luck, so it begins anew; a worker that cannot live at
    all ends the server after `_TRIES`.
    """
    host, port = sys.argv[1:]
    multiprocessing.set_start_method("spawn")  # the watcher stays small: only the worker imports the app
    failures: list[float] = []
    while True:
        try:
            _server(host, int(port)).serve()
        except SystemExit as ended:
            now = time.monotonic()
            failures = [moment for moment in failures if now - moment < _TRIES_SECONDS] + [now]
            if not ended.code or len(failures) == _TRIES:
                raise
        else:
            return


def _server(host: str, port: int) -> AbstractServer:
    return _Watcher(
        target="saasbot.start.server:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
        log_level=LogLevels.warning,
    )


if __name__ == "__main__":
    main()
