"""What the simulated network remembers: everything a number really sent, and its typing and read marks."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select

from saasbot.domain.actor import Actor
from saasbot.domain.simulator.access import access_simulator
from saasbot.infra.db import session
from saasbot.models import SimMessage, SimPresence

MOST = 10_000


async def sent_messages(actor: Actor, channel_id: UUID, *, after: int = 0, limit: int = MOST) -> Sequence[SimMessage]:
    """What the number sent after the message with that `seq`, oldest first. Raises: Forbidden, NotFound."""
    actor.require("inbox.read")
    await access_simulator(actor, channel_id)
    query = (
        select(SimMessage)
        .where(SimMessage.channel_id == channel_id, SimMessage.origin == "number", col(SimMessage.seq) > after)
        .order_by(col(SimMessage.seq))
        .limit(min(limit, MOST))
    )
    return (await session().exec(query)).all()


async def presences(actor: Actor, channel_id: UUID, *, after: int = 0, limit: int = MOST) -> Sequence[SimPresence]:
    """Typing and read marks that the number showed, oldest first. Raises: Forbidden, NotFound."""
    actor.require("inbox.read")
    await access_simulator(actor, channel_id)
    query = (
        select(SimPresence)
        .where(SimPresence.channel_id == channel_id, col(SimPresence.seq) > after)
        .order_by(col(SimPresence.seq))
        .limit(min(limit, MOST))
    )
    return (await session().exec(query)).all()
