"""The activity page: who did what, newest first, by person and by kind."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import reflex as rx

from saasbot.domain.actor import Actor
from saasbot.domain.audit import AuditFilter, list_audit
from saasbot.domain.audit.listing import list_people
from saasbot.infra.db import unit_of_work
from saasbot.infra.i18n import format_full, translate
from saasbot.models import AuditEvent, Outcome, Via
from saasbot.state.activity_texts import KIND_NAMES, day_and_hour, origin_of, sentence_of, who_of
from saasbot.state.arguments import Id, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import current_actor

PAGE = 50
EVERYBODY = "everybody"
EVERYTHING = "everything"


@dataclass(frozen=True)
class ActivityRow:
    id: str
    who: str
    what: str
    origin: str
    when: str
    moment: str
    """The full time, shown on hover."""
    refused: bool


@dataclass(frozen=True)
class Choice:
    value: str
    name: str


class ActivityState(rx.State):
    rows: rx.Field[list[ActivityRow]] = rx.field(default_factory=list)
    loaded: rx.Field[bool] = rx.field(False)
    people: rx.Field[list[Choice]] = rx.field(default_factory=list)
    kinds: rx.Field[list[Choice]] = rx.field(default_factory=list)
    person: rx.Field[str] = rx.field(EVERYBODY)
    kind: rx.Field[str] = rx.field(EVERYTHING)
    page_number: rx.Field[int] = rx.field(1)
    has_next: rx.Field[bool] = rx.field(False)

    _starts: list[int | None] = [None]
    """Before which line each page up to this one begins."""
    _next: int | None = None

    @rx.event
    @patient
    async def load(self):
        """The page opens: everything, newest first."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.person, self.kind, self._starts = EVERYBODY, EVERYTHING, [None]
        async with unit_of_work(actor):
            people = await list_people(actor)
        self.people = [Choice(str(id), name) for id, name in people]
        self.kinds = sorted(
            (Choice(kind, translate(locale, name)) for kind, name in KIND_NAMES.items()), key=lambda choice: choice.name
        )
        await self._look(actor, locale)

    @rx.event
    async def choose_person(self, value: Id):
        """Only what this person did."""
        self.person, self._starts = value[:36], [None]
        await self._look(await current_actor(self), await locale_of(self))

    @rx.event
    async def choose_kind(self, value: Word):
        """Only what is of this kind."""
        self.kind, self._starts = value[:36], [None]
        await self._look(await current_actor(self), await locale_of(self))

    @rx.event
    async def turn_page(self, forward: bool):
        if forward and self._next is not None:
            self._starts = [*self._starts, self._next]
        elif not forward and len(self._starts) > 1:
            self._starts = self._starts[:-1]
        await self._look(await current_actor(self), await locale_of(self))

    async def _look(self, actor: Actor, locale: str) -> None:
        async with unit_of_work(actor):
            which = AuditFilter(
                user_id=None if self.person == EVERYBODY else parse_id(self.person),
                kind=None if self.kind == EVERYTHING else self.kind,
            )
            found = await list_audit(actor, which, limit=PAGE + 1, before=self._starts[-1])
        shown = found[:PAGE]
        self._next = shown[-1].id if len(found) > PAGE else None
        self.has_next, self.page_number = self._next is not None, len(self._starts)
        self.rows = [_row(event, actor, locale) for event in shown]
        self.loaded = True


def _row(event: AuditEvent, actor: Actor, locale: str) -> ActivityRow:
    zone = ZoneInfo(actor.timezone)
    return ActivityRow(
        id=str(event.id),
        who=who_of(locale, event.user_name, Via(event.via), event.action),
        what=sentence_of(locale, event.action, event.details),
        origin=origin_of(locale, Via(event.via), event.network, event.user_name),
        when=day_and_hour(event.at, zone, locale),
        moment=format_full(event.at, zone, locale),
        refused=event.outcome == Outcome.REFUSED,
    )
