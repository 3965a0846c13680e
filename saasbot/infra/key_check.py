"""Whether the secret keys are those of this database, asked before a start changes anything of it.

The database keeps one sealed word. Keys that do not open it open nothing else either: with them the roles would get new
passwords, every company's model key and proxy would read as missing, and all API sessions would end, without a word.
"""

from collections.abc import Sequence
from uuid import UUID

import psycopg

from saasbot.infra.crypto import Unsealable, place, seal_with, unseal_with
from saasbot.infra.start_error import StartError

_ROW = UUID(int=1)
_PLACE = place("key_check", "check_sealed", _ROW)
_WORD = "these keys belong to this database"


def stop_unless_ours(url: str, keys: Sequence[bytes]) -> None:
    """Ask the database at this libpq URL, as somebody who may read the table. One without the word has nothing to lose yet.

    Raises: StartError.
    """
    with psycopg.connect(url, connect_timeout=10) as connection:
        if connection.execute("SELECT to_regclass('public.key_check')").fetchone() == (None,):
            return
        row = connection.execute("SELECT check_sealed FROM key_check WHERE id = %s", [_ROW]).fetchone()
    if row is None:
        return
    try:
        unseal_with(keys, row[0], _PLACE)
    except Unsealable:
        raise StartError(
            "SAASBOT_SECRET_KEYS: none of these keys belongs to this database. Nothing was changed. Set the keys it was "
            "used with (without the setting: the file secret_keys of the data directory, from the backup). Only if they "
            "are lost for good: python -m saasbot accept-key-loss"
        ) from None


def keep_word(owner_url: str, key: bytes, *, instead: bool = False) -> None:
    """Afterwards the database has its word; one that is there stays, unless this one comes `instead`. `owner_url` is libpq's."""
    with psycopg.connect(owner_url) as connection:
        if instead:
            connection.execute("DELETE FROM key_check")
        connection.execute(
            "INSERT INTO key_check (id, created_at, check_sealed) VALUES (%s, now(), %s) ON CONFLICT DO NOTHING",
            [_ROW, seal_with(key, _WORD, _PLACE)],
        )
