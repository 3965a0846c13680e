"""What the inbox reads when something changed: each row once for all tabs of a company."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.channels.new_chats import Pause, pause_in_chat
from saasbot.domain.inbox.context import read_context
from saasbot.domain.inbox.reads import (
    ListFilter,
    count_conversations,
    list_conversations,
    read_conversation,
    read_conversations,
)
from saasbot.domain.inbox.thread import read_thread
from saasbot.domain.inbox.views import ContextView, ConversationPage, ConversationView, Counters, ThreadPage
from saasbot.infra.db import unit_of_work
from saasbot.infra.events import Event
from saasbot.realtime.hub import hub
from saasbot.realtime.watches import Changes, Reading

PAUSE_BEAT, _BEAT_SECONDS = "pause-beat", 60.0
"""No event tells that a pause is over: whoever looks at one looks again."""
LIST_TOPICS = ("conversation", "channel", "typing")


def thread_topics(conversation_id: UUID) -> tuple[str, ...]:
    return (f"conversation:{conversation_id}", f"consent:{conversation_id}", "channel", PAUSE_BEAT)


@dataclass(frozen=True)
class ListRead:
    """What changed in a list: the first page anew, or some conversations. Nothing of either: only who types."""

    page: ConversationPage | None = None
    changed: list[UUID] = field(default_factory=list)
    views: dict[UUID, ConversationView] = field(default_factory=dict)
    """Those of the changed ones that exist."""
    counters: Counters | None = None


@dataclass(frozen=True)
class ThreadRead:
    view: ConversationView
    """Of another id than was asked for when that was joined with it."""
    page: ThreadPage
    """The newest messages."""
    context: ContextView | None = None
    """Where it may have changed."""
    pause: Pause | None = None
    """In which nobody may be written to first, in a chat in which nobody has written."""


async def read_list(actor: Actor, filter: ListFilter, query: str, changes: Changes, reading: Reading) -> ListRead:
    if _is_all(changes):
        async with unit_of_work(actor):
            page = await list_conversations(actor, filter=filter, query=query)
        return ListRead(page=page, counters=await _counters(actor, reading))
    ids = changes.ids("conversation", "conversation_id")
    if not ids:
        return ListRead()
    views, counters = await asyncio.gather(_changed(actor, ids, reading), _counters(actor, reading))
    return ListRead(changed=ids, views=views, counters=counters)


async def read_open(
    actor: Actor, conversation_id: UUID, turn_id: UUID | None, changes: Changes, reading: Reading
) -> ThreadRead:
    """`turn_id`: the turn that the panel explains now. Raises: NotFound."""
    page, views = await asyncio.gather(
        _newest(actor, conversation_id, reading), _changed(actor, [conversation_id], reading)
    )
    if (view := views.get(conversation_id)) is None:
        async with unit_of_work(actor):
            view = await read_conversation(actor, conversation_id)  # the one with which it was joined
    newest_turn = next((message.turn_id for message in page.messages if message.turn_id is not None), None)
    context = None
    if _is_all(changes) or newest_turn != turn_id or any(event.kind == "consent" for event in changes.events):
        async with unit_of_work(actor):
            context = await read_context(actor, conversation_id)
    return ThreadRead(view, page, context, await _pause(actor, conversation_id, page, reading))


def _is_all(changes: Changes) -> bool:
    """A number that changes may change its name, which many rows show."""
    return changes.everything or any(event.kind == "channel" for event in changes.events)


async def _changed(actor: Actor, ids: list[UUID], reading: Reading) -> dict[UUID, ConversationView]:
    """The conversations as they are now. Those of the round are read together; what waited from an earlier one, beside."""

    def reader_of(wanted: list[UUID]):
        async def read() -> dict[UUID, ConversationView]:
            async with unit_of_work(actor):
                return await read_conversations(actor, wanted)

        return read

    of_round = _ids(reading.events)
    key = ("conversations", actor.company_id, actor.role)
    found = await reading.once(key, reader_of(of_round)) if of_round else {}
    missed = [id for id in ids if id not in of_round]
    if missed:
        found = {**found, **await reading.once((*key, frozenset(missed)), reader_of(missed))}
    return {id: found[id] for id in ids if id in found}


async def _counters(actor: Actor, reading: Reading) -> Counters:
    async def read() -> Counters:
        async with unit_of_work(actor):
            return await count_conversations(actor)

    return await reading.once(("counters", actor.company_id, actor.user_id), read)


async def _newest(actor: Actor, conversation_id: UUID, reading: Reading) -> ThreadPage:
    async def read() -> ThreadPage:
        async with unit_of_work(actor):
            return await read_thread(actor, conversation_id)

    return await reading.once(("thread", actor.company_id, actor.role, conversation_id), read)


async def _pause(actor: Actor, conversation_id: UUID, page: ThreadPage, reading: Reading) -> Pause | None:
    if any(message.direction == "inbound" for message in page.messages):
        return None

    async def read() -> Pause | None:
        async with unit_of_work(actor):
            return await pause_in_chat(actor, conversation_id)

    found = await reading.once(("pause", actor.company_id, conversation_id), read)
    if found is not None:
        look_again(actor.company_id, found.until)
    return found


def look_again(company_id: UUID, until: datetime) -> None:
    """Tabs that watch `PAUSE_BEAT` read again when the pause is over, or in a while."""
    left = (until - datetime.now(UTC)).total_seconds()
    hub.tell_later(company_id, PAUSE_BEAT, min(max(left, 0.1), _BEAT_SECONDS))


def _ids(events: tuple[Event, ...]) -> list[UUID]:
    found = (event.ids.get("conversation_id") for event in events if event.kind == "conversation")
    return [UUID(value) for value in dict.fromkeys(found) if value]
