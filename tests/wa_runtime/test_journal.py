"""The journal keeps what the network handed over, whatever the database does."""

import base64
import json
from pathlib import Path

from saasbot.domain.actor import Actor
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.models import Channel
from saasbot.wa_runtime.journal import NumberJournal
from tests.fixtures.numbers import simulator_channel


def journal_of(channel: Channel, folder: Path, *, dsn: str | None = None) -> NumberJournal:
    return NumberJournal(
        company_id=channel.company_id, channel_id=channel.id, epoch=1, dsn=dsn or db.app_dsn(), spool_dir=folder
    )


async def stored(actor: Actor) -> list[bytes]:
    async with unit_of_work(actor):
        return [row.raw for row in (await sql("SELECT raw FROM wa_event ORDER BY id")).all()]


async def test_the_same_event_twice_is_journalled_once(alice: Actor, tmp_path: Path):
    journal = journal_of(await simulator_channel(alice), tmp_path)
    journal.append(17, b"one")
    journal.append(17, b"one")
    journal.append(18, b"one")
    await journal.append_many([(17, b"one"), (17, b"two")])
    assert await stored(alice) == [b"one", b"one", b"two"]
    journal.close()


async def test_events_of_an_outage_are_spooled_and_replayed_in_order(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    broken = journal_of(channel, tmp_path, dsn="postgresql:///nowhere?host=/nonexistent")
    broken.append(17, b"first")
    broken.append(17, b"second")
    assert await stored(alice) == []
    healed = journal_of(channel, tmp_path)
    assert await healed.replay_spool() == 2
    assert await stored(alice) == [b"first", b"second"]
    assert await healed.replay_spool() == 0
    healed.close()


async def test_a_spool_line_cut_by_a_crash_does_not_stop_the_others(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    whole = json.dumps({"code": 17, "raw": base64.b64encode(b"whole").decode()})
    (tmp_path / f"{channel.id}.jsonl").write_text(whole + "\n" + whole[:10])
    journal = journal_of(channel, tmp_path)
    assert await journal.replay_spool() == 1
    assert await stored(alice) == [b"whole"]
    journal.close()
