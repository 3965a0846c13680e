"""The thread of the open conversation: messages, who answers, and the panel beside it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import reflex as rx

from saasbot import routes
from saasbot.domain.actor import Actor
from saasbot.domain.inbox.drafts import read_draft
from saasbot.domain.inbox.ownership import hand_back, set_conversation_bot, take_over
from saasbot.domain.inbox.part import undo_merge
from saasbot.domain.inbox.read_marks import mark_read
from saasbot.domain.inbox.send import resend
from saasbot.domain.inbox.thread import read_thread
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import NotFound
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live
from saasbot.state.arguments import Id
from saasbot.state.channel_texts import pause_sentence, waiting_sentence
from saasbot.state.composer import ComposerState, begin
from saasbot.state.context_rows import Context, context_of
from saasbot.state.conversation_rows import name_of
from saasbot.state.ids import parse_id
from saasbot.state.inbox_reading import ThreadRead, read_open, thread_topics
from saasbot.state.locale import locale_of
from saasbot.state.message_rows import MessageRow
from saasbot.state.patience import patient
from saasbot.state.reader import Reader, phone_text
from saasbot.state.session import current_actor
from saasbot.state.thread_look import ThreadLook

_WATCH = "thread"


class ThreadState(rx.State):
    """Messages in three runs (see ThreadLook); what changes alone is a var alone."""

    open_id: rx.Field[str] = rx.field("")
    """The conversation that the other vars are about."""
    found: rx.Field[bool] = rx.field(True)
    older: rx.Field[list[MessageRow]] = rx.field(default_factory=list)
    settled: rx.Field[list[MessageRow]] = rx.field(default_factory=list)
    fresh: rx.Field[list[MessageRow]] = rx.field(default_factory=list)
    ticks: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    marker: rx.Field[str] = rx.field("")
    """Above this message stands "new messages"."""
    has_older: rx.Field[bool] = rx.field(False)
    tokens: rx.Field[list[str]] = rx.field(default_factory=list)
    """Messages of this browser that are here now."""

    name: rx.Field[str] = rx.field("")
    person: rx.Field[str] = rx.field("")
    phone: rx.Field[str] = rx.field("")
    lid: rx.Field[bool] = rx.field(False)
    """Known by WhatsApp's hidden id."""
    group: rx.Field[bool] = rx.field(False)
    """It is with many people: the bot does not answer."""
    channel: rx.Field[str] = rx.field("")
    handler: rx.Field[str] = rx.field("bot")
    taken_by: rx.Field[str] = rx.field("")
    status: rx.Field[str] = rx.field("")
    bot_enabled: rx.Field[bool] = rx.field(True)
    unread: rx.Field[int] = rx.field(0)
    paused: rx.Field[str] = rx.field("")
    """That this person may not be written to first now, and until when."""
    waits: rx.Field[str] = rx.field("")
    """That what is written waits for the number to be connected."""
    gone: rx.Field[bool] = rx.field(False)
    """The number was deleted."""
    context: rx.Field[Context] = rx.field(default_factory=Context)
    moved_to: rx.Field[str] = rx.field("")
    """The page of the conversation with which this one was joined."""
    parting: rx.Field[str] = rx.field("")
    """The joining about which the question is open whether it shall be undone."""

    _look: ThreadLook | None = None

    @rx.event
    @patient
    async def open(self):
        """The page of a conversation opens, or its connection is back."""
        value = self.router.url.path.rstrip("/").rpartition("/")[2]
        actor = await current_actor(self)
        reader = Reader.of(actor, await locale_of(self))
        look, socket = self._look, self.router.session.session_id
        same = look is not None and (str(look.conversation_id), look.reader) == (value, reader)
        if look is not None and same and look.socket == socket and live.is_watching(self, _WATCH):
            return
        try:
            await self._look_at(ThreadLook(parse_id(value), reader, socket=socket), anew=not same)
        except NotFound:
            self._close(value)
        if self.moved_to:
            return rx.redirect(self.moved_to, replace=True)

    @rx.event
    def close(self):
        """The list alone is on screen."""
        self._close("")

    def _close(self, open_id: str) -> None:
        live.unwatch(self, _WATCH)
        self._look, self.moved_to = None, ""
        self.open_id, self.found = open_id, not open_id
        self.older, self.settled, self.fresh, self.tokens = [], [], [], []

    @rx.event
    async def load_older(self, conversation_id: Id):
        """The thread was scrolled to its beginning."""
        look = self._look
        if look is None or look.next is None or str(look.conversation_id) != conversation_id:
            return
        actor = await current_actor(self)
        async with unit_of_work(actor):
            look.extend(await read_thread(actor, look.conversation_id, before=look.next))
        _show_messages(self, look)

    @rx.event
    async def seen(self, conversation_id: Id):
        """The newest messages are on a screen that somebody looks at."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await mark_read(actor, parse_id(conversation_id))

    @rx.event
    async def take_over(self, conversation_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await take_over(actor, parse_id(conversation_id))
        return rx.set_focus("composer")

    @rx.event
    async def hand_back(self, conversation_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await hand_back(actor, parse_id(conversation_id))

    @rx.event
    async def switch_bot(self, conversation_id: Id, enabled: bool):
        """The bot of this chat alone."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await set_conversation_bot(actor, parse_id(conversation_id), enabled=enabled)

    @rx.event
    async def send_again(self, message_id: Id):
        """A failed or unconfirmed message goes out once more."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await resend(actor, parse_id(message_id))

    @rx.event
    def ask_to_part(self, merge_id: Id):
        """Undo was pressed in the line that tells of a joining."""
        self.parting = merge_id

    @rx.event
    def stay_joined(self):
        self.parting = ""

    @rx.event
    async def part(self, merge_id: Id):
        self.parting = ""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await undo_merge(actor, parse_id(merge_id))

    async def _look_at(self, look: ThreadLook, *, anew: bool) -> None:
        """`anew`: another conversation than before, with its own draft and its own "new messages"."""

        id = look.conversation_id

        async def load(actor: Actor, changes: Changes, reading: Reading) -> ThreadRead | None:
            try:
                return await read_open(actor, id, look.turn_id, changes, reading)
            except NotFound:
                return None  # its contact was erased while somebody looked at it

        def show(state: ThreadState, read: ThreadRead | None) -> None:
            if read is None:
                state._close(str(id))
            else:
                _show(state, look, read)

        actor = await live.watch(self, _WATCH, topics=thread_topics(id), load=load, show=show, page=routes.CONVERSATION)
        read = await load(actor, Changes(everything=True), Reading())
        if read is None:
            raise NotFound
        self._look = look
        if anew:
            async with unit_of_work(actor):
                draft = await read_draft(actor, id)
            begin(await self.get_state(ComposerState), draft)
            self.marker = ""
        show(self, read)
        if anew:
            self.marker = look.first_unread(read.view.unread)
        self.open_id, self.found = str(id), True


def _show(state: ThreadState, look: ThreadLook, read: ThreadRead) -> None:
    view = read.view
    assign(state, moved_to="" if view.id == look.conversation_id else f"{routes.INBOX}/{view.id}")
    look.take(read)
    _show_messages(state, look)
    assign(
        state,
        name=name_of(view, look.reader),
        person=str(view.contact_id),
        phone=phone_text(view.phone),
        lid=view.lid is not None,
        group=view.group is not None,
        channel=view.channel_name,
        handler=view.handler,
        taken_by=view.assignee_name or "",
        status=view.status,
        bot_enabled=view.bot_enabled,
        unread=view.unread,
        paused=_paused(read, look.reader),
        waits=waiting_sentence(view.channel_status, look.reader.locale),
        gone=view.channel_deleted,
    )
    if read.context is not None:
        assign(state, context=context_of(read.context, look.reader))


def _paused(read: ThreadRead, reader: Reader) -> str:
    if read.pause is None:
        return ""
    zone, now = ZoneInfo(reader.timezone), datetime.now(UTC)
    return pause_sentence(read.pause.until, read.pause.reason, reader.locale, zone, now=now)


def _show_messages(state: ThreadState, look: ThreadLook) -> None:
    assign(
        state,
        older=look.older,
        settled=look.settled,
        fresh=look.fresh,
        ticks=look.ticks,
        has_older=look.next is not None,
        tokens=look.tokens,
    )
