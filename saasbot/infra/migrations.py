"""Bring a database to the newest schema."""

from pathlib import Path

import psycopg

from saasbot.infra.roles import libpq_url

ROOT = Path(__file__).resolve().parents[2]


def migrate(owner_url: str) -> bool:
    """Afterwards the schema of the owner's database is at Alembic's head; whether there was anything to do.

    `alembic/env.py` reads the URL from the attribute `url`.
    """
    if is_current(owner_url):
        return False
    from alembic.config import Config

    from alembic import command  # a second of processor time that a start without news does not spend

    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = owner_url
    command.upgrade(config, "head")
    return True


def is_current(owner_url: str) -> bool:
    return _revision_of(owner_url) == newest_revision()


def newest_revision() -> str:
    """The head of the one chain of migrations: their files are named by revision, in order (a test holds that)."""
    return max(path.name.split("_", 1)[0] for path in (ROOT / "alembic" / "versions").glob("*.py"))


def _revision_of(owner_url: str) -> str | None:
    """The revision of a database; None when it has no schema yet."""
    with psycopg.connect(libpq_url(owner_url)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        return str(row[0]) if row else None
