"""Between the outbox and the governor: gathers the facts about a message that is next, and holds back what may not leave yet.

A held message stays `queued` with the reason and the time; its chat waits behind it and all other chats go on. What holds one
first message holds them all, so they are held together: a long queue of them costs one statement, not one each. What an owner's
limit would hold for long is given up (`domain/inbox/limits.py`): the customer behind it waits for an answer.
A message that was taken and could not leave, for itself alone, is held in the same way.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from saasbot.domain.actor import Actor
from saasbot.domain.channels.governor import (
    DAY,
    HOUR,
    LONGEST_WAIT,
    SHORTEST_PAUSE,
    Decision,
    Facts,
    Limits,
    Tally,
    Verdict,
    decide,
    pause_after,
)
from saasbot.domain.channels.new_chats import STRANGER, UNASKED, pause_new_chats
from saasbot.domain.channels.outbox_marks import requeue
from saasbot.infra import events, jobs
from saasbot.infra.db import sql

LIMITS = ("hourly_limit", "daily_limit")
"""Reasons that hold what no person typed, in any chat; all others but the delays hold first messages, whoever wrote them."""
NO_ANSWER, FILE_UNREACHABLE, NOT_UPLOADED, NO_ROOM = "no_answer", "file_unreachable", "upload_failed", "no_room"
"""Delays: they hold the chat of the message that could not leave, whoever is in it."""
TOO_LATE = timedelta(minutes=10)
"""After so long an automatic message says nothing to its customer any more: whom a limit holds for longer is left to the team."""
LATE_TASK = "channels.give_up_waiting"
UNANSWERED_TASK = "channels.leave_to_team"
_SHORTEST = timedelta(seconds=1)
"""Nothing is looked at twice in one breath, whatever a decision says."""
_STOPS = ("failures", "complaints")
_FAILURES = ["not_on_whatsapp", "invalid_recipient"]
_COMPLAINTS = ["reachout_timelocked", "new_chats_capped", "rate_limited", "not_allowed"]

ANSWERS_SINCE = (
    "greatest(m.created_at, CASE WHEN m.held_reason IN ('hourly_limit', 'daily_limit') THEN m.held_until END)"
)
"""SQL, of a message `m`: what `Facts.answers_since` says."""

HELD_CHATS = f"""
    SELECT coalesce(array_agg(DISTINCT m.conversation_id), '{{}}') AS ids
    FROM message m JOIN conversation c ON c.id = m.conversation_id
    WHERE m.channel_id = :channel AND m.status = 'queued' AND m.held_until > clock_timestamp()
      AND CASE WHEN m.held_reason IN ('hourly_limit', 'daily_limit')
          THEN NOT EXISTS ( -- a person waits behind it, and people are never limited
              SELECT FROM message p WHERE p.channel_id = :channel AND p.status = 'queued' AND p.author = 'agent'
              AND p.conversation_id = m.conversation_id)
          WHEN m.held_reason IN ('{NO_ANSWER}', '{FILE_UNREACHABLE}', '{NOT_UPLOADED}', '{NO_ROOM}')
          -- one that was overtaken is next, to be dropped: a person's reply does not wait behind it
          THEN m.author <> 'bot' OR m.owner_epoch IS NOT DISTINCT FROM c.owner_epoch
          ELSE {STRANGER} END
"""  # noqa: S608  # fixed fragments
"""SQL: the chats of a number in which nothing may leave now. What holds first messages holds none in which the other side has
written meanwhile."""

_FACTS = f"""
    SELECT clock_timestamp() AS now, k.timezone, m.created_at AS queued_at,
           m.author <> 'agent' AND NOT EXISTS (
               SELECT FROM message p WHERE p.channel_id = m.channel_id AND p.status = 'queued' AND p.author = 'agent'
               AND p.conversation_id = m.conversation_id) AS automatic,
           CASE WHEN m.author <> 'agent' THEN {ANSWERS_SINCE} END AS answers_since,
           NOT {STRANGER} AS wrote_first, c.written_first_at IS NOT NULL AS written_before,
           coalesce(n.first_linked_at, n.created_at) AS linked_at, n.new_chats_paused_until, n.new_chats_paused_reason,
           n.quiet_from, n.quiet_until, n.hourly_limit, n.daily_limit
    FROM message m
    JOIN conversation c ON c.id = m.conversation_id
    JOIN channel n ON n.id = m.channel_id
    JOIN company k ON k.id = m.company_id
    WHERE m.id = :id
