"""The database as its administrator sees it."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls
from saasbot.wa_runtime.neonize_store import libpq_dsn
from tests.media.conftest import files  # noqa: F401  # a fixture


@pytest.fixture
def superuser(cluster: ClusterInfo, database: DatabaseUrls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.superuser_url(make_url(database.owner).database or ""), autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(cluster: ClusterInfo, database: DatabaseUrls) -> Iterator[psycopg.Connection]:
    """The library's store, with those of its tables that name people, as it makes them. Its own, where tests of real numbers
    have made it, is out of the way meanwhile.
    """
    url = make_url(database.wa_store)
    with psycopg.connect(cluster.superuser_url(url.database or ""), autocommit=True) as owner:
        owner.execute("ALTER SCHEMA public RENAME TO kept")
        try:
            owner.execute(f"CREATE SCHEMA public AUTHORIZATION {url.username}".encode())
            with psycopg.connect(libpq_dsn(database.wa_store), autocommit=True) as connection:
                for statement in STORE:
                    connection.execute(statement.encode())
                yield connection
        finally:
            owner.execute("DROP SCHEMA IF EXISTS public CASCADE")
            owner.execute("ALTER SCHEMA kept RENAME TO public")


STORE = (
    "CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, lid TEXT)",
    "CREATE TABLE whatsmeow_contacts (our_jid TEXT, their_jid TEXT, full_name TEXT, PRIMARY KEY (our_jid, their_jid), "
    "FOREIGN KEY (our_jid) REFERENCES whatsmeow_device(jid) ON DELETE CASCADE)",
    "CREATE TABLE whatsmeow_sessions (our_jid TEXT, their_id TEXT, session bytea, PRIMARY KEY (our_jid, their_id), "
    "FOREIGN KEY (our_jid) REFERENCES whatsmeow_device(jid) ON DELETE CASCADE)",
    "CREATE TABLE whatsmeow_lid_map (lid TEXT PRIMARY KEY, pn TEXT UNIQUE NOT NULL)",
    "CREATE TABLE whatsmeow_privacy_tokens (our_jid TEXT, their_jid TEXT, token bytea, PRIMARY KEY (our_jid, their_jid))",
)
