"""The governor's decisions, case by case."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from saasbot.domain.channels.governor import (
    ALLOW,
    DAY,
    HOUR,
    LONGEST_WAIT,
    Decision,
    Facts,
    Limits,
    Tally,
    Verdict,
    daily_budget,
    decide,
    hourly_budget,
)

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""Noon in Buenos Aires, a Wednesday."""
BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
SANTIAGO = ZoneInfo("America/Santiago")
PLAIN = Facts(now=NOW, zone=BUENOS_AIRES, queued_at=NOW, linked_at=NOW - timedelta(days=1))
"""A first message of a number that is a day old and has written to nobody."""
NIGHT = {"quiet_from": time(22), "quiet_until": time(8)}
SIESTA = {"quiet_from": time(11, 30), "quiet_until": time(15)}


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def ahead(**span: float) -> datetime:
    return NOW + timedelta(**span)


def tally(count: int, first: timedelta = timedelta(minutes=30), last: timedelta | None = None) -> Tally:
    return Tally(count, NOW - first, NOW - (last if last is not None else first))


def wait(code: str, until: datetime) -> Decision:
    return Decision(Verdict.WAIT, code, until)


def local(hour: int, minute: int = 0, *, day: int = 25, zone: ZoneInfo = BUENOS_AIRES) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=zone)


FULL_DAY = tally(20, timedelta(hours=20))
LIMITED = Limits(hourly=10, daily=50)

