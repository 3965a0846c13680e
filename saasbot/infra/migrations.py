"""Bring a database to the newest schema."""

from pathlib import Path

from alembic.config import Config

from alembic import command

ROOT = Path(__file__).resolve().parents[2]


def migrate(owner_url: str) -> None:
    """Afterwards the schema of the owner's database is at Alembic's head.

    `alembic/env.py` reads the URL from the attribute `url`.
    """
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.attributes["url"] = owner_url
    command.upgrade(config, "head")
