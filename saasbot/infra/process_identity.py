"""This process, named so that others on the same machine can tell when it is gone: whoever holds something writes this name.

Containers of one machine are machines of their own here: a process id says nothing about those of another.
"""

import os
from functools import lru_cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_IDS = Path("/proc/self/ns/pid")
"""The space in which a process id means this process (pid_namespaces(7))."""


def _boot() -> str:
    boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else os.uname().nodename
    return f"{boot}:{_PROCESS_IDS.stat().st_ino}" if _PROCESS_IDS.exists() else boot


def _started(pid: int) -> str | None:
    """The start time of a process in clock ticks since boot (proc(5), field 22); nothing when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] == "Z" else fields[19]


@lru_cache
def this_process() -> str:
    return f"{_boot()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """The holder ran on this machine and is no more. One elsewhere is never called dead: its time must run out."""
    boot, _, rest = holder.partition("/")
    pid, _, started = rest.partition("/")
    if not Path("/proc").is_dir() or boot != _boot() or not pid.isdigit():
        return False
    return _started(int(pid)) != started
