"""What one tab shows of a thread: three runs of rows that go to the browser apart, so that a new message carries little.

`older` is what was scrolled up to, `settled` the page that the thread opened with, `fresh` what came since. A tick that moves goes
alone, in `ticks`. Lives on the server beside the tab's state.
"""

from dataclasses import replace
from uuid import UUID

from saasbot.domain.inbox.merge_chats import JOINED
from saasbot.domain.inbox.part_chats import PARTED
from saasbot.domain.inbox.views import MessageView, ThreadPage, ThreadPosition
from saasbot.state.inbox_reading import ThreadRead
from saasbot.state.message_rows import MessageRow, rows_of
from saasbot.state.reader import Reader

PAGE = 50
_MOST_FRESH = 20
_MOST_SETTLED = 90


class ThreadLook:
    """Views are oldest first, and together without gap."""

    def __init__(self, conversation_id: UUID, reader: Reader, *, socket: str) -> None:
        self.conversation_id = conversation_id
        self.reader = reader
        self.socket = socket
        """The connection it was read on: another one has missed something."""
        self.next: ThreadPosition | None = None
        self.turn_id: UUID | None = None
        """The turn that the context panel explains."""
        self.older: list[MessageRow] = []
        self.settled: list[MessageRow] = []
        self.fresh: list[MessageRow] = []
        self.ticks: dict[str, str] = {}
        self._older: list[MessageView] = []
        self._settled: list[MessageView] = []
        self._fresh: list[MessageView] = []

    def fill(self, page: ThreadPage) -> None:
        """The newest page, read anew; what was scrolled to is left behind."""
        self._older, self._fresh = [], []
        self._settled = page.messages[::-1]
        self.next = page.next
        self._draw()

    def extend(self, page: ThreadPage) -> None:
        """The page above."""
        self._older = [*page.messages[::-1], *self._older]
        self.next = page.next
        self.older = rows_of(self._older, self.reader)
        if self._settled and self.settled:
            # the row below may have lost its day or its name to the one that now stands above it
            (top,) = rows_of(self._settled[:1], self.reader, self._older[-1] if self._older else None)
            if top != self.settled[0]:
                self.settled = [top, *self.settled[1:]]

    def take(self, read: ThreadRead) -> None:
        """What was read is what is shown."""
        self.change(read.page)
        if read.context is not None:
            self.turn_id = self.newest_turn

    def change(self, page: ThreadPage) -> None:
        """Take what is now true of the newest messages."""
        now = page.messages[::-1]
        known = {view.id: view for view in (*self._settled, *self._fresh)}
        if not any(view.id in known for view in now):
            # nothing, or more than a page, came since: what is between is not here
            if now:
                self.fill(page)
            return
        new = [view for view in now if view.id not in known]
        if any(_rearranges(view) for view in new):
            # messages came from, or went to, another conversation
            self.fill(page)
            return
        last = max(view.position for view in known.values())
        oldest = min(view.position for view in known.values())
        changed = {view.id: view for view in now if view.id in known and view != known[view.id]}
        moved = any(view.position != known[view.id].position for view in changed.values())
        if moved or any(oldest < view.position < last for view in new):
            self._merge(new, changed)
            return
        self._replace(changed)
        self._append([view for view in new if view.position > last])

    def _merge(self, new: list[MessageView], changed: dict[UUID, MessageView]) -> None:
        """Something came out of order: everything stands where it belongs, and is sent again."""
        views = [changed.get(view.id, view) for view in (*self._settled, *self._fresh)]
        self._settled = sorted([*views, *new], key=lambda view: view.position)
        self._fresh = []
        self._draw()

    def _replace(self, changed: dict[UUID, MessageView]) -> None:
        if not changed:
            return
        redraw = False
        for views in (self._settled, self._fresh):
            for index, view in enumerate(views):
                now = changed.get(view.id)
                if now is None:
                    continue
                views[index] = now
                moving = ("status", "error", "wa_timestamp", "on_whatsapp")
                only_ticks = replace(view, **{name: getattr(now, name) for name in moving}) == now
                if only_ticks and now.status not in _WITH_A_SENTENCE:
                    self.ticks = {**self.ticks, str(now.id): now.status}
                else:
                    redraw = True
        if redraw:
            self._draw()

    def _append(self, new: list[MessageView]) -> None:
        if not new:
            return
        above = (self._fresh or self._settled or self._older)[-1]
        self._fresh = [*self._fresh, *new]
        self.fresh = [*self.fresh, *rows_of(new, self.reader, above)]
        if len(self._fresh) > _MOST_FRESH:
            self._settled, self._fresh = [*self._settled, *self._fresh], []
            if len(self._settled) > _MOST_SETTLED:
                self._older, self._settled = [*self._older, *self._settled[:-PAGE]], self._settled[-PAGE:]
            self._draw()

    def _draw(self) -> None:
        """All rows anew; every tick is in its row."""
        self.ticks = {}
        self.older = rows_of(self._older, self.reader)
        self.settled = rows_of(self._settled, self.reader, self._older[-1] if self._older else None)
        above = self._settled or self._older
        self.fresh = rows_of(self._fresh, self.reader, above[-1] if above else None)

    def first_unread(self, unread: int) -> str:
        """The id of the message above which "new messages" stands; empty when all were read."""
        if unread <= 0:
            return ""
        found = ""
        for view in reversed(self._settled):
            if view.direction == "inbound":
                found, unread = str(view.id), unread - 1
                if unread == 0:
                    break
        return found

    @property
    def newest_turn(self) -> UUID | None:
        """The turn of the bot's newest message."""
        views = (*self._settled, *self._fresh)
        return next((view.turn_id for view in reversed(views) if view.turn_id is not None), None)

    @property
    def tokens(self) -> list[str]:
        """The client tokens of the messages at the end: what a browser shows as on its way is here now."""
        return [row.token for row in (*self.settled, *self.fresh)[-_MOST_FRESH:] if row.token]


def _rearranges(view: MessageView) -> bool:
    return view.type == "activity" and view.payload.get("kind") in (JOINED, PARTED)


_WITH_A_SENTENCE = ("failed", "unconfirmed")
