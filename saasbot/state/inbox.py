"""The list of the inbox."""

from typing import ClassVar

import reflex as rx

from saasbot import routes
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.reads import ListFilter, list_conversations
from saasbot.infra.db import unit_of_work
from saasbot.realtime.hub import assign, hub
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.arguments import Line, Word
from saasbot.state.conversation_rows import ConversationRow, ListLook
from saasbot.state.inbox_reading import LIST_TOPICS, ListRead, read_list
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.reader import Reader
from saasbot.state.session import current_actor

PAGES = (routes.INBOX, routes.CONVERSATION)
_WATCH = "inbox"
_LONGEST_QUERY = 100


class TypingState(rx.State):
    """Apart from the rows, because it changes often and is small."""

    chats: rx.Field[list[str]] = rx.field(default_factory=list)
    """Ids of conversations on screen whose customer is typing."""


class InboxState(rx.State):
    PREFERENCES: ClassVar[tuple[str, ...]] = ("tab",)
    """Whoever comes back from another page finds the list that they had chosen."""

    tab: rx.Field[str] = rx.field("all")
    query: rx.Field[str] = rx.field("")
    rows: rx.Field[list[ConversationRow]] = rx.field(default_factory=list)
    more: rx.Field[list[ConversationRow]] = rx.field(default_factory=list)
    """Beyond the first page, as far as it was scrolled."""
    has_more: rx.Field[bool] = rx.field(False)
    loaded: rx.Field[bool] = rx.field(False)
    mine: rx.Field[int] = rx.field(0)
    unassigned: rx.Field[int] = rx.field(0)
    all: rx.Field[int] = rx.field(0)

    _look: ListLook | None = None

    @rx.event
    @patient
    async def load(self):
        """The page opens, or its connection is back: what is there, and from now on what changes."""
        reader = Reader.of(await current_actor(self), await locale_of(self))
        look = self._look
        if (
            look is not None
            and (look.socket, look.reader) == (self.router.session.session_id, reader)
            and live.is_watching(self, _WATCH)
        ):
            return
        await self._look_at(ListFilter(self.tab), self.query)

    @rx.event
    async def choose_tab(self, tab: Word):
        if tab in list(ListFilter) and tab != self.tab:
            self.tab = tab
            await self._look_at(ListFilter(tab), self.query)

    @rx.event
    async def search(self, query: Line):
        query = query.strip()[:_LONGEST_QUERY]
        if query != self.query:
            self.query = query
            await self._look_at(ListFilter(self.tab), query)

    @rx.event
    async def load_more(self):
        """The list was scrolled to its end."""
        look = self._look
        if look is None or look.next is None:
            return
        actor = await current_actor(self)
        async with unit_of_work(actor):
            page = await list_conversations(actor, filter=look.filter, query=look.query, after=look.next)
        look.extend(page)
        _show_rows(self, look)

    async def _look_at(self, filter: ListFilter, query: str) -> None:
        actor = await current_actor(self)
        reader = Reader.of(actor, await locale_of(self))
        look = ListLook(actor, reader, filter=filter, query=query, socket=self.router.session.session_id)

        async def load(actor: Actor, changes: Changes, reading: Reading) -> ListRead:
            return await read_list(actor, filter, query, changes, reading)

        async def show(state: InboxState, read: ListRead) -> None:
            await _show(state, look, read)

        await live.watch(self, _WATCH, topics=LIST_TOPICS, load=load, show=show, page=PAGES)
        self._look = look
        await show(self, await load(actor, Changes(everything=True), Reading()))


async def _show(state: InboxState, look: ListLook, read: ListRead) -> None:
    for view in read.views.values():
        if view.last_author == "customer" and view.unread:
            hub.typing.stop(look.actor.company_id, view.channel_id, view.chat_jid)
    look.take(read)
    _show_rows(state, look)
    if read.counters is not None:
        counters = read.counters
        assign(state, mine=counters.mine, unassigned=counters.unassigned, all=counters.all)
    typing = await state.get_state(TypingState)
    assign(typing, chats=look.typing(hub.typing.is_typing))


def _show_rows(state: InboxState, look: ListLook) -> None:
    assign(state, rows=look.rows, more=look.more, has_more=look.next is not None, loaded=True)
