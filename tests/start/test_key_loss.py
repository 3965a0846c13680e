"""Secret keys of another installation stop a start before it changes anything; only an explicit word goes on without them."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from saasbot.infra import key_check, roles
from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import libpq_url
from saasbot.infra.settings import Settings, settings
from saasbot.infra.start_error import StartError
from tests.attack.attempts import attempt
from tests.fixtures.database import NewDatabase

ROOT = Path(__file__).parents[2]
OTHER = base64.b64encode(b"o" * 32).decode()
NEWEST = base64.b64encode(b"e" * 32).decode()


@pytest.fixture
def url(new_database: NewDatabase, cluster: ClusterInfo) -> Iterator[str]:
    """A database that has been started once, by the URL of an administrator of the server."""
    made = new_database()
    key_check.keep_word(libpq_url(made.owner), settings().keys[0])
    yield cluster.superuser_url(make_url(made.owner).database or "")
    roles.prepare_server(cluster.superuser_url(), make_url(made.owner), settings().keys[0])  # other tests go on


def with_keys(url: str, *keys: str) -> Settings:
    return Settings.model_validate({**settings().model_dump(), "database_url": url, "secret_keys": ",".join(keys)})


def passwords(cluster: ClusterInfo) -> list[tuple]:
    with psycopg.connect(cluster.superuser_url()) as connection:
        return connection.execute("SELECT rolname, rolpassword FROM pg_authid ORDER BY 1").fetchall()


def command(name: str, url: str, key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "saasbot", name],
        cwd=ROOT,
        env=os.environ | {"SAASBOT_DATABASE_URL": url, "SAASBOT_SECRET_KEYS": key, "SAASBOT_DEMO": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@attempt(215, "secrets", "The server is started with the keys of another installation.")
def test_keys_of_another_database_stop_the_start_and_change_nothing(url: str, cluster: ClusterInfo) -> None:
    before = passwords(cluster)
    with pytest.raises(StartError, match="SAASBOT_SECRET_KEYS: none of these keys belongs to this database"):
        roles.prepare_database(with_keys(url, OTHER))
    assert passwords(cluster) == before


def test_a_new_key_before_the_old_one_is_a_rotation_and_no_stop(url: str) -> None:
    key_check.stop_unless_ours(url, with_keys(url, OTHER, settings().secret_keys.get_secret_value()).keys)


def test_the_word_that_is_there_is_not_replaced_by_a_start(url: str) -> None:
    key_check.keep_word(url, with_keys(url, OTHER).keys[0])
    key_check.stop_unless_ours(url, settings().keys)


def test_an_empty_database_belongs_to_whoever_comes_first(cluster: ClusterInfo, database: object) -> None:
    key_check.stop_unless_ours(cluster.superuser_url(), with_keys("", OTHER).keys)


def test_the_loss_is_accepted_by_a_command_of_its_own_and_then_the_new_keys_count(url: str) -> None:
    refused = command("reseal", url, NEWEST)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "accept-key-loss" in refused.stderr
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO signing_key (id, created_at, private_sealed, public_pem) VALUES (gen_random_uuid(), now(), %s, '')",
            [b"\x01" + b"x" * 60],
        )
    accepted = command("accept-key-loss", url, NEWEST)
    assert accepted.returncode == 0, accepted.stderr
    assert "Secrets that no key opens: 1." in accepted.stdout
    key_check.stop_unless_ours(url, with_keys(url, NEWEST).keys)
    assert command("reseal", url, settings().secret_keys.get_secret_value()).returncode == 1
