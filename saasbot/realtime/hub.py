"""The hub: tells the browser tabs of this process what changed, as soon as the database says so.

A page registers what its tab looks at (pages use `saasbot.state.live.watch`, which fills in tab, actor and check), then reads it:

    hub.watch(
        self.router.session.client_token, "channels",
        actor=actor, check=check,             # who looks; `check` tells before each push whether they still may
        state=ChannelsState, page=routes.CHANNELS,
        topics={"channel"},                   # kinds of events; "channel:<id>" for one row
        load=load_channels,                   # async (actor, changes, reading) -> data; no lock is held
        show=ChannelsState.show,              # (state, data): sets vars; the tab's lock is held, so no reading here
    )

Registering before reading loses nothing. What it promises: the first change is pushed at once, those that follow are gathered
for about 30 ms (longer while the loop is busy); a tab is pushed one thing at a time, so an older reading never
overwrites a newer one; a tab that is gone, signed out or on another page is forgotten; after a lost
notification, and slowly all the time, everything is read again (`changes.everything`). `reading.once(key, read)` shares
a reading between all tabs of a company. `show` should use `assign`, which sends only what differs. Handlers that write need not
show what they wrote: the event comes back within milliseconds.

Events are of one company and reach tabs of that company only; `load` runs as the actor of the tab, through use cases.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from contextvars import Context
from typing import Any, TypeVar
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.infra.events import Event, Listener
from saasbot.infra.logging import get_logger
from saasbot.realtime.pace import Pace
from saasbot.realtime.renewals import Renew, Renewals
from saasbot.realtime.tabs import Tabs, assign
from saasbot.realtime.typing import TypingBoard
from saasbot.realtime.watches import Changes, Check, Load, Reading, Show, Tab, Watch

__all__ = ["Changes", "Hub", "Reading", "assign", "hub"]

log = get_logger(__name__)

T = TypeVar("T")
S = TypeVar("S")

REPAIR_SECONDS = 30.0
_RETRY_SECONDS = 2.0


class _Company:
    """The tabs of one company, and the events of its next round."""

    def __init__(self) -> None:
        self.tabs: dict[str, Tab] = {}
        self.events: list[Event] = []
        self.due: float | None = None
        self.not_before = 0.0


class Hub:
    """See the module. Everything runs on one event loop."""

    def __init__(self, *, pace: Pace | None = None, repair_seconds: float = REPAIR_SECONDS) -> None:
        self._companies: dict[UUID, _Company] = {}
        self._tabs: Tabs | None = None
        self._renewals: Renewals | None = None
        self._pace = pace or Pace()
        self._repair_seconds = repair_seconds
        self._repair: asyncio.Task[None] | None = None
        self._later: dict[tuple[UUID, str], asyncio.TimerHandle] = {}
        self.typing = TypingBoard(self.tell)

    def start(self, tabs: Tabs, listener: Listener, renew: Renew | None = None) -> None:
        """From now on events reach tabs. Call before `listener.start()`, on the loop that serves the tabs, and after whatever
        forgets sessions at their `session` event.
        """
        self._tabs, self._renewals = tabs, Renewals(renew) if renew is not None else None
        listener.on_event(self._hear_of_sessions)
        listener.on_event(self.typing.hear)
        listener.on_event(self.tell)
        listener.on_gap(self.read_everything)
        self._repair = asyncio.create_task(self._repair_slowly(), name="hub-repair")

    async def stop(self) -> None:
        """No tab is told anything more."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
        running = [tab.task for tab in self._all_tabs() if tab.task is not None]
        self._companies.clear()
        for task in [*running, self._repair]:
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._renewals is not None:
            await self._renewals.stop()
        self._tabs = self._repair = self._renewals = None

    def watch(
        self,
        tab: str,
        name: str,
        *,
        actor: Actor,
        check: Check,
        state: type[S],
        topics: Iterable[str],
        load: Load[T],
        show: Show[S, T],
        page: str | tuple[str, ...] | None = None,
    ) -> None:
        """The tab (its client token) looks at `topics`; the same name again replaces what it looked at under that name.

        `page` is the route (or routes) that the watch belongs to: it ends when the tab shows another one. Without, it lives as long as
        the tab.
        """
        for company_id in [other for other in self._companies if other != actor.company_id]:
            self._forget(company_id, tab)
        company = self._companies.setdefault(actor.company_id, _Company())
        entry = company.tabs.get(tab)
        if entry is None:
            entry = company.tabs[tab] = Tab(tab, actor.company_id, check)
        entry.check, entry.user_id = check, actor.user_id
        entry.watches[name] = Watch(
            name, state, frozenset(topics), load, show, (page,) if isinstance(page, str) else page
        )
        entry.waiting.pop(name, None)

    def watches(self, tab: str, name: str) -> bool:
        """Whether the tab still looks at what it registered under `name`."""
        return any(name in company.tabs[tab].watches for company in self._companies.values() if tab in company.tabs)

    def unwatch(self, tab: str, name: str) -> None:
        """The tab no longer looks at what it registered under `name`."""
        for company in self._companies.values():
            if (entry := company.tabs.get(tab)) is not None:
                entry.watches.pop(name, None)
                entry.waiting.pop(name, None)

    def turn_to(self, tab: str, page: str) -> None:
        """The tab shows another page: what belonged to others is looked at no more."""
        for company in self._companies.values():
            if (entry := company.tabs.get(tab)) is not None:
                for name in [name for name, watch in entry.watches.items() if not watch.belongs_to(page)]:
                    del entry.watches[name]
                    entry.waiting.pop(name, None)

    def forget(self, tab: str) -> None:
        """The tab looks at nothing any more."""
        for company_id in list(self._companies):
            self._forget(company_id, tab)

    def tell(self, event: Event) -> None:
        """Something happened: the tabs that look at it are pushed, now or with the next round."""
        company = self._companies.get(event.company_id)
        if company is None:
            return
        company.events.append(event)
        if company.due is None:
            loop = asyncio.get_running_loop()
            company.due = max(loop.time(), company.not_before)
            loop.call_at(company.due, self._round, event.company_id, context=Context())

    def tell_later(self, company_id: UUID, kind: str, seconds: float) -> None:
        """Tell of a `kind` in a while, for what time alone changes. One is enough until then: asking again changes nothing."""

        def tell() -> None:
            del self._later[company_id, kind]
            self.tell(Event(kind, company_id))

        if (company_id, kind) not in self._later:
            loop = asyncio.get_running_loop()
            self._later[company_id, kind] = loop.call_later(seconds, tell, context=Context())

    def read_everything(self) -> None:
        """Notifications were lost: every tab reads again what it looks at."""
        reading = Reading()
        for tab in self._all_tabs():
            self._reread(tab, reading)

    def _forget(self, company_id: UUID, tab: str) -> None:
        company = self._companies[company_id]
        if (entry := company.tabs.pop(tab, None)) is not None:
            entry.watches.clear()  # a push that is on its way shows nothing
        if not company.tabs:
            del self._companies[company_id]

    def _all_tabs(self) -> list[Tab]:
        return [tab for company in self._companies.values() for tab in company.tabs.values()]

    def _round(self, company_id: UUID) -> None:
        company = self._companies.get(company_id)
        if company is None or company.due is None:
            return
        now = asyncio.get_running_loop().time()
        self._pace.note(now - company.due)
        reading = Reading(tuple(company.events))
        company.events, company.due = [], None
        heard = [tab for tab in company.tabs.values() if tab.hear(reading)]
        if heard:  # what nobody looks at delays nothing
            company.not_before = now + self._pace.seconds
        for tab in heard:
            self._start(tab)

    def _reread(self, tab: Tab, reading: Reading) -> None:
        for name in tab.watches:
            tab.add(name, Changes(everything=True), reading)
        self._start(tab)

    def _retry(self, tab: Tab) -> None:
        self._reread(tab, Reading())

    def _start(self, tab: Tab) -> None:
        if tab.waiting and (tab.task is None or tab.task.done()):
            # a context of its own: this may be called from inside somebody's unit of work
            tab.task = asyncio.create_task(self._push(tab), context=Context())

    async def _push(self, tab: Tab) -> None:
        while tab.waiting:
            waiting, tab.waiting = tab.waiting, {}
            try:
                if not await self._push_once(tab, waiting):
                    self.forget(tab.token)
                    self._renew(tab)
                    return
            except Exception:  # one tab's trouble is not another's
                log.exception("hub.push_failed", company_id=str(tab.company_id), watches=sorted(waiting))
                asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._retry, tab)
                return

    async def _push_once(self, tab: Tab, waiting: dict[str, tuple[Changes, Reading]]) -> bool:
        """Load and show; False when nobody (who may) looks any more."""
        if self._tabs is None or not tab.watches or tab.token not in self._tabs.connected():
            return False
        actor = await tab.checked()
        if actor is None:
            return False
        wanted = [(tab.watches[name], *what) for name, what in waiting.items() if name in tab.watches]
        if wanted:
            read = await asyncio.gather(*(watch.load(actor, changes, reading) for watch, changes, reading in wanted))
            loaded = [(watch, data) for (watch, _, _), data in zip(wanted, read, strict=True)]
            return await self._show(self._tabs, tab, loaded)
        return True

    async def _show(self, tabs: Tabs, tab: Tab, loaded: list[tuple[Watch[Any, Any], Any]]) -> bool:
        async with tabs.modify(tab.token, loaded[0][0].state) as held:
            if await tab.checked() is None:
                return False  # reading took a while, or the lock did
            for watch, data in loaded:
                if tab.watches.get(watch.name) is not watch:
                    continue  # meanwhile it looks at something else
                if not watch.belongs_to(held.page):
                    del tab.watches[watch.name]
                    continue
                shown = watch.show(await held.get(watch.state), data)
                if shown is not None:
                    await shown
        return True

    def _hear_of_sessions(self, event: Event) -> None:
        """Somebody signed out, or what they may has changed: their tabs follow at once, not at their next click."""
        if event.kind == "session":
            for tab in self._all_tabs():
                if str(tab.user_id) == event.ids["user"]:
                    self._renew(tab)

    def _renew(self, tab: Tab) -> None:
        if self._renewals is not None and self._tabs is not None and tab.token in self._tabs.connected():
            self._renewals.begin(tab.token)

    async def _repair_slowly(self) -> None:
        """Each tab reads everything again once in `repair_seconds`, spread over that time."""
        while True:
            tabs = self._all_tabs()
            for tab in tabs:
                await asyncio.sleep(self._repair_seconds / len(tabs))
                if tab.watches:
                    self._reread(tab, Reading())
                else:
                    self.forget(tab.token)
            if not tabs:
                await asyncio.sleep(self._repair_seconds)


hub = Hub()
"""The hub of this process."""