CASES: list[tuple[str, dict[str, Any], Decision]] = [
    ("a young number's first stranger", {}, ALLOW),
    ("one whose age nobody knows counts as new", {"linked_at": None}, ALLOW),
    # the budget
    ("room for one more today", {"day": tally(19, timedelta(hours=20))}, ALLOW),
    ("the day's budget is used up", {"day": FULL_DAY}, wait("daily_budget", ahead(hours=4))),
    ("an unknown age has the first week's", {"linked_at": None, "day": FULL_DAY}, wait("daily_budget", ahead(hours=4))),
    ("six days are the first week", {"linked_at": ago(days=6), "day": FULL_DAY}, wait("daily_budget", ahead(hours=4))),
    ("the second week has more", {"linked_at": ago(days=7), "day": FULL_DAY}, ALLOW),
    ("but not endlessly", {"linked_at": ago(days=7), "day": tally(40, DAY / 2)}, wait("daily_budget", ahead(hours=12))),
    ("a year old number", {"linked_at": ago(days=365), "day": tally(99, DAY / 2)}, ALLOW),
    (
        "has a limit too",
        {"linked_at": ago(days=365), "day": tally(100, DAY / 2)},
        wait("daily_budget", ahead(hours=12)),
    ),
    ("room for one more this hour", {"hour": tally(4), "day": tally(4)}, ALLOW),
    ("the hour's budget is used up", {"hour": tally(5), "day": tally(5)}, wait("hourly_budget", ahead(minutes=30))),
    ("an older number's hour", {"linked_at": ago(days=30), "hour": tally(24), "day": tally(24)}, ALLOW),
    ("the longer of both is told", {"hour": tally(5), "day": FULL_DAY}, wait("daily_budget", ahead(hours=4))),
    ("good answers double it", {"asked": 20, "answered": 10, "day": tally(39, DAY / 2)}, ALLOW),
    ("fair answers add half", {"asked": 20, "answered": 6, "day": tally(29, DAY / 2)}, ALLOW),
    ("and no more", {"asked": 20, "answered": 6, "day": tally(30, DAY / 2)}, wait("daily_budget", ahead(hours=12))),
    (
        "few answers halve it",
        {"asked": 20, "answered": 1, "day": tally(10, DAY / 2)},
        wait("daily_budget", ahead(hours=12)),
    ),
    ("some answers leave it", {"asked": 20, "answered": 2, "day": tally(19, DAY / 2)}, ALLOW),
    ("too few to judge", {"asked": 19, "answered": 0, "day": tally(19, DAY / 2)}, ALLOW),
    ("a stranger who counts already", {"written_before": True, "hour": tally(5), "day": FULL_DAY}, ALLOW),
    ("no budget where none is kept", {"budgeted": False, "hour": tally(500), "day": tally(9000)}, ALLOW),
    # quiet hours
    ("not at night", {**NIGHT}, ALLOW),
    ("at night", {**NIGHT, "now": local(23)}, wait("quiet_hours", local(8, day=26))),
    ("after midnight", {**NIGHT, "now": local(3, day=26)}, wait("quiet_hours", local(8, day=26))),
    ("as night begins", {**NIGHT, "now": local(22)}, wait("quiet_hours", local(8, day=26))),
    ("as it ends", {**NIGHT, "now": local(8)}, ALLOW),
    ("within a day", {**SIESTA}, wait("quiet_hours", local(15))),
    ("before it", {**SIESTA, "now": local(11, 29)}, ALLOW),
    ("by another clock", {**SIESTA, "zone": ZoneInfo("Europe/Madrid")}, ALLOW),
    ("also to one who counts already", {**SIESTA, "written_before": True}, wait("quiet_hours", local(15))),
    ("also where no budget is kept", {**SIESTA, "budgeted": False}, wait("quiet_hours", local(15))),
    ("the budget frees at night", {**NIGHT, "day": tally(20, DAY / 2)}, wait("quiet_hours", local(8, day=26))),
    ("it frees after the siesta", {**SIESTA, "day": FULL_DAY}, wait("daily_budget", ahead(hours=4))),
    # WhatsApp's own pause
    (
        "paused by WhatsApp",
        {"paused_until": ahead(hours=30), "paused_code": "reachout_timelocked"},
        wait("reachout_timelocked", ahead(hours=30)),
    ),
    ("a pause that is over", {"paused_until": NOW, "paused_code": "reachout_timelocked"}, ALLOW),
    ("a pause of unknown cause", {"paused_until": ahead(hours=1)}, wait("reachout_timelocked", ahead(hours=1))),
    (
        "a pause holds where no budget is kept",
        {"budgeted": False, "paused_until": ahead(hours=1)},
        wait("reachout_timelocked", ahead(hours=1)),
    ),
    ("a pause that ends at night", {**NIGHT, "paused_until": local(23)}, wait("quiet_hours", local(8, day=26))),
    (
        "a pause longer than the night",
        {**NIGHT, "paused_until": local(12, day=27)},
        wait("reachout_timelocked", local(12, day=27)),
    ),
    # stops
    ("one complaint is a warning", {"complaints": tally(1)}, ALLOW),
    ("two stop it for a day", {"complaints": tally(2, HOUR * 9, HOUR)}, wait("complaints", ahead(hours=23))),
    ("four failures", {"failures": tally(4), "day": tally(4, HOUR)}, ALLOW),
    (
        "five of six",
        {"failures": tally(5, HOUR * 3, HOUR), "day": tally(6, HOUR * 3)},
        wait("failures", ahead(hours=23)),
    ),
    ("five of many", {"linked_at": ago(days=90), "failures": tally(5), "day": tally(17, HOUR * 3)}, ALLOW),
    (
        "a third of many",
        {"linked_at": ago(days=90), "failures": tally(9), "day": tally(30, HOUR * 3)},
        wait("failures", ahead(hours=23.5)),
    ),
    (
        "a stop holds for one who counts already",
        {"written_before": True, "complaints": tally(2)},
        wait("complaints", ahead(hours=23.5)),
    ),
    ("no stop where no budget is kept", {"budgeted": False, "complaints": tally(9), "failures": tally(99)}, ALLOW),
    # how long anything waits
    ("held for three days", {"queued_at": NOW - LONGEST_WAIT, "day": FULL_DAY}, wait("daily_budget", ahead(hours=4))),
    ("and a second more", {"queued_at": ago(days=3, seconds=1)}, Decision(Verdict.REFUSE, "held_too_long")),
    (
        "in the longest pause too",
        {"queued_at": ago(days=4), "paused_until": ahead(days=2)},
        Decision(Verdict.REFUSE, "held_too_long"),
    ),
    ("an answer that waited for two hours", {"answers_since": ago(hours=2), "wrote_first": True}, ALLOW),
    (
        "and a second more",
        {"answers_since": ago(hours=2, seconds=1), "wrote_first": True},
        Decision(Verdict.REFUSE, "answer_too_late"),
    ),
    # whoever wrote first
    ("an answer at night", {**NIGHT, "now": local(23), "wrote_first": True}, ALLOW),
    ("an answer in a pause", {"paused_until": ahead(days=6), "wrote_first": True}, ALLOW),
    ("an answer of a number without budget", {"day": tally(500), "complaints": tally(9), "wrote_first": True}, ALLOW),
    ("a late answer", {"queued_at": ago(days=9), "wrote_first": True}, ALLOW),
    # the owner's limits
    ("the bot within its limits", {"automatic": True, "wrote_first": True, "limits": LIMITED}, ALLOW),
    (
        "the bot at its hourly limit",
        {"automatic": True, "wrote_first": True, "limits": replace(LIMITED, hour=tally(10))},
        wait("hourly_limit", ahead(minutes=30)),
    ),
    (
        "the bot at its daily limit",
        {"automatic": True, "wrote_first": True, "limits": replace(LIMITED, day=tally(50, HOUR * 22))},
        wait("daily_limit", ahead(hours=2)),
    ),
    ("a person at the bot's limit", {"wrote_first": True, "limits": replace(LIMITED, hour=tally(10))}, ALLOW),
    ("no limit set", {"automatic": True, "wrote_first": True, "limits": Limits(hour=tally(10**6))}, ALLOW),
    (
        "automatic first messages meet both",
        {"automatic": True, "limits": replace(LIMITED, hour=tally(10)), "day": FULL_DAY},
        wait("daily_budget", ahead(hours=4)),
    ),
]


