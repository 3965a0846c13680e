"""What the inbox reads when something changed: each row once for all tabs of a company."""

from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.reads import count_conversations, read_conversations
from saasbot.domain.inbox.thread import read_thread
from saasbot.domain.inbox.views import ConversationView, Counters, ThreadPage
from saasbot.infra.db import unit_of_work
from saasbot.infra.events import Event
from saasbot.realtime.watches import Reading


async def read_changed(actor: Actor, ids: list[UUID], reading: Reading) -> dict[UUID, ConversationView]:
    """The conversations as they are now. Those of the round are read together; what waited from an earlier one, beside."""

    def reader_of(wanted: list[UUID]):
        async def read() -> dict[UUID, ConversationView]:
            async with unit_of_work(actor):
                return await read_conversations(actor, wanted)

        return read

    of_round = _ids(reading.events)
    found = await reading.once(("conversations", actor.company_id, actor.role), reader_of(of_round))
    missed = [id for id in ids if id not in of_round]
    if missed:
        key = ("conversations", actor.company_id, actor.role, frozenset(missed))
        found = {**found, **await reading.once(key, reader_of(missed))}
    return {id: found[id] for id in ids if id in found}


async def read_counters(actor: Actor, reading: Reading) -> Counters:
    async def read() -> Counters:
        async with unit_of_work(actor):
            return await count_conversations(actor)

    return await reading.once(("counters", actor.company_id, actor.user_id), read)


async def read_newest(actor: Actor, conversation_id: UUID, reading: Reading) -> ThreadPage:
    async def read() -> ThreadPage:
        async with unit_of_work(actor):
            return await read_thread(actor, conversation_id)

    return await reading.once(("thread", actor.company_id, actor.role, conversation_id), read)


def _ids(events: tuple[Event, ...]) -> list[UUID]:
    found = (event.ids.get("conversation_id") for event in events if event.kind == "conversation")
    return [UUID(value) for value in dict.fromkeys(found) if value]
