"""Whether a message may leave now: pure decisions, nothing is read or written here.

WhatsApp rations, and in the end bans, numbers that write to people who never wrote to them. So a first message to a stranger has
a budget that grows with the number's age and with how many answer, keeps quiet hours, and stops when messages fail or WhatsApp
complains. Whoever wrote first is never throttled by any of it. The owner's own limits count automatic messages in every chat.
docs/sending.md says why the figures are what they are.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

FIRST_WEEK, A_WEEK_MORE, GROWN, MOST = 20, 20, 100, 200
"""Strangers a day: in a number's first week, what each further week adds, and up to where; and with good answers."""
FEWEST_AN_HOUR, SHARE_OF_A_DAY = 5, 4
"""An hour may take a quarter of the day's budget, or this many."""
ENOUGH_TO_JUDGE = 20
"""Strangers that were written to before the share of answers means anything."""
WELL_LIKED, LIKED, DISLIKED = 0.5, 0.3, 0.1
"""Shares of strangers who answered, from which the budget is doubled, is half as much again, and below which it is halved."""
COMPLAINTS = 2
"""Refusals of WhatsApp for writing to strangers within a day that stop first messages."""
FAILURES, FAILED_SHARE = 5, 0.3
"""First messages that reached nobody within a day that stop them, when they are this share of the day's."""
LONGEST_WAIT = timedelta(days=3)
"""What was held for longer is refused: what it says may no longer be true."""
LONGEST_ANSWER = timedelta(hours=2)
"""What no person typed answers what was just said. A number that was away for longer (stopped, logged out, blocked) does not come
back with it, and reconnections and restarts take minutes."""
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
"""For what could not leave though the number is connected, half its age within these: trouble that lasts is asked about ever
more seldom."""


class Verdict(StrEnum):
    ALLOW = "allow"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    code: str | None = None
    until: datetime | None = None
    """Of a wait: not before. What then holds is decided then."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something happened within a span that ends now, when first and when last."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What the owner allows of automatic messages, and how many left."""

    hourly: int | None = None
    daily: int | None = None
    hour: Tally = Tally()
    day: Tally = Tally()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision depends on. Moments are aware, counts are of strangers, each counted once."""

    now: datetime
    zone: ZoneInfo
    queued_at: datetime
    automatic: bool = False
    """No person typed it."""
    answers_since: datetime | None = None
    """Of what no person typed: since when only the number kept it (the owner's limits may keep it as long as they do)."""
    wrote_first: bool = False
    """The other side has written, or called."""
    written_before: bool = False
    """This stranger counts already: another message to them takes nothing of the budget."""
    budgeted: bool = True
    """The number keeps a person's budget, as it keeps a person's pace: not on the simulated network."""
    linked_at: datetime | None = None
    """When this phone was first linked."""
    paused_until: datetime | None = None
    paused_code: str | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None
    hour: Tally = Tally()
    """Strangers first written to in the last hour, and day."""
    day: Tally = Tally()
    asked: int = 0
    """Strangers first written to in the last two weeks, and how many of them answered."""
    answered: int = 0
    failures: Tally = Tally()
    """First messages of the last day that reached nobody."""
    complaints: Tally = Tally()
    """And those that WhatsApp refused for being such."""
    limits: Limits = Limits()


ALLOW = Decision(Verdict.ALLOW)


def decide(facts: Facts) -> Decision:
    """Of several reasons to wait the one that lasts longest is told."""
    if facts.answers_since is not None and facts.now - facts.answers_since > LONGEST_ANSWER:
        return Decision(Verdict.REFUSE, "answer_too_late")
    waits = _over_limits(facts) if facts.automatic else []
    if not facts.wrote_first:
        if facts.now - facts.queued_at > LONGEST_WAIT:
            return Decision(Verdict.REFUSE, "held_too_long")
        waits += [*_paused(facts), *_stopped(facts), *_over_budget(facts)]
        after = max([facts.now, *(until for until, _code in waits)])
        waits += _quiet(facts, after)
    if not waits:
        return ALLOW
    until, code = max(waits, key=lambda wait: wait[0])
    return Decision(Verdict.WAIT, code, until)


def pause_after(age: timedelta) -> timedelta:
    """How long a message of this age rests that could not leave."""
    return min(max(age / 2, SHORTEST_PAUSE), LONGEST_PAUSE)


def daily_budget(age: timedelta, asked: int, answered: int) -> int:
    """How many strangers a number of this age may write to in 24 hours, by how many of those it wrote to answered."""
    budget = min(FIRST_WEEK + A_WEEK_MORE * max(0, age.days // 7), GROWN)
    if asked < ENOUGH_TO_JUDGE:
        return budget
    share = answered / asked
    factor = 2 if share >= WELL_LIKED else 1.5 if share >= LIKED else 0.5 if share < DISLIKED else 1
    return min(int(budget * factor), MOST)


def hourly_budget(daily: int) -> int:
    return max(FEWEST_AN_HOUR, daily // SHARE_OF_A_DAY)


Wait = tuple[datetime, str]


def _over_limits(facts: Facts) -> list[Wait]:
    limits = facts.limits
    found = (_frees(limits.hour, limits.hourly, HOUR, facts.now), _frees(limits.day, limits.daily, DAY, facts.now))
    return [(until, code) for until, code in zip(found, ("hourly_limit", "daily_limit"), strict=True) if until]


def _paused(facts: Facts) -> list[Wait]:
    if facts.paused_until is None or facts.paused_until <= facts.now:
        return []
    return [(facts.paused_until, facts.paused_code or "reachout_timelocked")]


def _stopped(facts: Facts) -> list[Wait]:
    """A day from the last of what stopped it: a number that is disliked must not go on at once."""
    if not facts.budgeted:
        return []
    waits: list[Wait] = []
    if facts.complaints.count >= COMPLAINTS and facts.complaints.last:
        waits.append((facts.complaints.last + DAY, "complaints"))
    most = max(FAILURES, FAILED_SHARE * facts.day.count)
    if facts.failures.count >= most and facts.failures.last:
        waits.append((facts.failures.last + DAY, "failures"))
    return waits


def _over_budget(facts: Facts) -> list[Wait]:
    if not facts.budgeted or facts.written_before:
        return []
    age = facts.now - facts.linked_at if facts.linked_at else timedelta()
    daily = daily_budget(age, facts.asked, facts.answered)
    found = (_frees(facts.hour, hourly_budget(daily), HOUR, facts.now), _frees(facts.day, daily, DAY, facts.now))
    return [(until, code) for until, code in zip(found, ("hourly_budget", "daily_budget"), strict=True) if until]


def _frees(tally: Tally, most: int | None, span: timedelta, now: datetime) -> datetime | None:
    """When the first of them is a whole span ago; nothing while there is room."""
    if most is None or tally.count < most:
        return None
    return (tally.first or now) + span


def _quiet(facts: Facts, moment: datetime) -> list[Wait]:
    """The end of the quiet hours in which the moment lies."""
    begin, end = facts.quiet_from, facts.quiet_until
    if begin is None or end is None:
        return []
    local = moment.astimezone(facts.zone)
    clock = local.time()
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not inside:
        return []
    over = datetime.combine(local.date(), end, facts.zone)
    if clock >= end:
        over = datetime.combine(local.date() + DAY, end, facts.zone)
    return [(over.astimezone(moment.tzinfo), "quiet_hours")]
