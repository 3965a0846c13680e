"""The person's own sign-in: the second step, recovery codes, and where they are signed in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import reflex as rx
from typing_extensions import TypedDict

from saasbot.domain.accounts import SignedIn, network_of, open_sessions, two_step
from saasbot.domain.accounts.open_sessions import OpenSession
from saasbot.infra.errors import InvalidInput
from saasbot.infra.i18n import error_text, format_ago, gettext
from saasbot.state import toasts
from saasbot.state.arguments import EXACT, Id, Text
from saasbot.state.ids import parse_id
from saasbot.state.locale import locale_of
from saasbot.state.patience import patient
from saasbot.state.session import NotSignedIn, current_actor, session_of
from saasbot.state.two_step import AppSecret, CodeForm, shown_secret


class ProofForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    own_password: Text


@dataclass(frozen=True)
class SessionRow:
    id: str
    device: str
    where: str
    """The network, and when it was last seen."""
    is_program: bool
    current: bool


class SecurityState(rx.State):
    loaded: rx.Field[bool] = rx.field(False)
    enrolled: rx.Field[bool] = rx.field(False)
    mandatory: rx.Field[bool] = rx.field(False)
    codes_left: rx.Field[int] = rx.field(0)
    app: rx.Field[AppSecret] = rx.field(default_factory=AppSecret)
    """Of the app that is being set up."""
    recovery_codes: rx.Field[list[str]] = rx.field(default_factory=list)
    """New ones, shown this once."""
    asking: rx.Field[str] = rx.field("")
    """What the password is asked for: `off`, `codes`, or nothing."""
    code_error: rx.Field[str] = rx.field("")
    password_error: rx.Field[str] = rx.field("")
    sessions: rx.Field[list[SessionRow]] = rx.field(default_factory=list)

    @rx.event
    @patient
    async def load(self):
        """Nothing of an earlier visit is left: neither a secret nor recovery codes."""
        self.reset()
        await self._read()
        self.loaded = True

    @rx.event
    async def begin(self):
        """The page shows what an authenticator app must know."""
        self.app = shown_secret(await two_step.begin(await current_actor(self)))
        self.code_error = ""
        return rx.set_focus("code")

    @rx.event
    async def confirm(self, form: CodeForm):
        """The app counts from now on; its recovery codes are shown."""
        try:
            codes = await two_step.confirm(await current_actor(self), form["code"])
        except InvalidInput as error:
            self.code_error = error_text(await locale_of(self), error)
            return rx.set_focus("code")
        self.app, self.recovery_codes = AppSecret(), list(codes)
        await self._read()
        return None

    @rx.event
    def ask(self, what: Literal["", "off", "codes"]):
        """The password is asked for, or no longer; a set-up that was begun is left."""
        self.asking, self.password_error, self.app = what, "", AppSecret()
        return rx.set_focus("own_password") if what else None

    @rx.event
    async def prove(self, form: ProofForm):
        """With the right password the second step is off, or there are new recovery codes."""
        actor, locale = await current_actor(self), await locale_of(self)
        network = network_of(self.router.session.client_ip)
        try:
            if self.asking == "off":
                await two_step.turn_off(actor, password=form["own_password"], network=network)
            else:
                codes = await two_step.renew_recovery_codes(actor, password=form["own_password"], network=network)
                self.recovery_codes = list(codes)
        except InvalidInput as error:
            self.password_error = error_text(locale, error)
            return rx.set_focus("own_password")
        was_off = self.asking == "off"
        self.asking = self.password_error = ""
        await self._read()
        return toasts.success(gettext(locale, "Two-step sign-in is off")) if was_off else None

    @rx.event
    def hide_codes(self):
        """They were taken."""
        self.recovery_codes = []

    @rx.event
    async def end_session(self, session_id: Id):
        """It is over, on every tab of it."""
        await open_sessions.end_session(await current_actor(self), parse_id(session_id))
        await self._read()
        return toasts.success(gettext(await locale_of(self), "That session is over"))

    @rx.event
    async def end_others(self):
        """Only this one is left."""
        session = await self._session()
        await open_sessions.end_other_sessions(session.actor, current=session.session_id)
        await self._read()
        return toasts.success(gettext(await locale_of(self), "All other sessions are over"))

    async def _read(self) -> None:
        session, locale = await self._session(), await locale_of(self)
        standing = await two_step.two_step_of(session.actor)
        found = await open_sessions.sessions_of(session.actor, current=session.session_id)
        self.enrolled, self.mandatory, self.codes_left = standing.enrolled, standing.mandatory, standing.codes_left
        self.sessions = [_row(each, locale) for each in found[:_MOST_SHOWN]]

    async def _session(self) -> SignedIn:
        session = await session_of(self)
        if session is None:
            raise NotSignedIn
        return session


_MOST_SHOWN = 50


def _row(session: OpenSession, locale: str) -> SessionRow:
    device, is_program = session.device, session.kind == "api"
    if device.program and device.system:
        name = gettext(locale, "{program} on {system}", program=device.program, system=device.system)
    else:
        name = str(device) or gettext(locale, "Unknown device")
    seen = (
        gettext(locale, "now") if session.current else format_ago(session.last_seen_at, locale, now=datetime.now(UTC))
    )
    return SessionRow(
        id=str(session.id),
        device=gettext(locale, "{name} (program)", name=name) if is_program else name,
        where=" · ".join(part for part in (session.network, seen) if part),
        is_program=is_program,
        current=session.current,
    )
