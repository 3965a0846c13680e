"""The rows of the list, ready to be shown, and which of them a tab has on its screen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from saasbot.domain.actor import Actor
from saasbot.domain.inbox.preview import TAKEN_CALL
from saasbot.domain.inbox.reads import PAGE, ListFilter, belongs
from saasbot.domain.inbox.views import ConversationPage, ConversationView, ListPosition
from saasbot.infra.i18n import N_, gettext, translate
from saasbot.state.inbox_reading import ListRead
from saasbot.state.reader import Reader, phone_text

KINDS = {
    "image": N_("Photo"),
    "video": N_("Video"),
    "sticker": N_("Sticker"),
    "audio": N_("Audio"),
    "document": N_("Document"),
    "location": N_("Location"),
    "contact": N_("Contact"),
    "unsupported": N_("Message of another kind"),
    "activity": N_("Missed call"),  # the only line that the list shows
}
"""What the preview says of a message without words."""
_VOICE = N_("Voice note")

_SHOWN_OF_GROUP = 4
"""Digits of a group that WhatsApp has told no name of."""

MOST = 500
"""Rows that a tab can scroll down to; a search finds the rest."""


@dataclass(frozen=True)
class ConversationRow:
    id: str
    person: str
    """Whose tint the avatar has."""
    name: str
    preview: str
    when: str
    full: str
    unread: int
    bot: bool
    taken_by: str
    channel: str
    failed: bool
    group: bool


def row_of(view: ConversationView, reader: Reader, match: str = "") -> ConversationRow:
    return ConversationRow(
        id=str(view.id),
        person=str(view.contact_id),
        name=name_of(view, reader),
        preview=match or preview(view, reader),
        when=reader.when(view.last_activity_at),
        full=reader.full(view.last_activity_at),
        unread=view.unread,
        bot=view.handler == "bot",
        taken_by=view.assignee_name or "",
        channel=view.channel_name,
        failed=view.last_status in ("failed", "unconfirmed"),
        group=view.group is not None,
    )


def name_of(view: ConversationView, reader: Reader) -> str:
    if view.group is not None:
        return view.contact_name or gettext(reader.locale, "Group …{end}", end=view.group[-_SHOWN_OF_GROUP:])
    return view.contact_name or phone_text(view.phone) or gettext(reader.locale, "Unknown")


def author_text(author_name: str, reader: Reader) -> str:
    """Who of a group wrote: their name, else their phone."""
    name = phone_text(author_name[1:]) if author_name[1:].isdecimal() and author_name[0] == "+" else author_name
    return name or gettext(reader.locale, "Unknown")


def preview(view: ConversationView, reader: Reader) -> str:
    text = view.last_preview
    if view.last_revoked:
        text = f"{text} {gettext(reader.locale, 'Deleted message')}"
    elif view.last_type == "activity" and text == TAKEN_CALL:
        text = f"{text} {gettext(reader.locale, 'Call on the phone')}"
    elif view.last_type in KINDS and len(text) <= 2:  # a mark alone
        text = f"{text} {translate(reader.locale, _VOICE if view.last_voice else KINDS[view.last_type])}".strip()
    who = _who(view, reader)
    return f"{who}: {text}" if who else text


def _who(view: ConversationView, reader: Reader) -> str:
    match view.last_author:
        case "bot":
            return gettext(reader.locale, "Bot")
        case "phone":
            return gettext(reader.locale, "From the phone")
        case "agent" if view.last_author_id == reader.user_id:
            return gettext(reader.locale, "You")
        case "agent":
            return view.last_author_name or ""
        case "customer" if view.group is not None:
            return author_text(view.last_author_name or "", reader)
        case _:
            return ""


class ListLook:
    """What one tab's list shows: a filter, perhaps a search, and the rows from the newest down to where it has scrolled.

    The first page is live and goes to the browser whole when one of its rows changes; what was scrolled to beyond it is a list
    of its own. Lives on the server beside the tab's state.
    """

    def __init__(self, actor: Actor, reader: Reader, *, filter: ListFilter, query: str, socket: str) -> None:
        self.actor = actor
        self.reader = reader
        self.filter = filter
        self.query = query
        self.socket = socket
        """The connection it was read on: another one has missed something."""
        self._views: list[ConversationView] = []
        self._rows: dict[UUID, ConversationRow] = {}
        self.next: ListPosition | None = None

    def refill(self, page: ConversationPage) -> None:
        """The first page, read anew. What was scrolled to beyond it stays, as far as it is still below."""
        below = self._views[PAGE:] if page.next is not None else []
        end = page.next
        rows, following = self._rows, self.next
        self._views, self._rows = [], {}
        self.extend(page)
        known = {view.id for view in self._views}
        for view in below:
            if end is not None and view.id not in known and view.position < end:
                self._views.append(view)
                self._rows[view.id] = rows[view.id]
                self.next = following

    def extend(self, page: ConversationPage) -> None:
        """The page after."""
        known = {view.id for view in self._views}
        for view in page.conversations:
            if view.id not in known:
                self._views.append(view)
                self._rows[view.id] = row_of(view, self.reader, page.matches.get(view.id, ""))
        self.next = page.next if len(self._views) < MOST else None

    def take(self, read: ListRead) -> None:
        """What was read is what is shown."""
        if read.page is not None:
            self.refill(read.page)
        elif read.changed:
            self.change(read.changed, read.views)

    def change(self, changed: Iterable[UUID], views: dict[UUID, ConversationView]) -> None:
        """Take what is now true of these conversations: moved, changed, gone from this list, or come into it."""
        ids = set(changed)
        shown = {view.id for view in self._views}
        kept = [view for view in self._views if view.id not in ids]
        last = self._views[-1].position if self._views else None
        for id in ids & views.keys():
            view = views[id]
            stays = id in shown if self.query else self._reaches(view, last)
            if belongs(self.actor, view, self.filter) and stays:
                kept.append(view)
                match = self._rows[id].preview if self.query and id in self._rows else ""
                self._rows[id] = row_of(view, self.reader, match)
        kept.sort(key=lambda view: view.position, reverse=True)
        scrolled = len(self._views) > PAGE
        self._views = kept if scrolled else kept[:PAGE]
        if len(kept) > PAGE and not scrolled:
            self.next = self._views[-1].position
        self._rows = {view.id: self._rows[view.id] for view in self._views}

    def _reaches(self, view: ConversationView, last: ListPosition | None) -> bool:
        """Whether it stands among the rows that were read, not below them."""
        return last is None or self.next is None or view.position >= last

    def typing(self, is_typing: Callable[[UUID, UUID, str], bool]) -> list[str]:
        """The conversations among these rows in which the customer is typing."""
        company = self.actor.company_id
        return [str(view.id) for view in self._views if is_typing(company, view.channel_id, view.chat_jid)]

    @property
    def rows(self) -> list[ConversationRow]:
        return [self._rows[view.id] for view in self._views[:PAGE]]

    @property
    def more(self) -> list[ConversationRow]:
        return [self._rows[view.id] for view in self._views[PAGE:]]
