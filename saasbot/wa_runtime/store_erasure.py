"""A person leaves the library's own store (whatsmeow's tables) as well: keys, names, settings of their chat.

The library makes new keys when they write again.
"""

import asyncio
from collections.abc import Sequence

import psycopg
from psycopg import sql

from saasbot.wa_runtime.neonize_store import StoreUnavailable, libpq_dsn

_CONNECT_SECONDS = 10

_TEXT_COLUMNS = """
    SELECT c.table_name, array_agg(c.column_name::text),
           bool_or(c.column_name = 'our_jid') AS of_a_device
    FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'character varying')
      AND c.table_name LIKE 'whatsmeow\\_%' AND c.table_name <> 'whatsmeow_device'
    GROUP BY c.table_name ORDER BY bool_or(c.column_name = 'our_jid') DESC, 1
"""


async def forget_person(store_dsn: str, users: Sequence[str], devices: Sequence[str]) -> int:
    """No table of the store names these users beside these devices any more; what belongs to no device (which phone is which
    hidden id) goes when no other device knows them. Returns how many rows are gone.

    Raises: StoreUnavailable.
    """
    return await asyncio.to_thread(_forget, store_dsn, list(users), list(devices)) if users else 0


def _forget(store_dsn: str, users: list[str], devices: list[str]) -> int:
    # a user, then the end or what follows it in an address of any kind: `@server`, `:device`, `.agent`, `_1`
    pattern = "^(" + "|".join(users) + ")([@:._]|$)"
    removed, known_elsewhere = 0, False
    try:
        with psycopg.connect(libpq_dsn(store_dsn), connect_timeout=_CONNECT_SECONDS) as connection:
            for table, columns, of_a_device in connection.execute(_TEXT_COLUMNS.encode()).fetchall():
                others = [column for column in columns if column != "our_jid"]
                if not others or (not of_a_device and known_elsewhere):
                    continue
                named = sql.SQL(" OR ").join(sql.SQL("{} ~ %(who)s").format(sql.Identifier(name)) for name in others)
                where = sql.SQL("({})").format(named)
                if of_a_device:
                    where = sql.SQL("our_jid = ANY(%(devices)s) AND ") + where
                values = {"who": pattern, "devices": devices}
                gone = connection.execute(
                    sql.SQL("DELETE FROM {} WHERE ").format(sql.Identifier(table)) + where, values
                )
                removed += gone.rowcount
                if of_a_device:
                    left = (
                        sql.SQL("SELECT 1 FROM {} WHERE ").format(sql.Identifier(table)) + named + sql.SQL(" LIMIT 1")
                    )
                    known_elsewhere = known_elsewhere or connection.execute(left, values).fetchone() is not None
    except psycopg.OperationalError as error:
        raise StoreUnavailable(str(error)) from error
    return removed
