"""Where a person is signed in, and ending it from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from saasbot.domain.accounts.devices import Device, device_of
from saasbot.domain.accounts.endings import forget_person
from saasbot.domain.actor import Actor
from saasbot.domain.admin import open_sessions as rows
from saasbot.domain.audit import record
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound


@dataclass(frozen=True, slots=True)
class OpenSession:
    id: UUID
    kind: str
    """`browser` or `api`."""
    device: Device
    network: str
    created_at: datetime
    last_seen_at: datetime
    current: bool
    """The one that asks."""


async def sessions_of(actor: Actor, *, current: UUID) -> Sequence[OpenSession]:
    """The one that asks first, then those last seen. Raises: Forbidden (nobody acts)."""
    found = [
        OpenSession(
            id=row.id,
            kind=row.kind,
            device=device_of(row.user_agent),
            network=row.network,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            current=row.id == current,
        )
        for row in await rows.open_sessions(actor.person_id)
    ]
    return sorted(found, key=lambda session: not session.current)


async def end_session(actor: Actor, session_id: UUID) -> None:
    """It is over at once, on every open socket. Raises: Forbidden, NotFound (also of sessions of others)."""
    user_id = actor.person_id
    ended = await rows.end_session(user_id, session_id)
    async with unit_of_work(actor):  # a refusal belongs into the trail as well
        if not ended:
            raise NotFound
        await record(actor, "session.ended_elsewhere", session_id)
    forget_person(user_id)


async def end_other_sessions(actor: Actor, *, current: UUID) -> int:
    """All but the one that asks are over. Returns how many. Raises: Forbidden."""
    user_id = actor.person_id
    ended = await rows.end_other_sessions(user_id, current)
    forget_person(user_id)
    async with unit_of_work(actor):
        await record(actor, "session.ended_elsewhere", ended=ended)
    return ended
