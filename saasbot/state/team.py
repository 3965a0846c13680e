"""The team in the settings: its people, and who was asked to join."""

from dataclasses import dataclass
from datetime import UTC, datetime

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain import accounts
from saasbot.domain.accounts import invitations, members
from saasbot.domain.accounts.invitations import Waiting
from saasbot.domain.accounts.members import Member
from saasbot.domain.accounts.ranks import roles_below
from saasbot.domain.actor import Actor
from saasbot.infra.db import unit_of_work
from saasbot.infra.errors import AppError
from saasbot.infra.i18n import error_text, gettext
from saasbot.realtime.hub import assign
from saasbot.realtime.watches import Changes, Reading
from saasbot.state import live, toasts
from saasbot.state.arguments import EXACT, Id, Line, Word
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.reader import Reader
from saasbot.state.session import current_actor
from saasbot.state.team_rows import InvitationRow, MemberRow, invitation_row, member_row

_MOST = 200
"""Of each list: a small business has far fewer."""


class InviteForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    invite_email: Line
    invite_role: Word


class TeamState(rx.State):
    members: rx.Field[list[MemberRow]] = rx.field(default_factory=list)
    invitations: rx.Field[list[InvitationRow]] = rx.field(default_factory=list)
    loaded: rx.Field[bool] = rx.field(False)
    gives_roles: rx.Field[bool] = rx.field(False)
    """Whether this person may give more than one role."""
    may_invite: rx.Field[bool] = rx.field(True)
    """Not while their own address is not confirmed."""
    invite_error: rx.Field[str] = rx.field("")
    inviting: rx.Field[bool] = rx.field(False)
    removing_id: rx.Field[str] = rx.field("")
    removing_name: rx.Field[str] = rx.field("")

    @rx.event
    @patient
    async def load(self):
        """Nothing for whoever may not look after the team: the rest of the page is for everybody."""
        actor = await current_actor(self)
        if "team.write" not in actor.permissions:
            return
        await live.watch(self, "team", topics=("team",), load=_read, show=_show, page=routes.SETTINGS)
        self.invite_error, self.removing_id = "", ""
        await self._reload(actor)

    @rx.event
    async def invite(self, form: InviteForm):
        """The invitation waits and its mail is on its way, or the form says why not."""
        actor, locale = await current_actor(self), await locale_of(self)
        self.inviting, self.invite_error = True, ""
        yield
        try:
            waiting = await self._invite(actor, form["invite_email"], form["invite_role"])
        except AppError as error:
            self.inviting, self.invite_error = False, error_text(locale, error)
            yield rx.set_focus("invite_email")
            return
        self.inviting = False
        await self._reload(actor)
        yield rx.set_value("invite_email", "")
        yield toasts.success(gettext(locale, "Invitation sent to {email}", email=waiting.email))

    @rx.event
    async def send_again(self, email: Line, role: Word):
        """The same invitation with a new link, for seven more days."""
        actor = await current_actor(self)
        waiting = await self._invite(actor, email, role)
        await self._reload(actor)
        return toasts.success(gettext(await locale_of(self), "Invitation sent to {email}", email=waiting.email))

    @rx.event
    async def withdraw(self, invitation_id: Id):
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await invitations.withdraw_invitation(actor, parse_id(invitation_id))
        await self._reload(actor)

    @rx.event
    async def change_role(self, member_id: Id, role: Word):
        actor = await current_actor(self)
        try:
            async with unit_of_work(actor):
                await members.change_role(actor, parse_id(member_id), role)
        finally:  # refused: the list shows what is
            await self._reload(await current_actor(self))
        return toasts.success(gettext(await locale_of(self), "Saved"))

    @rx.event
    async def switch(self, member_id: Id, enabled: bool):
        """Disabled, the person is out at once, and back when enabled."""
        actor = await current_actor(self)
        async with unit_of_work(actor):
            await (members.enable_member if enabled else members.disable_member)(actor, parse_id(member_id))
        await self._reload(actor)

    @rx.event
    def ask_remove(self, member_id: Id):
        """The question opens; for a row that is shown only."""
        row = next((row for row in self.members if row.id == member_id), None)
        if row is not None:
            self.removing_id, self.removing_name = row.id, row.name

    @rx.event
    def keep(self):
        self.removing_id = ""

    @rx.event
    async def remove(self):
        """Whom the question was about is no longer on the team."""
        actor, removing = await current_actor(self), self.removing_id
        self.removing_id = ""
        async with unit_of_work(actor):
            await members.remove_member(actor, parse_id(removing))
        await self._reload(actor)

    async def _invite(self, actor: Actor, email: str, role: str) -> Waiting:
        """Raises: AppError."""
        network = accounts.network_of(self.router.session.client_ip)
        return await accounts.invite(actor, email=email, role=role, network=network)

    async def _reload(self, actor: Actor) -> None:
        if "team.write" in actor.permissions:  # whoever gives their own role away sees the list no more
            await _show(self, await _read(actor, Changes(everything=True), Reading()))


@dataclass(frozen=True)
class _Read:
    actor: Actor
    members: list[Member]
    invitations: list[Waiting]


async def _read(actor: Actor, _changes: Changes, reading: Reading) -> _Read:
    async def read() -> tuple[list[Member], list[Waiting]]:
        async with unit_of_work(actor):
            return (
                await members.list_members(actor, limit=_MOST),
                await invitations.list_invitations(actor, limit=_MOST),
            )

    if "team.write" not in actor.permissions:
        return _Read(actor, [], [])
    return _Read(actor, *await reading.once(("team", actor.company_id), read))


async def _show(state: TeamState, read: _Read) -> None:
    locale, actor = await locale_of(state), read.actor
    below, reader, now = roles_below(actor), Reader.of(actor, locale), datetime.now(UTC)
    assign(
        state,
        members=[member_row(member, actor, below) for member in read.members],
        invitations=[invitation_row(waiting, below, reader, now) for waiting in read.invitations],
        loaded=True,
        gives_roles=len(below) > 1,
        may_invite=actor.email_confirmed,
    )
