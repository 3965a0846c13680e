"""The life of an embedded cluster, on real PostgreSQL binaries."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from saasbot.infra import postgres
from saasbot.infra.postgres import Cluster
from saasbot.infra.postgres_binaries import find_binaries
from saasbot.infra.start_error import StartError


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory closed to others, as a checkout in /root would be; its server is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="saasbot-test-home-"))
    yield folder
    Cluster(folder, durable=False).stop()
    shutil.rmtree(folder, ignore_errors=True)


def ask(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.ensure_running().superuser_url()) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def postmaster_pid(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def test_the_first_start_makes_a_cluster_that_answers(home: Path) -> None:
    assert ask(Cluster(home, durable=False), "SHOW server_encoding") == "UTF8"


def test_a_running_cluster_is_reused(home: Path) -> None:
    first = Cluster(home, durable=False).ensure_running()
    pid = postmaster_pid(home)
    assert Cluster(home, durable=False).ensure_running() == first
    assert postmaster_pid(home) == pid


def test_two_starts_at_once_share_one_server(home: Path) -> None:
    found: list[object] = []
    starts = [
        threading.Thread(target=lambda: found.append(Cluster(home, durable=False).ensure_running())) for _ in range(3)
    ]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_the_server_outlives_a_killed_starter(home: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path; from saasbot.infra.postgres import Cluster; "
        f"Cluster(Path({str(home)!r}), durable=False).ensure_running(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    pid = postmaster_pid(home)
    assert ask(Cluster(home, durable=False), "SELECT 1") == 1
    assert postmaster_pid(home) == pid


def test_committed_rows_survive_a_killed_server(home: Path) -> None:
    cluster = Cluster(home, durable=True)
    with psycopg.connect(cluster.ensure_running().superuser_url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(postmaster_pid(home), signal.SIGKILL)
    assert ask(cluster, "SELECT answer FROM kept") == 42


def test_a_lock_file_that_names_a_stranger_does_not_stop_the_start(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    cluster.ensure_running()
    pid_file = home / "postgres/data/postmaster.pid"
    remains = pid_file.read_text().splitlines()
    cluster.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *remains[1:]]) + "\n")
    assert not cluster.is_running()
    assert ask(cluster, "SELECT 1") == 1


def test_a_server_that_lost_its_socket_is_started_anew(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    (cluster.ensure_running().socket_dir / f".s.PGSQL.{postgres.PORT}").unlink()
    assert ask(cluster, "SELECT 1") == 1


def test_stopping_ends_the_server_and_twice_is_once(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    cluster.stop()
    cluster.ensure_running()
    assert cluster.is_running()
    cluster.stop()
    cluster.stop()
    assert not cluster.is_running()
    assert not (home / "postgres/data/postmaster.pid").exists()


@pytest.mark.parametrize(("durable", "safe"), [(True, "on"), (False, "off")])
def test_only_a_throw_away_cluster_gives_up_durability(home: Path, durable: bool, safe: str) -> None:
    cluster = Cluster(home, durable=durable)
    assert {ask(cluster, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")} == {safe}


def test_nobody_gets_in_without_a_password_and_nothing_listens_on_the_network(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    info = cluster.ensure_running()
    assert ask(cluster, "SHOW listen_addresses") == ""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(info.plain_url(info.superuser, "wrong", "postgres"))
    assert stat.S_IMODE((home / "postgres/superuser_password").stat().st_mode) == 0o600
    assert stat.S_IMODE(info.socket_dir.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(home: Path) -> None:
    deep = home / ("a" * 60) / ("b" * 60)
    cluster = Cluster(deep, durable=False)
    try:
        info = cluster.ensure_running()
        assert len(str(info.socket_dir)) < 60
        assert stat.S_IMODE(info.socket_dir.stat().st_mode) == 0o700
        assert ask(cluster, "SELECT 1") == 1
    finally:
        cluster.stop()
        shutil.rmtree(cluster.address().socket_dir, ignore_errors=True)


def test_a_folder_name_with_a_quote_and_spaces_works(home: Path) -> None:
    odd = home / "it's a data folder, ñandú"
    cluster = Cluster(odd, durable=False)
    try:
        assert ask(cluster, "SELECT 1") == 1
    finally:
        cluster.stop()


def test_a_path_that_pg_ctl_would_misread_is_named(home: Path) -> None:
    with pytest.raises(StartError, match=r"SAASBOT_DATA_DIR: .* path with '\$'"):
        Cluster(home / "$HOME", durable=False).ensure_running()


def test_a_full_disk_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1 << 20))
    with pytest.raises(StartError, match=r"The disk of .* is full: PostgreSQL needs 300 MB, 1 MB are free"):
        Cluster(home, durable=False).ensure_running()


def test_a_data_directory_that_is_a_file_is_named(home: Path) -> None:
    (home / "taken").write_text("")
    with pytest.raises(StartError, match=r"SAASBOT_DATA_DIR: .*taken cannot be written"):
        Cluster(home / "taken", durable=False).ensure_running()


def test_a_wrong_folder_of_binaries_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAASBOT_PG_BIN", str(home))
    with pytest.raises(StartError, match=r"SAASBOT_PG_BIN: .* does not hold initdb, pg_ctl, postgres"):
        Cluster(home, durable=False).ensure_running()


def test_a_cluster_of_another_version_is_left_alone(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    cluster.ensure_running()
    cluster.stop()
    (home / "postgres/data/PG_VERSION").write_text("9\n")
    with pytest.raises(StartError, match="was made by PostgreSQL 9"):
        cluster.ensure_running()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    cluster.ensure_running()
    cluster.stop()
    (home / "postgres/data/global/pg_control").write_bytes(b"broken")
    with pytest.raises(StartError, match=r"(?s)did not start\. The end of .*server\.log:.*pg_control"):
        cluster.ensure_running()


def test_an_unfinished_initdb_is_begun_anew(home: Path) -> None:
    half = home / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert ask(Cluster(home, durable=False), "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root does")
def test_as_root_the_server_runs_as_nobody_and_only_nobody_may_pass(home: Path) -> None:
    Cluster(home, durable=False).ensure_running()
    nobody, other = pwd.getpwnam("nobody"), pwd.getpwnam("daemon")
    assert Path(f"/proc/{postmaster_pid(home)}").stat().st_uid == nobody.pw_uid

    def passes(uid: int, gid: int) -> bool:
        asked = subprocess.run(["test", "-x", home], user=uid, group=gid, extra_groups=[], cwd="/", check=False)
        return asked.returncode == 0

    assert passes(nobody.pw_uid, nobody.pw_gid)
    assert not passes(other.pw_uid, other.pw_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root does")
def test_a_folder_closed_again_behind_our_back_hinders_neither_stop_nor_start(home: Path) -> None:
    cluster = Cluster(home, durable=False)
    cluster.ensure_running()
    home.chmod(0o700)
    cluster.stop()
    assert not cluster.is_running()
    home.chmod(0o700)
    assert ask(cluster, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root does")
def test_letting_nobody_pass_gives_no_other_account_more(home: Path) -> None:
    """A group that the mode shuts out stays out when the mask is widened for `nobody`."""
    daemon = pwd.getpwnam("daemon")
    os.chown(home, 0, daemon.pw_gid)
    home.chmod(0o710)
    Cluster(home, durable=False).ensure_running()
    home.chmod(0o700)
    Cluster(home, durable=False).stop()
    asked = subprocess.run(["test", "-x", home], user=daemon.pw_uid, group=daemon.pw_gid, extra_groups=[], check=False)
    assert asked.returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as a normal user already")
def test_a_normal_user_needs_no_help(home: Path) -> None:
    Cluster(home, durable=False).ensure_running()  # loads every module and opens the way to the binaries
    user = pwd.getpwnam("daemon")
    if not _as_user(user, lambda: find_binaries()):
        pytest.skip("the PostgreSQL binaries lie where only root gets")
    own = Path(tempfile.mkdtemp(prefix="saasbot-test-home-"))
    os.chown(own, user.pw_uid, user.pw_gid)

    def live() -> None:
        cluster = Cluster(own, durable=False)
        assert ask(cluster, "SELECT 1") == 1
        assert Path(f"/proc/{postmaster_pid(own)}").stat().st_uid == user.pw_uid
        cluster.stop()
        assert not cluster.is_running()

    try:
        assert _as_user(user, live)
    finally:
        shutil.rmtree(own)


def _as_user(user: pwd.struct_passwd, act: Callable[[], object]) -> bool:
    """Whether `act` ends without an exception in a child that gave up root for good."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            act()
        except BaseException:  # noqa: BLE001 - the child must end here, whatever happened
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
