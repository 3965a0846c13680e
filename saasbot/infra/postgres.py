"""The embedded PostgreSQL: initdb, start, reuse, stop. No other code starts or stops a server.

Layout under the data directory: `postgres/data` (the cluster), `postgres/server.log`, `postgres/superuser_password`.
The server listens on a Unix socket only and outlives the process that started it, so the next start reuses it.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from saasbot.infra.postgres_binaries import find_binaries, major_version
from saasbot.infra.postgres_config import HBA, server_config
from saasbot.infra.server_account import ServerAccount
from saasbot.infra.start_error import StartError

SUPERUSER = "postgres"
PORT = 5432  # only names the socket file: the server does not listen on TCP
START_SECONDS = 60
STOP_SECONDS = 60
# sockaddr_un.sun_path holds 108 bytes with the closing zero (unix(7)).
_LONGEST_SOCKET_PATH = 107
# libpq reads a comma as the next host, Go's driver has rules of its own.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
_SMALLEST_FREE_BYTES = 300 * 1024 * 1024
_LOG_LINES_SHOWN = 12


@dataclass(frozen=True)
class ClusterAddress:
    """Where a cluster listens, running or not."""

    socket_dir: Path
    port: int

    def url(self, user: str, password: str, database: str) -> str:
        """The connection URL for SQLAlchemy (psycopg 3)."""
        return self.plain_url(user, password, database).replace("postgresql://", "postgresql+psycopg://", 1)

    def plain_url(self, user: str, password: str, database: str) -> str:
        """The connection URL for libpq: psycopg, Procrastinate, whatsmeow."""
        host = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{quote(user)}:{quote(password, safe='')}@/{quote(database)}?host={host}&port={self.port}"


@dataclass(frozen=True)
class ClusterInfo(ClusterAddress):
    """A running cluster and the key to it."""

    superuser: str
    superuser_password: str

    def superuser_url(self, database: str = "postgres") -> str:
        """The libpq URL of the superuser, for creating roles and databases."""
        return self.plain_url(self.superuser, self.superuser_password, database)


class Cluster:
    """One cluster under `data_dir`. `durable=False` trades safety for speed and is for tests only."""

    def __init__(self, data_dir: Path, *, durable: bool, binaries: Path | None = None) -> None:
        self._home = data_dir.resolve() / "postgres"
        self._data = self._home / "data"
        self._log = self._home / "server.log"
        self._password_file = self._home / "superuser_password"
        self._lock_file = self._home.parent / "postgres.lock"
        self._digest = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:16]
        self._durable = durable
        self._chosen_binaries = binaries
        self._account = ServerAccount.current()

    def address(self) -> ClusterAddress:
        """Where this cluster listens once it runs."""
        return ClusterAddress(self._socket_dir(), PORT)

    def ensure_running(self) -> ClusterInfo:
        """Afterwards the cluster exists, runs and answers; a running one is reused.

        Raises:
            StartError: disk, permissions, binaries or the server itself are in the way.
        """
        with self._alone():
            deadline = time.monotonic() + START_SECONDS
            while True:
                if not self.is_running():
                    self._stop()  # one that lost its socket file, to a cleaner of temporary folders say
                    self._start()
                info = self._info()
                if (refusal := _refusal(info)) is None:
                    return info
                if time.monotonic() > deadline or "password" in refusal:
                    raise StartError(f"PostgreSQL runs but does not let us in: {refusal}")
                time.sleep(0.05)  # it recovers, or it was killed a moment ago and is not gone yet

    def stop(self) -> None:
        """Afterwards no server runs on this cluster; committed data is on disk.

        Raises:
            StartError: it does not stop within 60 seconds.
        """
        if not self._data.is_dir():
            return
        with self._alone():
            self._stop()

    def is_running(self) -> bool:
        """Whether a postmaster runs on this very cluster and its socket is in place."""
        return self._postmaster() is not None and (self._socket_dir() / f".s.PGSQL.{PORT}").exists()

    def _postmaster(self) -> int | None:
        """The process id of this cluster's live postmaster.

        The file survives a crash and its number may meanwhile belong to any process: the command line tells.
        """
        try:
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if os.fsencode(self._data) in _command_line(Path(f"/proc/{pid}")).split(b"\0") else None

    def _start(self) -> None:
        binaries = find_binaries(self._chosen_binaries)
        major = major_version(binaries)
        self._prepare_folders(binaries)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(binaries)
        made_by = int((self._data / "PG_VERSION").read_text())
        if made_by != major:
            raise StartError(
                f"{self._data} was made by PostgreSQL {made_by}, but {binaries} holds {major}: "
                f"set SAASBOT_PG_BIN to a PostgreSQL {made_by}, or move the folder away to begin anew."
            )
        self._write(
            "data/postgresql.conf",
            server_config(self._socket_dir(), PORT, self._digest, durable=self._durable, major=major),
        )
        self._write("data/pg_hba.conf", HBA)
        self._clear_remains()
        done = self._run(binaries / "pg_ctl", "start", "-D", self._data, "-l", self._log, "-w", "-t", START_SECONDS)
        if done.returncode != 0:
            raise StartError(f"PostgreSQL did not start. The end of {self._log}:\n{self._log_tail()}")

    def _stop(self) -> None:
        if self._postmaster() is None:
            return
        pg_ctl = find_binaries(self._chosen_binaries) / "pg_ctl"
        self._account.ensure_reach(pg_ctl)
        self._account.ensure_reach(self._home)
        done = self._run(pg_ctl, "stop", "-D", self._data, "-m", "fast", "-w", "-t", STOP_SECONDS)
        if done.returncode != 0:
            raise StartError(f"PostgreSQL did not stop: {_last_line(done)}")

    def _prepare_folders(self, binaries: Path) -> None:
        if strange := set(str(self._home)) & set('"$`\\\n'):  # pg_ctl hands the path to a shell
            raise StartError(f"SAASBOT_DATA_DIR: PostgreSQL cannot work in a path with {strange.pop()!r}.")
        try:
            self._home.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"SAASBOT_DATA_DIR: {self._home.parent} cannot be made: {error.strerror}.") from error
        free = shutil.disk_usage(self._home.parent).free
        if free < _SMALLEST_FREE_BYTES:
            raise StartError(
                f"The disk of {self._home.parent} is full: PostgreSQL needs 300 MB, {free >> 20} MB are free."
            )
        self._account.own_folder(self._home)
        self._account.own_folder(self._socket_dir())
        self._account.ensure_reach(self._home)
        self._account.ensure_reach(binaries / "initdb")

    def _initialise(self, binaries: Path) -> None:
        """Make the cluster in a neighbour folder and rename it: a killed initdb leaves no half of a cluster."""
        making = self._home / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        self._write("superuser_password", secrets.token_urlsafe(32))
        done = self._run(
            binaries / "initdb",
            *("-D", making, "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={self._password_file}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
            *(() if self._durable else ("--no-sync",)),
        )
        if done.returncode != 0:
            raise StartError(f"PostgreSQL could not make its files in {self._home}: {_last_line(done)}")
        making.rename(self._data)

    def _clear_remains(self) -> None:
        """Remove the lock files of a dead server.

        PostgreSQL itself hesitates when the number was given out again, or still counts because nobody reaped the dead
        process (a container without an init). A killed postmaster's children end by themselves within moments; until
        then its files are theirs.
        """
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        deadline = time.monotonic() + START_SECONDS
        title = f"postgres: {self._digest}:".encode()  # `cluster_name` is part of every child's process title
        while any(_command_line(process).startswith(title) for process in Path("/proc").glob("[0-9]*")):
            if time.monotonic() > deadline:
                raise StartError(f"Processes of an earlier PostgreSQL still work in {self._data}.")
            time.sleep(0.05)
        pid_file.unlink()
        for remains in self._socket_dir().glob(".s.PGSQL.*"):
            remains.unlink()

    def _info(self) -> ClusterInfo:
        try:
            password = self._password_file.read_text()
        except OSError as error:
            raise StartError(
                f"{self._password_file} cannot be read ({error.strerror}); without it the database is closed to us."
            ) from error
        return ClusterInfo(self._socket_dir(), PORT, SUPERUSER, password)

    def _socket_dir(self) -> Path:
        """`postgres/run`, or a short folder of our own when that path is too long or too odd for a socket."""
        near = self._home / "run"
        if _PLAIN_PATH.fullmatch(str(near)) and len(str(near / f".s.PGSQL.{PORT}.lock")) <= _LONGEST_SOCKET_PATH:
            return near
        return Path(tempfile.gettempdir()) / f"saasbot-{self._digest}"

    def _write(self, name: str, text: str) -> None:
        """Afterwards the file holds `text`, belongs to the server's account and is closed to all others."""
        path = self._home / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            if self._account.switched:
                os.fchown(file.fileno(), self._account.uid, self._account.gid)
            file.write(text)

    def _run(self, program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as the server's account, free of the caller's PG* variables.

        Output goes to a file, not a pipe: the server inherits it and would keep a pipe open for ever.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        command = [str(program), *map(str, arguments)]
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(  # noqa: S603 - programs we located, arguments we made
                command,
                cwd=self._home,
                env=environment | {"LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._account.popen_arguments(),
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read())

    def _log_tail(self) -> str:
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:])
        except OSError:
            return "(it wrote no log)"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two starts at once wait for each other. The lock ends with its process, however that ends."""
        try:
            self._lock_file.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"SAASBOT_DATA_DIR: {self._lock_file.parent} cannot be written: {error.strerror}."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _refusal(info: ClusterInfo) -> str | None:
    """Why the server does not let us in now; None when it does."""
    try:
        psycopg.connect(info.superuser_url(), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        return " ".join(str(error).split())
    return None


def _command_line(process: Path) -> bytes:
    """The command line in a `/proc` entry: unlike its links, everybody may read it. Empty when the process is gone."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in (done.stdout or "").splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"it ended with code {done.returncode}"
