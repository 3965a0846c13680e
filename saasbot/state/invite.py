"""The page that a mailed invitation opens."""

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt, TooOften
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.i18n import error_text
from saasbot.state import auth_calls
from saasbot.state.arguments import EXACT, Text
from saasbot.state.leaving import load_page
from saasbot.state.locale import locale_of
from saasbot.state.session import current_actor, session_of
from saasbot.state.two_step import TwoStepState, await_step

FIELDS = ("name", "password", "accept_terms")


class AcceptForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    name: Text
    password: Text
    accept_terms: bool


class InviteState(rx.State):
    """Who is invited where, and what they have to do: `step` is "newcomer", "join", "sign_in" or "invalid"; empty until it is known."""

    step: rx.Field[str] = rx.field("")
    email: rx.Field[str] = rx.field("")
    company: rx.Field[str] = rx.field("")
    invited_by: rx.Field[str] = rx.field("")
    errors: rx.Field[dict[str, str]] = rx.field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    failure: rx.Field[str] = rx.field("")
    busy: rx.Field[bool] = rx.field(False)

    @rx.event
    async def begin(self):
        """The page opens: the link says who is meant."""
        self.reset()
        try:
            invited = await accounts.invitation_of(self._token(), network=self._network())
        except AppError as error:
            self.step, self.failure = "invalid", error_text(await locale_of(self), error)
            return
        session = await session_of(self)
        self.email, self.company, self.invited_by = invited.email, invited.company_name, invited.invited_by
        if invited.account != "held":
            self.step = "newcomer"
        else:
            self.step = "join" if session is not None and session.user_id == invited.user_id else "sign_in"

    @rx.event
    async def accept(self, form: AcceptForm):
        """The account is there and on the team, and the browser on its way to the session cookie."""
        locale = await locale_of(self)
        self.errors, self.failure, self.busy = dict.fromkeys(FIELDS, ""), "", True
        yield
        try:
            person = await accounts.accept_as_newcomer(
                token=self._token(),
                name=form["name"],
                password=form["password"],
                accept_terms=form["accept_terms"],
                locale=locale,
                network=self._network(),
            )
            step = await auth_calls.sign_in(
                email=person.email,
                password=form["password"],
                network=self.router.session.client_ip,
                cookies=self.router.headers.cookie,
            )
        except InvalidInput as error:
            self.errors, self.busy = {**self.errors, error.field: error_text(locale, error)}, False
            yield rx.set_focus(error.field)
            return
        except AppError as error:
            self.failure, self.busy = error_text(locale, error), False
            return
        if isinstance(step, Attempt):  # an administrator sets the second step up first
            await_step(await self.get_state(TwoStepState), step)
            yield rx.redirect(routes.TWO_STEP)
        else:
            yield load_page(routes.auth_complete(step))

    @rx.event
    async def join(self):
        """The account of this session is on the team too, and the browser on its way into that company."""
        actor = await current_actor(self)
        assert actor.user_id is not None
        self.failure = ""
        try:
            person = await accounts.accept_as(actor.user_id, token=self._token(), network=self._network())
        except TooOften as error:
            self.failure = error_text(await locale_of(self), error)
            return None
        except AppError as error:
            self.step, self.failure = "invalid", error_text(await locale_of(self), error)
            return None
        step = await accounts.begin(person, self._network())
        if isinstance(step, Attempt):
            await_step(await self.get_state(TwoStepState), step)
            return rx.redirect(routes.TWO_STEP)
        return load_page(routes.auth_complete(await accounts.issue_ticket(person)))

    def _token(self) -> str:
        return self.router.url.query_parameters.get("token", "")

    def _network(self) -> str:
        return accounts.network_of(self.router.session.client_ip)
