"""The companies of the person in the user menu, and the way from one to another."""

from dataclasses import dataclass

import reflex as rx

from saasbot.domain.accounts import switching
from saasbot.infra import session_cookie
from saasbot.state.arguments import Id
from saasbot.state.ids import parse_id
from saasbot.state.leaving import enter_session
from saasbot.state.patience import patient
from saasbot.state.session import current_actor


@dataclass(frozen=True)
class CompanyRow:
    id: str
    name: str
    role: str
    """The person's there."""
    here: bool
    """The one they are in."""


class CompaniesState(rx.State):
    rows: rx.Field[list[CompanyRow]] = rx.field(default_factory=list)
    """By name; none for who has one company only."""

    @rx.event
    @patient
    async def read(self):
        """The menu opens: it lists what is so now."""
        actor = await current_actor(self)
        found = await switching.companies_of(actor)
        rows = [
            CompanyRow(str(seat.company_id), seat.company_name, seat.role.value, seat.company_id == actor.company_id)
            for seat in found
        ]
        self.rows = rows if len(rows) > 1 else []

    @rx.event
    async def enter(self, company_id: Id):
        """The browser is on its way into that company. All its tabs follow: their session ends on the way."""
        actor, token = await current_actor(self), session_cookie.token_in(self.router.headers.cookie)
        return enter_session(self, await switching.ticket_to(actor, parse_id(company_id), leaves=token))
