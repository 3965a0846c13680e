"""`python -m saasbot run` and `stop`, as a person meets them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saasbot.infra.postgres import Cluster

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 300  # a first build on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An installation of its own: embedded database, free port. Its database is stopped afterwards."""
    kept = {name: value for name, value in os.environ.items() if name != "SAASBOT_DATABASE_URL"}
    yield kept | {"SAASBOT_DATA_DIR": str(tmp_path), "SAASBOT_PORT": str(free_port()), "SAASBOT_DEMO": "0"}
    Cluster(tmp_path, durable=False).stop()


def saasbot(command: str, environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "saasbot", command],
        cwd=ROOT,
        env=environment | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )


def test_a_wrong_setting_stops_the_start_with_one_line(environment: dict[str, str]) -> None:
    done = saasbot("run", environment, SAASBOT_PORT="abc")
    assert done.returncode == 1
    assert re.fullmatch(r"SAASBOT_PORT: [^\n]+\n", done.stderr)


def test_a_taken_port_is_named(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = saasbot("run", environment, SAASBOT_PORT=str(port))
    assert done.returncode == 1
    assert re.fullmatch(rf"SAASBOT_PORT: 127\.0\.0\.1 port {port} cannot be opened [^\n]+\n", done.stderr)


def test_stopping_where_nothing_runs_is_fine(environment: dict[str, str]) -> None:
    done = saasbot("stop", environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def serves(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5) as answer:
            return answer.status == 200 and b"<html" in answer.read()
    except OSError:
        return False


def test_run_serves_survives_a_kill_and_stop_ends_everything(environment: dict[str, str], tmp_path: Path) -> None:
    port, log = environment["SAASBOT_PORT"], tmp_path / "run.txt"

    def start() -> subprocess.Popen[bytes]:
        with log.open("wb") as out:
            return subprocess.Popen([sys.executable, "-m", "saasbot", "run"], cwd=ROOT, env=environment, stdout=out)

    with start() as first:
        wait_until(lambda: serves(port) or first.poll() is not None)
        assert f"Serving on http://localhost:{port}" in log.read_text()
        first.send_signal(signal.SIGKILL)
    wait_until(lambda: not serves(port))  # the worker does not outlive its watcher

    with start() as second:
        wait_until(lambda: serves(port) or second.poll() is not None)
        assert "The pages are built already" in log.read_text()
        stopped = saasbot("stop", environment)
        assert (stopped.returncode, stopped.stdout) == (0, "The server stopped\nThe database stopped\n")
        assert second.wait(timeout=30) == 0
    assert not Cluster(tmp_path, durable=False).is_running()
