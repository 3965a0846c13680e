"""Whether the promises were kept on the wire: what the lab's books say against what the database has.

A message that the device acknowledged may be missing in one case: between the time it was first given to the device and its
acknowledgement lies (some of) a recorded gap of its number, and its chat has a line that says so. Each is counted. The
acknowledgement alone may come later: a device that died with a message half read takes it for known when it is given again.
"""

import asyncio
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from soak.oracle import Verdict
from soak.wire_load import WireLoad
from soak.wire_world import WireNumber, WireWorld

LONGEST_SECONDS = 60
_AROUND = timedelta(seconds=2)
_WAITING: LiteralString = """
    SELECT (SELECT count(*) FROM wa_event WHERE processed_at IS NULL)
         + (SELECT count(*) FROM message WHERE status IN ('queued', 'sending'))
"""
_INBOUND: LiteralString = """
    SELECT m.channel_id::text, i.value, m.wa_id, m.created_at FROM message m
    JOIN conversation c ON c.id = m.conversation_id
    LEFT JOIN contact_identity i ON i.contact_id = c.contact_id AND i.kind = 'phone'
    WHERE m.direction = 'inbound' AND m.type <> 'activity' ORDER BY m.sort_at, m.seq
"""
_OUTBOUND: LiteralString = """
    SELECT channel_id::text, author, text, status, wa_id, error FROM message
    WHERE direction = 'outbound' AND author IN ('agent', 'bot') AND type <> 'activity'
"""
_GAPS: LiteralString = "SELECT channel_id::text, id, began_at, ended_at FROM channel_gap"
_TOLD: LiteralString = """
    SELECT DISTINCT m.channel_id::text, i.value FROM message m JOIN conversation c ON c.id = m.conversation_id
    JOIN contact_identity i ON i.contact_id = c.contact_id AND i.kind = 'phone' WHERE m.payload ->> 'kind' = 'gap'
"""


async def judge(world: WireWorld, numbers: list[WireNumber], load: WireLoad, *, patience: float = 100) -> Verdict:
    """Wait until nothing is under way any more, at most `patience` seconds (a send without acknowledgement waits 80), then look."""
    verdict, began = Verdict(), time.monotonic()
    with psycopg.connect(world.superuser_url, autocommit=True) as connection:
        while True:
            at_whatsapp = (await world.lab.command("waiting"))["waiting"]
            under_way = _one(connection, _WAITING)
            if not (at_whatsapp or under_way) or time.monotonic() - began > patience:
                break
            await asyncio.sleep(1)
        verdict.figures["settled after (s)"] = round(time.monotonic() - began, 1)
        if at_whatsapp or under_way:
            verdict.broken.append(
                f"{under_way} things are under way and {at_whatsapp} messages not taken after {patience:.0f} s"
            )
        books = await world.lab.command("books")
        ids = {number.phone: number.id for number in numbers}
        judge_inbound(connection, books["written"], ids, verdict)
        _outbound(connection, books["sent"], ids, load.answers, verdict)
    verdict.figures |= {f"lab: {what}": count for what, count in sorted(books["seen"].items())}
    return verdict


