"""A person was refused: that leaves a line too, after what was tried is rolled back, in a transaction of its own."""

import time
from collections import OrderedDict
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from saasbot.domain.audit.origin import Acting
from saasbot.domain.audit.record import record
from saasbot.infra.db import DOWN, unit_of_work
from saasbot.infra.errors import AppError
from saasbot.infra.logging import get_logger
from saasbot.models.audit import Outcome

log = get_logger(__name__)

PER_MINUTE = 60
"""Lines of one session: who tries a thousand ids leaves sixty of them, the last one says so."""
_REMEMBERED = 10_000


class _Minutes:
    """How many refusals of a session this process has written in the minute that began then."""

    counted: OrderedDict[UUID, tuple[float, int]] = OrderedDict()


async def refused(actor: Acting, error: AppError | str) -> None:
    """The trail says that the actor was refused, by which code, and at what. Nothing of a database that is away: the
    refusal itself stands."""
    code = error if isinstance(error, str) else error.code
    left = _spend(actor.origin.session_id or actor.user_id)
    if left < 0:
        return
    details = {"code": code, "act": actor.origin.act} | ({"more": True} if left == 0 else {})
    if isinstance(error, AppError) and (permission := error.details.get("permission")):
        details["permission"] = permission
    try:
        async with unit_of_work(actor):
            await record(actor, "access.refused", outcome=Outcome.REFUSED, **details)
    except (*DOWN, IntegrityError) as problem:  # away, or the company itself has just gone
        log.warning("audit.refusal_not_written", error=str(problem).split("\n")[0])


def _spend(who: UUID | None) -> int:
    """How many lines are left to them in this minute; less than none when they have had theirs."""
    if who is None:
        return -1
    now = time.monotonic()
    began, count = _Minutes.counted.pop(who, (now, 0))
    if now - began >= 60:
        began, count = now, 0
    _Minutes.counted[who] = (began, count + 1)
    while len(_Minutes.counted) > _REMEMBERED:
        _Minutes.counted.popitem(last=False)
    return PER_MINUTE - (count + 1)
