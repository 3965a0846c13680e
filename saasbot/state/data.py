"""The data page: copies of what there is, and the end of the company."""

import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain.accounts.own_password import WrongPassword
from saasbot.domain.actor import Actor
from saasbot.domain.privacy import company, export
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text, gettext
from saasbot.models import CompanyErasure, DataExport
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.activity_texts import day_and_hour
from saasbot.state.arguments import EXACT, Id, Line, Text
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor

TOPICS = ("export", "company")


class EraseCompanyForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    erase_name: Line
    erase_password: Text


@dataclass(frozen=True)
class ExportRow:
    id: str
    what: str
    when: str
    facts: str
    """How far it has come, how large it is, or why there is none."""
    percent: int
    ready: bool
    running: bool


class DataState(rx.State):
    exports: rx.Field[list[ExportRow]] = rx.field(default_factory=list)
    loaded: rx.Field[bool] = rx.field(False)
    running: rx.Field[bool] = rx.field(False)
    due: rx.Field[str] = rx.field("")
    """When the company goes; empty while nobody wants that."""
    begun: rx.Field[bool] = rx.field(False)
    """It goes now, and can no longer be kept."""
    name_error: rx.Field[str] = rx.field("")
    password_error: rx.Field[str] = rx.field("")

    @rx.event
    async def load(self):
        """The page opens, and from now on shows how far a copy has come."""
        self.name_error = self.password_error = ""
        actor = await live.watch(self, "data", topics=TOPICS, load=_read, show=_show, page=routes.DATA)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))

    @rx.event
    async def export_company(self):
        """A job makes a copy of everything."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await export.ask_export(actor)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))

    @rx.event
    async def export_contact(self, conversation_id: Id):
        """A job makes a copy of what there is of this person; the page that shows it opens."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await export.ask_export(actor, conversation_id=parse_id(conversation_id))
        return rx.redirect(routes.DATA)

    @rx.event
    async def download(self, export_id: Id):
        """The browser fetches the ZIP, with an address that opens for some minutes."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            url = await export.link_to_export(actor, parse_id(export_id))
        return rx.call_script(f"window.location.assign({json.dumps(url)})")

    @rx.event
    async def erase_company(self, form: EraseCompanyForm):
        """In seven days everything goes, or the form says why not."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.name_error = self.password_error = ""
        try:
            await company.ask_company_erasure(actor, name=form["erase_name"], password=form["erase_password"])
        except InvalidInput as error:
            self.name_error = error_text(locale, error)
            return rx.set_focus("erase_name")
        except WrongPassword as error:
            self.password_error = error_text(locale, error)
            return rx.set_focus("erase_password")
        await _show(self, await _read(actor, Changes(everything=True), Reading()))
        return None

    @rx.event
    async def keep_company(self):
        """The company stays."""
        actor, locale = await current_actor(self), await locale_of(self)
        async with unit_of_work(actor):
            await company.cancel_company_erasure(actor)
        await _show(self, await _read(actor, Changes(everything=True), Reading()))
        return toasts.success(gettext(locale, "Your company stays."))


@dataclass(frozen=True)
class _Read:
    actor: Actor
    exports: list[DataExport]
    erasure: CompanyErasure | None


async def _read(actor: Actor, _changes: Changes, _reading: Reading) -> _Read:
    if (
        "company.data" not in actor.permissions
    ):  # an administrator has other things on this page; an owner may be one no longer
        return _Read(actor, [], None)
    async with unit_of_work(actor):
        return _Read(actor, await export.list_exports(actor), await company.read_company_erasure(actor))


async def _show(state: DataState, read: _Read) -> None:
    locale, zone = await locale_of(state), ZoneInfo(read.actor.timezone)
    rows = [_row(row, zone, locale) for row in read.exports]
    assign(
        state,
        loaded=True,
        exports=rows,
        running=any(row.running for row in rows),
        due=day_and_hour(read.erasure.due_at, zone, locale) if read.erasure else "",
        begun=read.erasure is not None and company.has_begun(read.erasure),
    )


def _row(row: DataExport, zone: ZoneInfo, locale: str) -> ExportRow:
    running = row.finished_at is None and row.failed_at is None
    percent = round(100 * row.done / row.total) if row.total else 0
    if running:
        facts = gettext(locale, "{percent} % done", percent=percent)
    elif row.failed_at is not None:
        facts = gettext(locale, "It could not be made. Ask for another one.")
    elif row.storage_key is None:
        facts = gettext(locale, "Removed after a day")
    else:
        facts = gettext(locale, "{megabytes} MB", megabytes=max(1, round(row.size / 1_000_000)))
    return ExportRow(
        id=str(row.id),
        what=gettext(locale, "One contact") if row.contact_id else gettext(locale, "The whole company"),
        when=day_and_hour(row.created_at, zone, locale),
        facts=facts,
        percent=percent,
        ready=row.storage_key is not None,
        running=running,
    )
