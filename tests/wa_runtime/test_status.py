"""`python -m saasbot.wa_runtime status` tells how every number does, or in a line why it cannot."""

import os
import subprocess
import sys

from saasbot.domain.channels.lease import acquire_lease, renew_lease
from saasbot.domain.channels.state import set_state
from saasbot.infra import process_identity
from saasbot.infra.db import session, unit_of_work
from saasbot.infra.roles import DatabaseUrls
from saasbot.models import Channel, ChannelStatus
from tests.fixtures.shops import Shop


def status(database_url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "saasbot.wa_runtime", "status"],
        env=os.environ | {"SAASBOT_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_the_table_has_a_line_for_each_number(shop: Shop, database: DatabaseUrls):
    await shop.hears("a secret of Ana's")
    async with unit_of_work(shop.system):
        set_state(await session().get_one(Channel, shop.channel.id), ChannelStatus.RECONNECTING, "connection_lost")
        epoch = await acquire_lease(shop.system, shop.channel.id, holder=process_identity.this_process())
        assert epoch is not None
        await renew_lease(shop.system, shop.channel.id, epoch=epoch, memory_bytes=64 * 1024**2, loop_lag=0.123)
    told = status(database.owner)
    head, line = told.stdout.splitlines()
    assert told.returncode == 0
    assert head.split()[:4] == ["number", "kind", "state", "since"]
    words = line.split()
    assert words[:3] == [shop.channel.id.hex[-8:], "simulator", "reconnecting"]
    assert {"connection_lost", f"{os.getpid()}@{os.uname().nodename}", "64", "123"} <= set(words)
    assert "secret" not in told.stdout
    assert head.index("reason") == line.index("connection_lost")


def test_no_numbers_is_said_too(database: DatabaseUrls):
    assert status(database.owner).stdout == "There are no numbers yet.\n"


def test_a_database_that_is_down_gets_one_line():
    told = status("postgresql://somebody:a-password@127.0.0.1:1/nothing")
    assert (told.returncode, told.stdout) == (1, "")
    [line] = told.stderr.splitlines()
    assert line.startswith("The database is down or cannot be reached: ")
    assert "a-password" not in line
