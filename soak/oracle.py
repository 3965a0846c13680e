"""Whether the promises were kept, read from the database as its owner: nothing lost, doubled, out of order or untruthful."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg

from soak.accepted import Accepted

_WAITING: LiteralString = """
    SELECT (SELECT count(*) FROM wa_event WHERE processed_at IS NULL)
         + (SELECT count(*) FROM sim_event WHERE taken_at IS NULL)
         + (SELECT count(*) FROM message WHERE status IN ('queued', 'sending'))
         + (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = 'agent.turn')
"""
_STUCK: LiteralString = """
    SELECT 'event', e.channel_id, c.status, e.received_at FROM wa_event e JOIN channel c ON c.id = e.channel_id
    WHERE e.processed_at IS NULL
    UNION ALL SELECT 'on the wire', e.channel_id, c.status, e.due_at FROM sim_event e JOIN channel c ON c.id = e.channel_id
    WHERE e.taken_at IS NULL
    UNION ALL SELECT m.status || ' ' || m.author, m.channel_id, c.status, m.created_at
    FROM message m JOIN channel c ON c.id = m.channel_id WHERE m.status IN ('queued', 'sending')
    UNION ALL SELECT 'turn', NULL, status::text, scheduled_at FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing') AND task_name = 'agent.turn' LIMIT 5
"""
_ANSWERED_TWICE: LiteralString = """
    SELECT conversation_id, customer_seq, count(*) FROM agent_turn WHERE outcome IN ('replied', 'handed_off')
    GROUP BY 1, 2 HAVING count(*) > 1
"""
_TRUTH: LiteralString = """
    SELECT m.text, m.status, count(s.seq) FROM message m
    LEFT JOIN sim_message s ON s.channel_id = m.channel_id AND s.origin = 'number' AND s.text = m.text
    WHERE m.direction = 'outbound' AND m.author = 'agent' GROUP BY m.id, m.text, m.status
"""


@dataclass
class Verdict:
    """`broken` is empty when every promise was kept; each entry is a sentence."""

    figures: dict[str, Any] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def report(verdict: Verdict, done: Counter[str]) -> int:
    """Print what was done and seen. The exit code."""
    for name, value in [*done.most_common(), *verdict.figures.items()]:
        print(f"{name:<44}{value!s:>10}")
    for sentence in verdict.broken:
        print(f"BROKEN: {sentence}")
    return 1 if verdict.broken else 0


async def judge(dsn: str, accepted: Accepted, *, patience: float = 60) -> Verdict:
    """Wait until nothing is under way any more, at most `patience` seconds, then look."""
    return await asyncio.to_thread(_judge, dsn, accepted, patience)


def _judge(dsn: str, accepted: Accepted, patience: float) -> Verdict:
    verdict = Verdict()
    with psycopg.connect(dsn, autocommit=True) as connection:
        began = time.monotonic()
        while (waiting := _one(connection, _WAITING)) and time.monotonic() - began < patience:
            time.sleep(0.5)
        verdict.figures["settled after (s)"] = round(time.monotonic() - began, 1)
        if waiting:
            verdict.broken.append(
                f"{waiting} things are still under way after {patience:.0f} s: {connection.execute(_STUCK).fetchall()}"
            )
        _inbound(connection, accepted, verdict)
        _outbound(connection, accepted, verdict)
        twice = connection.execute(_ANSWERED_TWICE).fetchall()
        verdict.figures["answered by the bot"] = _one(
            connection, "SELECT count(*) FROM agent_turn WHERE outcome IN ('replied', 'handed_off')"
        )
        if twice:
            verdict.broken.append(f"{len(twice)} messages were answered twice")
    return verdict


def _inbound(connection: psycopg.Connection, accepted: Accepted, verdict: Verdict) -> None:
    stored: dict[tuple[str, str], list[str]] = {}
    rows = connection.execute(
        "SELECT m.channel_id::text, i.value, m.wa_id FROM message m "
        "JOIN conversation c ON c.id = m.conversation_id "
        "LEFT JOIN contact_identity i ON i.contact_id = c.contact_id AND i.kind = 'phone' "
        "WHERE m.direction = 'inbound' ORDER BY m.sort_at, m.seq"
    )
    for channel, phone, wa_id in rows:
        stored.setdefault((channel, phone), []).append(wa_id)
    everywhere = {wa_id for kept in stored.values() for wa_id in kept}
    lost = misplaced = doubled = disordered = 0
    missing = [wa_id for written in accepted.chats.values() for wa_id in written if wa_id not in everywhere]
    if missing:
        verdict.figures["first lost"] = ", ".join(missing[:6])
    for chat, written in accepted.chats.items():
        kept = stored.get(chat, [])
        lost += len(set(written) - everywhere)
        misplaced += len((set(written) - set(kept)) & everywhere)
        doubled += len(kept) - len(set(kept))
        known = [wa_id for wa_id in kept if wa_id in set(written)]
        disordered += known != [wa_id for wa_id in written if wa_id in set(kept)]
    verdict.figures |= {"customers' messages": accepted.inbound, "lost": lost, "doubled": doubled}
    verdict.figures["in another's chat"] = misplaced
    verdict.figures["chats out of order"] = disordered
    for name, count in (
        ("messages were lost", lost),
        ("messages are in another chat", misplaced),
        ("were stored twice", doubled),
        ("chats are out of order", disordered),
    ):
        if count:
            verdict.broken.append(f"{count} {name}")


def _outbound(connection: psycopg.Connection, accepted: Accepted, verdict: Verdict) -> None:
    found = {text: (status, sent) for text, status, sent in connection.execute(_TRUTH)}
    missing = [text for text in accepted.answers if text not in found]
    twice = [text for text, (_, sent) in found.items() if sent > 1]
    untrue = [
        text
        for text, (status, sent) in found.items()
        if (status in ("sent", "delivered", "read") and sent != 1) or (status == "failed" and sent)
    ]
    unconfirmed = sum(status == "unconfirmed" for status, _ in found.values())
    verdict.figures |= {
        "people's messages": len(accepted.answers),
        "unconfirmed": unconfirmed,
        "sent twice": len(twice),
    }
    verdict.figures["untrue"] = len(untrue)
    for name, texts in (
        ("of people's messages are gone", missing),
        ("were sent twice", twice),
        ("have an untrue status", untrue),
    ):
        if texts:
            verdict.broken.append(f"{len(texts)} {name}: {', '.join(texts[:5])}")


def _one(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return row[0] if row else 0
