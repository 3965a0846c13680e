"""The library's own store (whatsmeow's tables, a database of its own), read beside it.

The library must never be asked for a session that its store does not have: it would take the whole process down.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg

# what libpq does not know as a word of a URL and the Go driver hands to the server
_SERVER_SETTINGS = ("idle_session_timeout", "search_path")
_CONNECT_SECONDS = 10
_LOCK = 0x5AA5_0002


class StoreUnavailable(Exception):
    """The store's database does not answer."""


def libpq_dsn(store_dsn: str) -> str:
    """The library's DSN as psycopg reads it: server settings move into `options`."""
    parts = urlsplit(store_dsn)
    query = parse_qsl(parts.query)
    kept = [(name, value) for name, value in query if name not in _SERVER_SETTINGS]
    moved = [f"-c {name}={value}" for name, value in query if name in _SERVER_SETTINGS]
    if moved:
        kept.append(("options", " ".join(moved)))
    # urlencode's plus signs are plus signs to libpq
    return urlunsplit(parts._replace(query=urlencode(kept).replace("+", "%20")))


async def has_session(store_dsn: str, device_jid: str) -> bool:
    """Whether the store can restore this device. Raises: StoreUnavailable."""
    return bool(await asyncio.to_thread(_query, store_dsn, "SELECT 1 FROM whatsmeow_device WHERE jid = %s", device_jid))


async def forget_session(store_dsn: str, device_jid: str) -> None:
    """The store no longer has the device, nor its keys (they cascade). The phone goes on listing it until it expires.

    Only while no client runs it. Raises: StoreUnavailable.
    """
    for statement in (
        "DELETE FROM whatsmeow_privacy_tokens WHERE our_jid = %s RETURNING 1",
        "DELETE FROM whatsmeow_device WHERE jid = %s RETURNING 1",
    ):
        await asyncio.to_thread(_query, store_dsn, statement, device_jid)


async def sessions_of(store_dsn: str, phone: str) -> set[str]:
    """The devices of this phone (digits) that the store has. Raises: StoreUnavailable."""
    statement = "SELECT jid FROM whatsmeow_device WHERE split_part(split_part(jid, '@', 1), ':', 1) = %s"
    return {str(jid) for (jid,) in await asyncio.to_thread(_query, store_dsn, statement, phone)}


@contextmanager
def alone_in_store(store_dsn: str) -> Iterator[None]:
    """No other process is here meanwhile. Raises: StoreUnavailable."""
    try:
        with psycopg.connect(libpq_dsn(store_dsn), autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            yield
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error


def _query(store_dsn: str, statement: str, value: str) -> list[tuple[object, ...]]:
    try:
        with psycopg.connect(libpq_dsn(store_dsn), autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            return connection.execute(statement.encode(), [value]).fetchall()
    except psycopg.errors.UndefinedTable:
        return []  # the library has never used this database
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
