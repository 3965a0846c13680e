"""How the worker hears of a stop before its sockets are waited for."""

import signal

DRAIN = signal.SIGUSR1
"""The watcher sends it to the worker with a stop: an open tab would keep numbers from being let go of until the worker is killed."""

SOCKETS_SECONDS, KILL_SECONDS = 10, 20
"""Long-lived sockets never finish by themselves: after the first, or when its numbers are drained, the worker ends all the same;
after the second it is killed."""
