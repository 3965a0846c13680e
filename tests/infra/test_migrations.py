"""The chain of migrations."""

import re
from pathlib import Path

import psycopg

from saasbot.infra.migrations import migrate, newest_revision
from saasbot.infra.roles import DatabaseUrls, libpq_url

VERSIONS = Path(__file__).parents[2] / "alembic" / "versions"


def test_there_is_one_chain_without_forks() -> None:
    """Two people who add a migration at once must notice before the next start does."""
    found = [
        (re.search(r"^revision = ['\"](.+)['\"]", text, re.M), re.search(r"^down_revision = (.+)$", text, re.M))
        for text in (path.read_text() for path in sorted(VERSIONS.glob("*.py")))
    ]
    revisions = [own[1] for own, _ in found if own]
    parents = [parent[1].strip("'\"") for _, parent in found if parent]
    assert len(revisions) == len(set(revisions))
    assert sorted(parents) == sorted(["None", *sorted(revisions)[:-1]])
    assert newest_revision() == max(revisions)


def test_migrating_brings_an_empty_database_to_the_newest_revision_and_twice_is_once(database: DatabaseUrls) -> None:
    migrate(database.owner)
    with psycopg.connect(libpq_url(database.owner)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_revision(),)]