"""  # noqa: S608  # fixed fragments

_STRANGERS = """
    SELECT count(*) AS asked, count(*) FILTER (WHERE last_customer_seq > 0) AS answered,
           count(*) FILTER (WHERE written_first_at > :hour_ago) AS hour_count,
           min(written_first_at) FILTER (WHERE written_first_at > :hour_ago) AS hour_first,
           count(*) FILTER (WHERE written_first_at > :day_ago) AS day_count,
           min(written_first_at) FILTER (WHERE written_first_at > :day_ago) AS day_first
    FROM conversation WHERE channel_id = :channel AND written_first_at > :two_weeks_ago
"""

_REFUSED = """
    SELECT count(*) FILTER (WHERE m.error = ANY(:failures)) AS failure_count,
           max(m.left_at) FILTER (WHERE m.error = ANY(:failures)) AS failure_last,
           count(*) FILTER (WHERE m.error = ANY(:complaints)) AS complaint_count,
           max(m.left_at) FILTER (WHERE m.error = ANY(:complaints)) AS complaint_last
    FROM conversation c JOIN message m ON m.conversation_id = c.id
    WHERE c.channel_id = :channel AND c.written_first_at > :two_days_ago AND c.last_customer_seq = 0
      AND m.status = 'failed' AND m.left_at > :since
"""

_AUTOMATIC = """
    SELECT count(*) FILTER (WHERE left_at > :hour_ago) AS hour_count,
           min(left_at) FILTER (WHERE left_at > :hour_ago) AS hour_first, count(*) AS day_count, min(left_at) AS day_first
    FROM message
    WHERE channel_id = :channel AND author <> 'agent' AND left_at > :day_ago AND status NOT IN ('queued', 'failed')
