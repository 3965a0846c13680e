"""The journal keeps what the network handed over, whatever the database does."""

import base64
import errno
import json
import os
from pathlib import Path

import pytest

from saasbot.domain.actor import Actor
from saasbot.domain.history.choose import choose_history
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


async def test_what_was_spooled_goes_before_the_next_event_as_soon_as_the_database_is_back(
    alice: Actor, tmp_path: Path
):
    channel = await simulator_channel(alice)
    broken = journal_of(channel, tmp_path, dsn="postgresql:///nowhere?host=/nonexistent")
    broken.append(17, b"first")
    broken.append(17, b"second")
    healed = journal_of(channel, tmp_path)
    healed.append(17, b"third")
    assert await stored(alice) == [b"first", b"second", b"third"]
    assert not list(tmp_path.iterdir())
    healed.close()


async def test_a_part_of_the_history_lies_beside_the_journal_and_only_when_it_is_wanted(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    journal = journal_of(channel, tmp_path)

    async def parts() -> int:
        async with unit_of_work(alice):
            return (await sql("SELECT count(*) FROM history_chunk")).scalar_one()

    journal.append(13, b"unwanted")
    assert await parts() == 0
    async with unit_of_work(alice):
        await choose_history(alice, channel.id, days=30)
    for _ in range(2):
        journal.append(13, b"wanted")
    await journal.append_many([(13, b"wanted"), (13, b"more"), (17, b"now")])
    assert await parts() == 2
    assert await stored(alice) == [b"now"]
    journal.close()


NOWHERE = "postgresql:///nowhere?host=/nonexistent"


def line_of(raw: bytes) -> str:
    return json.dumps({"code": 17, "raw": base64.b64encode(raw).decode()})


async def test_a_spool_line_cut_by_a_crash_does_not_stop_the_others_and_is_kept(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    whole = line_of(b"whole")
    (tmp_path / f"{channel.id}.jsonl").write_text(whole + "\n" + whole[:10])
    journal = journal_of(channel, tmp_path)
    assert await journal.replay_spool() == 1
    assert await stored(alice) == [b"whole"]
    assert [file.name for file in tmp_path.iterdir()] == [f"{channel.id}.unreadable"]
    assert (tmp_path / f"{channel.id}.unreadable").read_text() == whole[:10] + "\n"
    journal.close()


async def test_a_spool_line_cut_by_a_crash_does_not_take_the_next_along(alice: Actor, tmp_path: Path):
    channel = await simulator_channel(alice)
    (tmp_path / f"{channel.id}.jsonl").write_text(line_of(b"whole") + "\n" + line_of(b"cut")[:10])
    journal_of(channel, tmp_path, dsn=NOWHERE).append(17, b"next")
    journal = journal_of(channel, tmp_path)
    assert await journal.replay_spool() == 2
    assert await stored(alice) == [b"whole", b"next"]
    journal.close()


async def test_an_event_that_found_no_room_on_the_disk_is_refused_and_leaves_nothing(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    channel = await simulator_channel(alice)
    broken = journal_of(channel, tmp_path, dsn=NOWHERE)
    broken.append(17, b"before")
    write, room = os.write, [10]

    def full(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: room.pop()])

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            broken.append(17, b"no room")
    assert (tmp_path / f"{channel.id}.jsonl").read_text() == line_of(b"before") + "\n"
    broken.append(17, b"after")
    healed = journal_of(channel, tmp_path)
    assert await healed.replay_spool() == 2
    assert await stored(alice) == [b"before", b"after"]
    healed.close()


async def test_an_event_that_the_disk_took_in_parts_is_whole(
    alice: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    channel = await simulator_channel(alice)
    broken = journal_of(channel, tmp_path, dsn=NOWHERE)
    write = os.write
    with monkeypatch.context() as disk:
        disk.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        broken.append(17, b"in parts")
    healed = journal_of(channel, tmp_path)
    assert await healed.replay_spool() == 1
    assert await stored(alice) == [b"in parts"]
    healed.close()
