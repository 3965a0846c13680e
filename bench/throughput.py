"""Inbound throughput: journal to published event, 20 numbers × 200 chats, sustained; and the raw inserts beside it."""

import asyncio
import subprocess
import sys
import time

import psycopg

from bench.cast import BenchNumber, numbers, own_database, text_event
from bench.report import Figure
from saasbot.infra import db
from saasbot.infra.db import sql, unit_of_work
from saasbot.infra.events import Event, Listener
from saasbot.infra.roles import libpq_url
from saasbot.infra.settings import settings
from saasbot.wa_runtime.processor import Processor

NUMBERS, CHATS, SECONDS, RATE = 20, 200, 30, 500
"""Offered: `RATE` messages a second in all, each journalled on its own, as the library's callback does."""


def measure() -> list[Figure]:
    with own_database() as urls:
        raw = _raw_inserts(libpq_url(urls.owner))
        return [*asyncio.run(_measure(urls.app, urls.platform)), raw]


async def _measure(app_url: str, platform_url: str) -> list[Figure]:
    db.connect(app_url=app_url, platform_url=platform_url)
    made = await numbers(NUMBERS)
    listener = Listener(db.app_dsn())
    processor = Processor(listener)
    published = 0

    def count(event: Event) -> None:
        nonlocal published
        published += event.kind == "conversation"

    listener.on_event(count)
    await listener.start()
    await processor.start()
    feeder = subprocess.Popen(
        [sys.executable, "-m", "bench.feeder", db.app_dsn(), str(settings().data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert feeder.stdin and feeder.stdout
    feeder.stdin.write("\n".join(f"{n.company_id} {n.channel_id}" for n in made) + "\n\n")
    feeder.stdin.flush()
    started = time.perf_counter()
    offered = int(await asyncio.to_thread(feeder.stdout.readline))
    await _until_processed(made)
    elapsed = time.perf_counter() - started
    stored = 0
    for company in {n.company_id: n for n in made}.values():
        async with unit_of_work(company.actor):
            stored += (await sql("SELECT count(*) FROM message")).scalar_one()
    await processor.stop()
    await listener.stop()
    await db.disconnect()
    return [
        Figure("inbound journal → published event", round(stored / elapsed), "msg/s", offered, "≥ 400 for 30 s"),
        Figure("inbound messages lost", offered - stored, "msg", offered, "0"),
        Figure("inbound events published", published, "events", offered),
    ]


async def _until_processed(made: list[BenchNumber]) -> None:
    companies = {n.company_id: n for n in made}.values()
    for company in companies:
        while True:
            async with unit_of_work(company.actor):
                waiting = await sql("SELECT EXISTS (SELECT FROM wa_event WHERE processed_at IS NULL)")
                if not waiting.scalar_one():
                    break
            await asyncio.sleep(0.05)


def _raw_inserts(dsn: str, seconds: float = 5.0) -> Figure:
    """Plain psycopg, one commit a row: what the disk and the driver allow one connection."""
    count = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_raw (id bigint GENERATED ALWAYS AS IDENTITY, raw bytea)")
        payload = text_event(1, "RAW", "hola")
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            connection.execute("INSERT INTO bench_raw (raw) VALUES (%s)", (payload,))
            count += 1
        connection.execute("DROP TABLE bench_raw")
    return Figure("raw: psycopg inserts, one commit each", round(count / seconds), "rows/s", count)