"""


async def may_leave(actor: Actor, channel_id: UUID, message_id: UUID, *, budgeted: bool) -> bool:
    """Whether this queued message may be taken now. What may not is held, or has failed, and its chat is told so.

    The caller holds the lock on the message's conversation, and is the only one that sends for this number.
    """
    facts = await _facts(channel_id, message_id, budgeted=budgeted)
    decision = decide(facts)
    if decision.verdict == Verdict.ALLOW:
        if not facts.wrote_first:
            await _count_stranger(message_id, facts.now)
        return True
    if decision.verdict == Verdict.REFUSE:
        await _refuse(actor, message_id, decision)
        if facts.answers_since is not None:
            await jobs.defer(UNANSWERED_TASK, company_id=str(actor.company_id), message_id=str(message_id))
    else:
        if decision.code in _STOPS and decision.until is not None:
            await pause_new_chats(actor, channel_id, until=decision.until, reason=decision.code or "")
        await _hold(actor, channel_id, message_id, decision, _concerned(facts, decision))
        if decision.code in LIMITS and decision.until is not None:
            await _limit_reached(actor, channel_id, for_long=decision.until - facts.queued_at > TOO_LATE)
    return False


async def postpone(
    actor: Actor, channel_id: UUID, message_id: UUID, *, epoch: int, reason: str, unasked: bool = False
) -> None:
    """A message that this epoch took cannot leave for now, and nothing of it has: its chat waits behind it, longer as the message
    grows older, and all other chats go on. `unasked`: so do those of phone numbers about which WhatsApp is still to be asked.

    Raises: LeaseLost.
    """
    await requeue(actor, message_id, epoch=epoch)
    now, queued_at = (
        await sql("SELECT clock_timestamp(), created_at FROM message WHERE id = :id", id=message_id)
    ).one()
    if now - queued_at > LONGEST_WAIT:
        await _refuse(actor, message_id, Decision(Verdict.REFUSE, "held_too_long"))
        return
    # room is kept for whoever comes again soon
    pause = SHORTEST_PAUSE if reason == NO_ROOM else pause_after(now - queued_at)
    decision = Decision(Verdict.WAIT, reason, now + pause)
    await _hold(actor, channel_id, message_id, decision, UNASKED if unasked else "false")


async def release_held(channel_id: UUID) -> None:
    """What held messages back has changed: it is decided anew, each as it is next."""
    await sql(
        "UPDATE message SET held_until = NULL, held_reason = NULL "
        "WHERE channel_id = :channel AND status = 'queued' AND held_until IS NOT NULL",
        channel=channel_id,
    )


async def _facts(channel_id: UUID, message_id: UUID, *, budgeted: bool) -> Facts:
    row = (await sql(_FACTS, id=message_id)).one()
    spans = {"channel": channel_id, "hour_ago": row.now - HOUR, "day_ago": row.now - DAY}
    known: dict[str, Any] = {}
    if budgeted and not row.wrote_first:
        known = await _tallies(spans, row.now, linked_at=row.linked_at)
    limits = Limits()
    if row.automatic and (row.hourly_limit is not None or row.daily_limit is not None):
        left = (await sql(_AUTOMATIC, **spans)).one()
        hour, day = Tally(left.hour_count, left.hour_first), Tally(left.day_count, left.day_first)
        limits = Limits(row.hourly_limit, row.daily_limit, hour, day)
    return Facts(
        now=row.now,
        zone=ZoneInfo(row.timezone),
        queued_at=row.queued_at,
        automatic=row.automatic,
        answers_since=row.answers_since,
        wrote_first=row.wrote_first,
        written_before=row.written_before,
        budgeted=budgeted,
        linked_at=row.linked_at,
        paused_until=row.new_chats_paused_until,
        paused_code=row.new_chats_paused_reason,
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        limits=limits,
        **known,
    )


async def _tallies(spans: dict[str, Any], now: datetime, *, linked_at: datetime) -> dict[str, Any]:
    strangers = (await sql(_STRANGERS, two_weeks_ago=now - 14 * DAY, **spans)).one()
    refused = (
        await sql(
            _REFUSED,
            channel=spans["channel"],
            since=max(spans["day_ago"], linked_at),  # what another phone was refused says nothing of this one
            two_days_ago=now - 2 * DAY,
            failures=_FAILURES,
            complaints=_COMPLAINTS,
        )
    ).one()
    return {
        "asked": strangers.asked,
        "answered": strangers.answered,
        "hour": Tally(strangers.hour_count, strangers.hour_first),
        "day": Tally(strangers.day_count, strangers.day_first),
        "failures": Tally(refused.failure_count, last=refused.failure_last),
        "complaints": Tally(refused.complaint_count, last=refused.complaint_last),
    }


async def _count_stranger(message_id: UUID, now: datetime) -> None:
    await sql(
        "UPDATE conversation SET written_first_at = :now WHERE written_first_at IS NULL "
        "AND id = (SELECT conversation_id FROM message WHERE id = :id)",
        id=message_id,
        now=now,
    )


def _concerned(facts: Facts, decision: Decision) -> str:
    """SQL, of a queued message `m` in a conversation `c`: that the same decision holds for it."""
    if decision.code in LIMITS:
        return "m.author <> 'agent'"
    if decide(replace(facts, written_before=True)).verdict == Verdict.ALLOW:
        return f"c.written_first_at IS NULL AND {STRANGER}"  # the budget alone holds it
    return STRANGER


async def _hold(actor: Actor, channel_id: UUID, message_id: UUID, decision: Decision, concerned: str) -> None:
    rows = await sql(
        f"""
        UPDATE message SET held_until = greatest(:until, clock_timestamp() + :shortest), held_reason = :reason
        WHERE id IN (
            SELECT m.id FROM message m JOIN conversation c ON c.id = m.conversation_id
            WHERE m.channel_id = :channel AND m.status = 'queued'
              AND (m.id = :id OR ((m.held_until IS NULL OR m.held_until <= clock_timestamp()) AND {concerned}))
            -- who takes one back waits for the conversation that we hold: it is decided when it is next, if it still is
            FOR NO KEY UPDATE OF m SKIP LOCKED)
        RETURNING conversation_id
        """,  # noqa: S608  # fixed fragments
        channel=channel_id,
        id=message_id,
        until=decision.until,
        shortest=_SHORTEST,
        reason=decision.code,
    )
    for conversation_id in {row.conversation_id for row in rows.all()}:
        events.publish("conversation", company_id=actor.company_id, conversation_id=conversation_id)


async def _limit_reached(actor: Actor, channel_id: UUID, *, for_long: bool) -> None:
    """The number's card says so. Chats that would wait for long are dealt with apart, each under its own lock."""
    events.publish("channel", company_id=actor.company_id, channel_id=channel_id)
    if for_long:
        await jobs.defer(LATE_TASK, company_id=str(actor.company_id), channel_id=str(channel_id))


async def _refuse(actor: Actor, message_id: UUID, decision: Decision) -> None:
    row = (
        await sql(
            "UPDATE message SET status = 'failed', error = :error WHERE id = :id RETURNING conversation_id",
            id=message_id,
            error=decision.code,
        )
    ).one()
    await sql(
        "UPDATE conversation SET last_status = 'failed' WHERE id = :conversation AND last_message_id = :id",
        conversation=row.conversation_id,
        id=message_id,
    )
    events.publish("conversation", company_id=actor.company_id, conversation_id=row.conversation_id)
