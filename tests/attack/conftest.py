"""Alice's things, and a ledger of every row of her company."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url

from saasbot.domain.actor import Actor
from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls
from tests.api.conftest import as_alice, as_mallory, client
from tests.attack.belongings import Belongings, Ledger, belongings_of, ledger

__all__ = ["as_alice", "as_mallory", "client"]


@pytest.fixture
async def hers(alice: Actor) -> Belongings:
    return await belongings_of(alice)


@pytest.fixture
def her_rows(cluster: ClusterInfo, database: DatabaseUrls, hers: Belongings) -> Iterator[Ledger]:
    with ledger(cluster.superuser_url(make_url(database.owner).database or ""), hers.company_id) as opened:
        yield opened
