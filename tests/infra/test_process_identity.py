"""Whether a holder on this machine is gone."""

import subprocess
import sys

import pytest

from saasbot.infra.process_identity import is_dead, this_process

_CONTAINER = ("unshare", "--map-root-user", "--fork", "--pid", "--mount-proc")


def _name(*around: str) -> str:
    """How a process calls itself that is gone by now."""
    program = (sys.executable, "-c", "from saasbot.infra.process_identity import this_process as n; print(n())")
    try:
        return subprocess.run([*around, *program], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine makes no containers")


def test_this_process_lives_and_one_that_ended_does_not():
    assert not is_dead(this_process())
    assert is_dead(_name())


def test_a_process_of_another_container_is_never_called_dead():
    """Its process id means nobody here, or somebody else."""
    assert not is_dead(_name(*_CONTAINER))
