"""What numbers have left in their spools is not forgotten with them."""

import asyncio
import os
import time
from pathlib import Path
from uuid import UUID

import pytest

from saasbot.domain.actor import Actor
from saasbot.infra.db import sql, unit_of_work
from saasbot.wa_runtime import spool_sweep
from saasbot.wa_runtime.spool import Spool
from saasbot.wa_runtime.spool_sweep import sweep
from tests.fixtures.numbers import simulator_channel

DAY = 86_400


async def journalled(actor: Actor) -> list[bytes]:
    async with unit_of_work(actor):
        return [row.raw for row in (await sql("SELECT raw FROM wa_event ORDER BY id")).all()]


def aged(path: Path, days: float) -> Path:
    path.write_text("something")
    os.utime(path, times=(time.time(), time.time() - days * DAY))
    return path


async def test_what_nobody_who_runs_will_empty_goes_to_the_journal_of_its_company(
    alice: Actor, mallory: Actor, tmp_path: Path
):
    here, there = await simulator_channel(alice), await simulator_channel(mallory)
    for raw in (b"one", b"two"):
        Spool(tmp_path, here.id).append(17, raw)
    Spool(tmp_path, there.id).append(17, b"theirs")
    (tmp_path / "notes.txt").write_text("not ours")
    await sweep(tmp_path)
    assert await journalled(alice) == [b"one", b"two"]
    assert await journalled(mallory) == [b"theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    await sweep(tmp_path / "nowhere yet")


async def test_what_cannot_be_read_is_kept_for_ninety_days(alice: Actor, tmp_path: Path):
    old, new = await simulator_channel(alice), await simulator_channel(alice, "Otra")
    aged(tmp_path / f"{old.id}.unreadable", 91)
    kept = aged(tmp_path / f"{new.id}.unreadable", 89)
    await sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


async def test_what_is_left_of_a_company_that_is_gone_goes_after_a_day(alice: Actor, tmp_path: Path):
    for suffix in ("jsonl", "unreadable"):
        aged(tmp_path / f"{UUID(int=1)}.{suffix}", 1.1)
    kept = aged(tmp_path / f"{UUID(int=2)}.jsonl", 0.9)
    await sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


async def test_it_looks_again_and_again_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fail, again = iter((ConnectionError("away"), RuntimeError("a fault of ours"))), asyncio.Event()

    async def look(_folder: Path) -> None:
        if (error := next(fail, None)) is not None:
            raise error
        again.set()

    monkeypatch.setattr(spool_sweep, "sweep", look)
    monkeypatch.setattr(spool_sweep, "_PAUSE_SECONDS", 0)
    sweeper = asyncio.create_task(spool_sweep.sweep_forever(tmp_path))
    try:
        async with asyncio.timeout(5):
            await again.wait()
    finally:
        sweeper.cancel()
