"""One server per data directory."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from saasbot.infra.start_error import StartError
from saasbot.start import run_lock
from saasbot.start.run_lock import RunLock

HOLDER = """
import signal, sys
from pathlib import Path
from saasbot.start.run_lock import RunLock
RunLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
signal.pause()
"""


def holder(data_dir: Path) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n"
    return started


def test_a_second_server_is_refused_and_told_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "_PATIENCE_SECONDS", 0)
    with holder(tmp_path) as first:
        with pytest.raises(StartError, match=rf"process {first.pid}\) runs on .* already"):
            RunLock(tmp_path).acquire()
        first.kill()


def test_a_killed_server_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
    with holder(tmp_path) as second:
        second.kill()


def test_stopping_ends_the_holder_and_waits_for_it(tmp_path: Path) -> None:
    with holder(tmp_path) as first:
        assert RunLock(tmp_path).end_holder()
        assert first.wait(timeout=10) == -signal.SIGTERM
    assert not RunLock(tmp_path).end_holder()


def test_stopping_where_nothing_ever_ran_makes_no_files(tmp_path: Path) -> None:
    assert not RunLock(tmp_path / "new").end_holder()
    assert not (tmp_path / "new").exists()
