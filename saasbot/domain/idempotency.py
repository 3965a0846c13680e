"""Remembered answers: a request with the same key is done once, however often it is sent.

The row is inserted before the work and holds the answer after it (`models.IdempotencyKey`).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from saasbot.domain.actor import Actor
from saasbot.infra.db import run
from saasbot.infra.errors import AppError
from saasbot.infra.process_identity import is_dead, this_process
from saasbot.models import IdempotencyKey
from saasbot.models.table import new_id, utcnow

KEPT = timedelta(hours=24)
_ABANDONED_AFTER = timedelta(minutes=5)
"""A request without an answer for so long died with its process, on a machine that we cannot look at."""


class KeyReused(AppError):
    code = "idempotency_key_reused"
    status = 409
    message = "This Idempotency-Key was used for another request."


class StillRunning(AppError):
    code = "idempotency_in_progress"
    status = 409
    message = "The first request with this Idempotency-Key is still running."


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


async def claim(actor: Actor, *, key: str, request_hash: str) -> Answer | None:
    """Nothing: the caller does the work, then calls `remember` or `forget`. An answer: it was done before.

    Of one process one at a time asks for a key or works on it: a row of ours without an answer was left by one that could not
    forget it.

    Raises: KeyReused, StillRunning (in another process).
    """
    now = utcnow()
    mine = (col(IdempotencyKey.company_id) == actor.company_id, col(IdempotencyKey.key) == key)
    stale = (col(IdempotencyKey.status).is_(None)) & (col(IdempotencyKey.created_at) < now - _ABANDONED_AFTER)
    await run(delete(IdempotencyKey).where(*mine, stale | (col(IdempotencyKey.created_at) < now - KEPT)))
    inserted = await run(
        insert(IdempotencyKey)
        .values(
            id=new_id(),
            created_at=now,
            company_id=actor.company_id,
            key=key,
            request_hash=request_hash,
            holder=this_process(),
            body=None,
        )
        .on_conflict_do_nothing(index_elements=["company_id", "key"])
        .returning(col(IdempotencyKey.id))
    )
    if inserted.first() is not None:
        return None
    found = await run(
        select(
            col(IdempotencyKey.request_hash),
            col(IdempotencyKey.holder),
            col(IdempotencyKey.status),
            col(IdempotencyKey.body),
        ).where(*mine)
    )
    known = found.first()
    if known is None:  # removed since: it was abandoned, and somebody else cleared it
        raise StillRunning
    kept_hash, holder, status, body = known
    if kept_hash != request_hash:
        raise KeyReused
    if status is not None:
        return Answer(status, body)
    if holder != this_process() and not is_dead(holder):
        raise StillRunning
    taken = await run(
        update(IdempotencyKey)
        .where(*mine, col(IdempotencyKey.status).is_(None), col(IdempotencyKey.holder) == holder)
        .values(holder=this_process(), created_at=now)
        .returning(col(IdempotencyKey.id))
    )
    if taken.first() is None:  # somebody was faster
        raise StillRunning
    return None


async def remember(actor: Actor, *, key: str, answer: Answer) -> None:
    await run(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.company_id) == actor.company_id, col(IdempotencyKey.key) == key)
        .values(status=answer.status, body=answer.body)
    )


async def forget(actor: Actor, *, key: str) -> None:
    """The work failed on our side: the same request may try again."""
    await run(
        delete(IdempotencyKey).where(col(IdempotencyKey.company_id) == actor.company_id, col(IdempotencyKey.key) == key)
    )
