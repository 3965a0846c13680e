"""A taste of the soak of neonize numbers (`python -m soak.wire`): twenty seconds, and every promise kept; and what its judge
says of a message that is lost.
"""

import socket
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from saasbot.infra.postgres import ClusterInfo
from saasbot.infra.roles import DatabaseUrls
from soak.oracle import Verdict
from soak.wire import soak_wire
from soak.wire_oracle import judge_inbound
from tests.fixtures.shops import Shop
from tests.wa_runtime.test_gaps import abandoned, held
from tests.wire_lab import ABSENT

FAULTS = ("socket cut", "login refused 503", "bridge killed")


@pytest.mark.skipif(bool(ABSENT), reason=ABSENT)
async def test_real_numbers_lose_nothing_untold_on_a_bad_twenty_seconds():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    verdict, nemesis = await soak_wire(numbers=3, rate=4, seconds=20, every=5, seed=4, faults=FAULTS, port=port)
    assert verdict.broken == [], (verdict.figures, nemesis.done)
    assert set(nemesis.done) == set(FAULTS)
    assert verdict.figures["acknowledged by the device"] > 20
    assert verdict.figures["people's messages"] > 4


ANA, BETO, PHONE = "5491100000001", "5491100000002", "5491144440000"
HOURS = 3600


async def test_a_loss_counts_as_told_only_in_a_gap_whose_chat_tells_it(
    shop: Shop, cluster: ClusterInfo, database: DatabaseUrls, tmp_path: Path
):
    """The shop's number was held by nobody for the last 18 minutes; Ana wrote meanwhile, Beto never did."""
    await shop.hears("hola", phone=ANA, wa_id="KEPT")
    await abandoned(shop, minutes=18)
    async with held(shop, tmp_path):
        pass
    now = time.time()

    def judged(sender: str, *, first_given: float, acknowledged: float) -> Verdict:
        kept = {"id": "KEPT", "from": ANA, "first_given": now, "acknowledged": now}
        lost = {"id": "LOST", "from": sender, "first_given": first_given, "acknowledged": acknowledged}
        verdict = Verdict()
        with psycopg.connect(cluster.superuser_url(make_url(database.owner).database or "")) as connection:
            judge_inbound(connection, {PHONE: [kept, lost]}, {PHONE: str(shop.channel.id)}, verdict)
        assert verdict.figures["acknowledged by the device"] == 2
        assert verdict.figures["stored"] == 1
        return verdict

    told = judged(ANA, first_given=now - 600, acknowledged=now + 60)
    assert (told.figures["lost in a gap that is told"], told.figures["lost otherwise"], told.broken) == (1, 0, [])

    before = judged(ANA, first_given=now - 2 * HOURS, acknowledged=now - HOURS)
    assert before.figures["lost otherwise"] == 1
    assert before.broken == ["1 messages were lost outside of any gap"]

    untold = judged(BETO, first_given=now - 600, acknowledged=now - 590)
    assert untold.figures["lost otherwise"] == 1
    assert untold.broken == ["1 messages were lost in a gap that their chat does not tell"]
