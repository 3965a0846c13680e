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


class PasswordForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    own_password: Text


class ProofForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    own_password: Text
    own_code: Text


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
    """What the password, and but for `on` a code, is asked for: `on`, `app`, `off`, `codes`, or nothing."""
    code_error: rx.Field[str] = rx.field("")
    own_code_error: rx.Field[str] = rx.field("")
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
    async def begin(self, form: PasswordForm):
        """With the right password the page shows what an authenticator app must know."""
        try:
            begun = await two_step.begin(await current_actor(self), password=form["own_password"])
        except InvalidInput as error:
            return self._refused(error, await locale_of(self))
        self._asks_no_more()
        self.app = shown_secret(begun)
        return rx.set_focus("code")

    @rx.event
    async def confirm(self, form: CodeForm):
        """The app counts from now on; its recovery codes are shown. Where it replaces another, this is the only session left."""
        session = await self._session()
        try:
            codes = await two_step.confirm(session.actor, form["code"], current=session.session_id)
        except InvalidInput as error:
            self.code_error = error_text(await locale_of(self), error)
            return rx.set_focus("code")
        self.app, self.recovery_codes = AppSecret(), list(codes)
        await self._read()
        return None

    @rx.event
    def ask(self, what: Literal["", "on", "app", "off", "codes"]):
        """The proofs are asked for, or no longer; a set-up that was begun is left."""
        self._asks_no_more()
        self.asking, self.app = what, AppSecret()
        return rx.set_focus("own_password") if what else None

    @rx.event
    async def prove(self, form: ProofForm):
        """With the right password and code the second step is off, there are new recovery codes, or another app may be set up."""
        actor, locale, what = await current_actor(self), await locale_of(self), self.asking
        proofs = {"password": form["own_password"], "code": form["own_code"], "network": self._network()}
        try:
            if what == "off":
                await two_step.turn_off(actor, **proofs)
            elif what == "app":
                self.app = shown_secret(await two_step.begin_replacement(actor, **proofs))
            else:
                self.recovery_codes = list(await two_step.renew_recovery_codes(actor, **proofs))
        except InvalidInput as error:
            return self._refused(error, locale)
        self._asks_no_more()
        await self._read()
        if what == "app":
            return rx.set_focus("code")
        return toasts.success(gettext(locale, "Two-step sign-in is off")) if what == "off" else None

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

    def _network(self) -> str:
        return network_of(self.router.session.client_ip)

    def _refused(self, error: InvalidInput, locale: str) -> rx.event.EventSpec:
        """What is wrong stands beside its field, which has the focus."""
        text, is_password = error_text(locale, error), error.field == "password"
        self.password_error, self.own_code_error = (text, "") if is_password else ("", text)
        return rx.set_focus("own_password" if is_password else "own_code")

    def _asks_no_more(self) -> None:
        self.asking = self.password_error = self.own_code_error = self.code_error = ""

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