@pytest.mark.parametrize(("facts", "decision"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_governor(facts: dict[str, Any], decision: Decision):
    changed = {"queued_at": facts.get("now", NOW), **facts}
    assert decide(replace(PLAIN, **changed)) == decision


@pytest.mark.parametrize(
    ("days", "asked", "answered", "expected"),
    [
        (0, 0, 0, 20),
        (-1, 0, 0, 20),
        (7, 0, 0, 40),
        (14, 0, 0, 60),
        (28, 0, 0, 100),
        (4000, 0, 0, 100),
        (0, 20, 20, 40),
        (0, 1000, 300, 30),
        (0, 1000, 99, 10),
        (4000, 1000, 900, 200),
    ],
)
def test_the_budget_grows_with_age_and_answers(days: int, asked: int, answered: int, expected: int):
    assert daily_budget(timedelta(days=days), asked, answered) == expected


def test_an_hour_takes_no_more_than_a_quarter_of_the_day():
    assert [hourly_budget(daily) for daily in (10, 20, 40, 200)] == [5, 5, 10, 50]


def test_quiet_hours_end_by_the_clock_where_the_clock_is_changed():
    """In Santiago midnight of 6 September 2026 does not exist: the clock goes from 23:59 to 01:00."""
    night = replace(PLAIN, zone=SANTIAGO, **NIGHT)
    late = datetime(2026, 9, 5, 23, 30, tzinfo=SANTIAGO).astimezone(UTC)
    decision = decide(replace(night, now=late, queued_at=late))
    assert decision == wait("quiet_hours", datetime(2026, 9, 6, 8, tzinfo=SANTIAGO))
    assert decision.until is not None
    assert decision.until - late == timedelta(hours=7, minutes=30)


def test_what_waits_for_a_time_may_leave_then():
    """No decision tells a time at which, nothing else having happened, the same reason holds again."""
    for _name, facts, decision in CASES:
        if decision.until is None:
            continue
        changed = {"queued_at": facts.get("now", NOW), **facts}
        then = replace(PLAIN, **changed | {"now": decision.until, "hour": Tally(), "day": Tally()})
        then = replace(then, complaints=Tally(), failures=Tally(), limits=Limits())
        assert decide(then).code != decision.code, _name
