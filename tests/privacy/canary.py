"""Words that are put everywhere and looked for everywhere."""

from pathlib import Path

import psycopg
from psycopg import sql


def tables_with(connection: psycopg.Connection, *words: str) -> set[str]:
    """The tables of this database in which a row holds one of the words, as text or as bytes."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    patterns = [f"%{form}%" for word in words for form in (word, word.encode().hex())]
    found = set()
    for (name,) in names:
        query = sql.SQL("SELECT EXISTS (SELECT FROM {} t WHERE CAST(to_jsonb(t) AS text) LIKE ANY(%s))")
        if connection.execute(query.format(sql.Identifier(name)), [patterns]).fetchone() == (True,):
            found.add(str(name))
    return found


def files_with(folder: Path, *words: str) -> list[Path]:
    """Files whose name or content holds one of the words."""
    wanted = [word.encode() for word in words]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(word in path.read_bytes() or word in str(path).encode() for word in wanted)
    ]
