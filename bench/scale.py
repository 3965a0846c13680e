"""The list and the thread at 100,000 conversations and 1,000,000 messages, beside the same at 1,000 conversations."""

import asyncio
import time
from uuid import UUID

import psycopg

from bench.cast import numbers, own_database
from bench.report import Figure, percentile
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.reads import list_conversations
from saasbot.domain.inbox.thread import read_thread
from saasbot.infra import db
from saasbot.infra.db import unit_of_work
from saasbot.infra.roles import DATABASE, embedded_cluster
from saasbot.infra.settings import settings

SMALL, LARGE, MESSAGES_EACH = 1_000, 100_000, 10
ROUNDS = 120

_FILL = """
    WITH people AS (
        INSERT INTO contact (id, company_id, created_at, name, named_by_team)
        SELECT gen_random_uuid(), %(company)s, now(), 'Cliente ' || n, false FROM generate_series(1, %(count)s) n
        RETURNING id, name
    ), addresses AS (
        INSERT INTO contact_identity (id, company_id, created_at, contact_id, kind, value)
        SELECT gen_random_uuid(), %(company)s, now(), id, 'phone', '549110' || lpad(substr(name, 9), 8, '0') FROM people
    )
    INSERT INTO conversation (id, company_id, channel_id, contact_id, created_at, chat_jid, status, handler, owner_epoch,
        owner_changed_seq, bot_enabled, bot_started, unread, last_preview, last_activity_at, last_customer_seq, answered_seq)
    SELECT gen_random_uuid(), %(company)s, %(channel)s, id, now(), substr(name, 9) || '@s.whatsapp.net', 'pending', 'bot', 1,
        0, true, false, 0, 'Hola', now() - substr(name, 9)::int * interval '1 second', 0, 0 FROM people
"""
_TALK = """
    INSERT INTO message (id, company_id, conversation_id, channel_id, created_at, sort_at, from_me, direction, author,
        author_name, type, text, payload, status)
    SELECT gen_random_uuid(), c.company_id, c.id, c.channel_id, now(), c.last_activity_at - n * interval '1 minute',
        n %% 2 = 0, CASE WHEN n %% 2 = 0 THEN 'outbound' ELSE 'inbound' END,
        CASE WHEN n %% 2 = 0 THEN 'bot' ELSE 'customer' END, '', 'text', 'Mensaje ' || n, '{}', 'read'
    FROM conversation c, generate_series(1, %(each)s) n WHERE c.company_id = %(company)s
"""


def measure() -> list[Figure]:
    with own_database() as urls:
        return asyncio.run(_measure(urls.app, urls.platform))


async def _measure(app_url: str, platform_url: str) -> list[Figure]:
    db.connect(app_url=app_url, platform_url=platform_url)
    small, large = await numbers(2, per_company=1)
    superuser = embedded_cluster(settings()).ensure_running().superuser_url(DATABASE)
    with psycopg.connect(superuser, autocommit=True) as connection:
        for number, count in ((small, SMALL), (large, LARGE)):
            values = {"company": number.company_id, "channel": number.channel_id, "count": count, "each": MESSAGES_EACH}
            connection.execute(_FILL.encode(), values)
            connection.execute(_TALK.encode(), values)
        connection.execute("VACUUM ANALYZE")
    figures = []
    for name, at_small, at_large in await _both(small.actor, large.actor):
        p95, base = percentile(at_large, 95), percentile(at_small, 95)
        figures += [
            Figure(f"{name} p95 at 100 k conversations, 1 M messages", round(p95, 1), "ms", ROUNDS, "≤ 60"),
            Figure(f"{name} against 1 k conversations", round(p95 / base, 2), "×", ROUNDS, "≤ 1.5"),
        ]
    await db.disconnect()
    return figures


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
