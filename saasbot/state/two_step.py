"""The page between the password and the session: the second step, or its enrolment for those who must have one."""

from dataclasses import dataclass

import reflex as rx
import segno
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain import accounts
from saasbot.domain.accounts import Attempt, InvalidAttempt, MailCodeTooSoon, WrongCode
from saasbot.domain.admin.attempts import MAIL_PAUSE
from saasbot.domain.admin.credentials import PasswordReplaced
from saasbot.infra.errors import AppError
from saasbot.infra.i18n import error_text, gettext
from saasbot.state.arguments import EXACT, Text
from saasbot.state.leaving import load_page
from saasbot.state.locale import locale_of

PAUSE_SECONDS = int(MAIL_PAUSE.total_seconds())
"""Between two mails."""


class CodeForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    code: Text


@dataclass(frozen=True)
class AppSecret:
    """What an authenticator app is given: a picture, and the same to type."""

    qr: str = ""
    """A data address."""
    text: str = ""
    """In groups of four."""


class TwoStepState(rx.State):
    """What the page shows of the attempt. The attempt itself never reaches the browser."""

    waiting: rx.Field[bool] = rx.field(False)
    """There is an attempt; without one the page has nothing to do."""
    over: rx.Field[bool] = rx.field(False)
    """There was one, and it has ended."""
    enrols: rx.Field[bool] = rx.field(False)
    app: rx.Field[AppSecret] = rx.field(default_factory=AppSecret)
    recovery: rx.Field[bool] = rx.field(False)
    """The field takes a recovery code, not six digits."""
    recovery_codes: rx.Field[list[str]] = rx.field(default_factory=list)
    """Of an enrolment that is done: shown this once."""
    error: rx.Field[str] = rx.field("")
    notice: rx.Field[str] = rx.field("")
    busy: rx.Field[bool] = rx.field(False)
    mail_number: rx.Field[int] = rx.field(0)
    """Counts the mails, so that each begins the countdown anew."""
    mail_seconds: rx.Field[int] = rx.field(0)
    """Until another mail may be asked for."""

    _attempt: str = ""

    @rx.event
    async def begin(self):
        """The page opens: with an attempt it goes on, without one there is the sign-in."""
        if not self._attempt:
            self.over = False
            return rx.redirect(routes.LOGIN)
        if self.enrols and not self.recovery_codes:
            try:
                self.app = shown_secret(await accounts.enrol(self._attempt))
            except InvalidAttempt:
                self._over()
        return None

    @rx.event
    async def check(self, form: CodeForm):
        """The right code takes the browser to its session, or shows the recovery codes of a new app first."""
        locale = await locale_of(self)
        if not form["code"].strip():
            self.error = gettext(locale, "Fill in this field.")
            yield rx.set_focus("code")
            return
        self.error, self.notice, self.busy = "", "", True
        yield
        try:
            if self.enrols:
                self.recovery_codes = list(await accounts.confirm_enrolment(self._attempt, form["code"]))
                self.app, self.busy = AppSecret(), False
                return
            done = await accounts.finish(self._attempt, form["code"])
            ticket = await accounts.issue_ticket(done.person)
        except AppError as error:
            yield self._refused(error, locale)
            return
        self.reset()
        yield load_page(routes.auth_complete(ticket))

    @rx.event
    async def enter(self):
        """The recovery codes of the new app are taken: the browser goes to its session."""
        try:
            ticket = await accounts.issue_ticket(await accounts.finish_enrolment(self._attempt))
        except (InvalidAttempt, PasswordReplaced):
            self._over()
            return None
        self.reset()
        return load_page(routes.auth_complete(ticket))

    @rx.event
    async def mail_code(self):
        """A code is on its way to the account's mailbox."""
        locale = await locale_of(self)
        self.error = self.notice = ""
        try:
            await accounts.request_mail_code(self._attempt)
        except MailCodeTooSoon as error:
            self.mail_seconds, self.mail_number = error.details["retry_after"], self.mail_number + 1
            self.error = error_text(locale, error)
            return None
        except AppError as error:
            return self._refused(error, locale)
        self.recovery = False
        self.mail_seconds, self.mail_number = PAUSE_SECONDS, self.mail_number + 1
        self.notice = gettext(locale, "The code is on its way to your mailbox. It works for 10 minutes.")
        return rx.set_focus("code")

    @rx.event
    def mail_again(self):
        """The pause is over: another mail may be asked for."""
        self.mail_seconds = 0

    @rx.event
    def use_recovery_code(self, wanted: bool):
        """The field takes another kind of code."""
        self.recovery, self.error, self.notice = wanted, "", ""
        return [rx.set_value("code", ""), rx.set_focus("code")]

    @rx.event
    def leave_it(self):
        """Back to the sign-in; the attempt is forgotten here and ends by itself."""
        self.reset()
        return rx.redirect(routes.LOGIN)

    def _refused(self, error: AppError, locale: str) -> rx.event.EventSpec | None:
        if isinstance(error, InvalidAttempt | PasswordReplaced) or (
            isinstance(error, WrongCode) and not error.details["tries_left"]
        ):
            self._over()
            return None
        self.error, self.busy = error_text(locale, error), False
        return rx.set_focus("code") if isinstance(error, WrongCode) else None

    def _over(self) -> None:
        """The attempt has ended: the page says so, and leads to the sign-in."""
        self.reset()
        self.over = True


def await_step(state: TwoStepState, attempt: Attempt) -> None:
    """The password was right: the page may open. No handler: a browser cannot call it."""
    state.reset()
    state._attempt, state.enrols, state.waiting = attempt.token, attempt.enrols, True


def shown_secret(enrolment: accounts.Enrolment) -> AppSecret:
    picture = segno.make(enrolment.address, error="m").png_data_uri(scale=6, border=4)
    secret = enrolment.secret
    return AppSecret(picture, " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)))
