"""The list and the thread at 100,000 conversations and 1,000,000 messages, beside the same at 1,000 conversations."""

import asyncio
import time
from uuid import UUID

from bench.cast import own_database
from bench.crowd import analyze, fill
from bench.report import Figure, latencies, percentile
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.reads import list_conversations
from saasbot.domain.inbox.thread import read_thread
from saasbot.infra import db
from saasbot.infra.db import unit_of_work
from saasbot.infra.roles import DatabaseUrls, libpq_url

SMALL, LARGE, MESSAGES_EACH = 1_000, 100_000, 10
ROUNDS, SEARCH_ROUNDS = 120, 10

SEARCHES = ("zapatillas rojas", "transferencia 1f3", "runner 77")
"""Words that many messages have, a rare one among them, and a name."""


def measure() -> list[Figure]:
    with own_database() as urls:
        app = libpq_url(urls.app)
        small = Actor.system(fill(app, conversations=SMALL, messages_each=MESSAGES_EACH))
        large = Actor.system(fill(app, conversations=LARGE, messages_each=MESSAGES_EACH))
        analyze(libpq_url(urls.owner))
        return asyncio.run(_measure(urls, small, large))


async def _measure(urls: DatabaseUrls, small: Actor, large: Actor) -> list[Figure]:
    db.connect(app_url=urls.app, platform_url=urls.platform)
    figures = []
    for name, at_small, at_large in await _both(small, large):
        p95, base = percentile(at_large, 95), percentile(at_small, 95)
        figures += [
            Figure(f"{name} p95 at 100 k conversations, 1 M messages", round(p95, 1), "ms", ROUNDS, "≤ 60"),
            Figure(f"{name} against 1 k conversations", round(p95 / base, 2), "×", ROUNDS, "≤ 1.5"),
        ]
    searched = [await _timed_search(large, words) for words in SEARCHES for _ in range(SEARCH_ROUNDS)]
    figures += latencies("search at 1 M messages", searched)
    await db.disconnect()
    return figures


async def _timed_search(actor: Actor, words: str) -> float:
    started = time.perf_counter()
    async with unit_of_work(actor):
        await list_conversations(actor, query=words)
    return (time.perf_counter() - started) * 1000


async def _both(small: Actor, large: Actor) -> list[tuple[str, list[float], list[float]]]:
    """Small and large by turns, so that what else the machine does falls on both."""
    threads = {actor: await _some_conversation(actor) for actor in (small, large)}
    lists: dict[Actor, list[float]] = {small: [], large: []}
    reads: dict[Actor, list[float]] = {small: [], large: []}
    for _ in range(ROUNDS):
        for actor in (small, large):
            started = time.perf_counter()
            async with unit_of_work(actor):
                await list_conversations(actor)
            lists[actor].append((time.perf_counter() - started) * 1000)
            started = time.perf_counter()
            async with unit_of_work(actor):
                await read_thread(actor, threads[actor])
            reads[actor].append((time.perf_counter() - started) * 1000)
    return [("conversation list", lists[small], lists[large]), ("thread", reads[small], reads[large])]


async def _some_conversation(actor: Actor) -> UUID:
    async with unit_of_work(actor):
        return (await list_conversations(actor, limit=20)).conversations[-1].id
