"""What a tab looks at, and what has changed of it since it was last told."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.events import Event

T = TypeVar("T")
S = TypeVar("S")

_MOST_EVENTS = 500
"""More than these since the last push: reading everything once costs less than each of them."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened since the watch was last shown."""

    events: tuple[Event, ...] = ()
    """In order; only those of the watch's topics."""
    everything: bool = False
    """Anything may have changed (a lost notification, the slow repair): read it all again."""

    def ids(self, kind: str, name: str) -> list[UUID]:
        """The distinct `name` ids of the events of a kind: `changes.ids("conversation", "conversation_id")`."""
        found = (event.ids.get(name) for event in self.events if event.kind == kind)
        return list(dict.fromkeys(UUID(value) for value in found if value))

    def then(self, later: "Changes") -> "Changes":
        events = self.events + later.events
        if self.everything or later.everything or len(events) > _MOST_EVENTS:
            return Changes(everything=True)
        return Changes(events)


class Reading:
    """One round: what several tabs need is read once."""

    def __init__(self, events: tuple[Event, ...] = ()) -> None:
        self.events = events
        """Everything of the round, whatever the topics of a watch: read it together, for all tabs."""
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}

    async def once(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """The result of `read()`, which is awaited at most once a key in this round. Put into the key all that it depends on."""
        if key not in self._reads:
            self._reads[key] = asyncio.ensure_future(read())
        return await asyncio.shield(self._reads[key])


Load = Callable[[Actor, Changes, Reading], Awaitable[T]]
Show = Callable[[S, T], Awaitable[None] | None]
Check = Callable[[], Awaitable[Actor | None]]


@dataclass(frozen=True, slots=True, eq=False)
class Watch(Generic[S, T]):
    """See `Hub.watch`."""

    name: str
    state: type[S]
    topics: frozenset[str]
    load: Load[T]
    show: Show[S, T]
    pages: tuple[str, ...] | None

    def concerns(self, event: Event) -> bool:
        return event.kind in self.topics or any(f"{event.kind}:{value}" in self.topics for value in event.ids.values())

    def belongs_to(self, page: str) -> bool:
        return self.pages is None or page in self.pages


@dataclass(slots=True, eq=False)
class Tab:
    """One browser tab: who looks, at what, and what it has not been shown yet."""

    token: str
    company_id: UUID
    check: Check
    user_id: UUID | None = None
    watches: dict[str, Watch[Any, Any]] = field(default_factory=dict)
    waiting: dict[str, tuple[Changes, Reading]] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    async def checked(self) -> Actor | None:
        """Who looks, as of now; nothing when they may no longer, or act for another company."""
        actor = await self.check()
        return actor if actor is not None and actor.company_id == self.company_id else None

    def add(self, name: str, changes: Changes, reading: Reading) -> None:
        earlier = self.waiting.get(name)
        self.waiting[name] = (earlier[0].then(changes) if earlier else changes, reading)

    def hear(self, reading: Reading) -> bool:
        """Take what concerns this tab from a round; whether anything did."""
        for name, watch in self.watches.items():
            events = tuple(event for event in reading.events if watch.concerns(event))
            if events:
                self.add(name, Changes(events), reading)
        return bool(self.waiting)
