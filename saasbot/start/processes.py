"""What Linux does for us when a process dies."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # prctl(2); it survives execve


def end_with_parent(signal_number: int = signal.SIGTERM) -> None:
    """Afterwards the kernel sends us the signal when the thread that started this process ends, however it ends."""
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), signal_number)