def judge_inbound(
    connection: psycopg.Connection, written: dict[str, list[dict[str, Any]]], ids: dict[str, str], verdict: Verdict
) -> None:
    """What customers wrote to each phone ({id, from, first_given, acknowledged}, epoch seconds) against what is stored."""
    rows = connection.execute(_INBOUND).fetchall()
    stored: dict[tuple[str, str], list[str]] = {}
    created: dict[str, datetime] = {}
    for channel, phone, wa_id, created_at in rows:
        stored.setdefault((channel, phone), []).append(wa_id)
        created[wa_id] = created_at
    gaps = connection.execute(_GAPS).fetchall()
    told = set(connection.execute(_TOLD).fetchall())
    acknowledged = in_gaps = unexplained = untold = never = disordered = misplaced = 0
    slowest = 0.0
    for digits, messages in written.items():
        channel, chats = ids[digits], {}
        for message in messages:
            chats.setdefault(message["from"], []).append(message["id"])
            if message["acknowledged"] is None:
                never += message["id"] not in created
                continue
            acknowledged += 1
            if message["id"] in created:
                slowest = max(slowest, created[message["id"]].timestamp() - message["acknowledged"])
                continue
            explained = _in_a_gap(gaps, channel, message["first_given"], message["acknowledged"])
            unexplained += not explained
            in_gaps += explained
            untold += explained and (channel, message["from"]) not in told
            near = [f"{began} to {ended}" for owner, _id, began, ended in gaps if owner == channel]
            print(f"lost: {channel} {message}; its number's gaps: {near}", file=sys.stderr)
        for phone, order in chats.items():
            kept = stored.get((channel, phone), [])
            known, wanted = set(order), set(kept)
            misplaced += len([wa_id for wa_id in order if wa_id in created and wa_id not in wanted])
            disordered += [wa_id for wa_id in kept if wa_id in known] != [wa_id for wa_id in order if wa_id in wanted]
    doubled = len(rows) - len(created)
    verdict.figures |= {
        "written by customers": sum(map(len, written.values())),
        "acknowledged by the device": acknowledged,
        "stored": len(created),
        "lost in a gap that is told": in_gaps - untold,
        "lost otherwise": unexplained + untold,
        "to a device that was unlinked": never,
        "doubled": doubled,
        "in another's chat": misplaced,
        "chats out of order": disordered,
        "gaps": len(gaps),
        "slowest into the inbox (s)": round(slowest, 1),
    }
    for count, sentence in (
        (unexplained, "messages were lost outside of any gap"),
        (untold, "messages were lost in a gap that their chat does not tell"),
        (doubled, "messages were stored twice"),
        (misplaced, "messages are in another chat"),
        (disordered, "chats are out of order"),
        (int(slowest > LONGEST_SECONDS), f"message or more took longer than {LONGEST_SECONDS} s into the inbox"),
    ):
        if count:
            verdict.broken.append(f"{count} {sentence}")


def _in_a_gap(gaps: list[tuple[Any, ...]], channel: str, given: float, acknowledged: float) -> bool:
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (given, acknowledged))
    return any(
        owner == channel and began - _AROUND <= last and first <= (ended or datetime.now(UTC)) + _AROUND
        for owner, _id, began, ended in gaps
    )


def _outbound(
    connection: psycopg.Connection,
    sent: dict[str, list[dict[str, Any]]],
    ids: dict[str, str],
    answers: list[str],
    verdict: Verdict,
) -> None:
    at_customers = {message["id"] for messages in sent.values() for message in messages}
    by_text: dict[tuple[str, str], int] = {}
    for digits, messages in sent.items():
        for message in messages:
            key = (ids[digits], message["text"])
            by_text[key] = by_text.get(key, 0) + 1
    rows = connection.execute(_OUTBOUND).fetchall()
    people = {text: (channel, status) for channel, author, text, status, *_rest in rows if author == "agent"}
    claimed = [wa_id for _c, _a, _t, status, wa_id, _e in rows if status in ("sent", "delivered", "read")]
    missing = [text for text in answers if text not in people]
    untrue = [str(wa_id) for wa_id in claimed if wa_id not in at_customers]
    twice = [text for text, (channel, _status) in people.items() if by_text.get((channel, text), 0) > 1]
    untrue += [
        text for text, (channel, status) in people.items() if status == "failed" and by_text.get((channel, text))
    ]
    statuses = [status for _c, _a, _t, status, _w, _e in rows]
    verdict.figures |= {
        "people's messages": len(answers),
        "the bot's messages": sum(author == "bot" for _c, author, *_rest in rows),
        "read": statuses.count("read"),
        "delivered": statuses.count("delivered"),
        "sent": statuses.count("sent"),
        "unconfirmed": statuses.count("unconfirmed"),
        "failed": statuses.count("failed"),
        "sent twice": len(twice),
        "untrue": len(untrue),
    }
    errors = Counter(f"{status}: {error}" for _c, _a, _t, status, _w, error in rows if error)
    verdict.figures |= dict(errors.most_common())
    for sentence, found in (
        ("of people's messages are gone", missing),
        ("were sent twice", twice),
        ("have an untrue status", untrue),
    ):
        if found:
            verdict.broken.append(f"{len(found)} {sentence}: {', '.join(found[:5])}")


def _one(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return row[0] if row else 0
