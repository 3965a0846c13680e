"""The database as its administrator sees it."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy.engine import make_url

from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls


@pytest.fixture
def superuser(cluster: ClusterInfo, database: DatabaseUrls) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.superuser_url(make_url(database.owner).database or ""), autocommit=True) as connection:
        yield connection
