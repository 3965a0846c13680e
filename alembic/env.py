"""Runs migrations as the owner role. The URL comes from the caller (`config.attributes["url"]`) or SAASBOT_OWNER_URL."""

import os

from sqlalchemy import create_engine, pool
from sqlmodel import SQLModel

import saasbot.models  # noqa: F401  registers every table
from alembic import context

config = context.config


def _include(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """Procrastinate's tables are its own: their SQL comes from its release, not from our models."""
    if kind == "table":
        return not (name or "").startswith("procrastinate_")
    # expression indexes cannot be compared; the migrations and a test of the catalogue hold them
    return not (kind == "index" and (name or "").endswith("_trgm"))


def run() -> None:
    url = config.get_main_option("sqlalchemy.url") or config.attributes.get("url") or os.environ["SAASBOT_OWNER_URL"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            include_object=_include,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
