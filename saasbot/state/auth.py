"""The forms before sign-in, and the way out."""

import re
from collections.abc import Mapping

import reflex as rx
from typing_extensions import TypedDict

from saasbot import routes
from saasbot.domain.accounts import Attempt
from saasbot.infra.errors import AppError, InvalidInput
from saasbot.infra.i18n import error_text, gettext
from saasbot.state import auth_calls
from saasbot.state.arguments import EXACT, Text
from saasbot.state.leaving import load_page
from saasbot.state.locale import locale_of
from saasbot.state.session import session_of
from saasbot.state.two_step import TwoStepState, await_step

FIELDS = ("company_name", "name", "email", "password", "accept_terms")
# Something, an at sign, a domain with a dot: the mail itself is the real test.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class RegisterForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    company_name: Text
    name: Text
    email: Text
    password: Text
    accept_terms: bool


class SignInForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    email: Text
    password: Text


class EmailForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    email: Text


class PasswordForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    password: Text


class AuthState(rx.State):
    """One form at a time: what is wrong with it, and whether it is on its way."""

    errors: rx.Field[dict[str, str]] = rx.field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    failure: rx.Field[str] = rx.field("")
    busy: rx.Field[bool] = rx.field(False)
    mailed: rx.Field[bool] = rx.field(False)
    changed: rx.Field[bool] = rx.field(False)
    """One for each page: a tab that comes from the other must not show its end before this one has begun."""

    @rx.event
    def begin(self):
        """A page opens: nothing of another form is left."""
        self._clear()
        self.mailed = self.changed = False

    @rx.event
    async def leave_when_signed_in(self):
        """Who has a session has nothing to do on the pages that open one."""
        return rx.redirect(routes.DASHBOARD) if await session_of(self) is not None else None

    @rx.event
    async def register(self, form: RegisterForm):
        """Company and owner exist afterwards, and the browser is on its way to the session cookie."""
        locale = await locale_of(self)
        wrong = _missing(form, locale, "company_name", "name", "email", "password")
        if not form["accept_terms"]:
            wrong["accept_terms"] = gettext(locale, "Accept the terms to go on.")
        if wrong:
            yield self._show(wrong)
            return
        self._send()
        yield
        try:
            ticket = await auth_calls.register(
                company_name=form["company_name"].strip(),
                name=form["name"].strip(),
                email=form["email"].strip(),
                password=form["password"],
                accept_terms=True,
                locale=locale,
                network=self.router.session.client_ip,
            )
        except AppError as error:
            yield self._fail(error, locale)
            return
        yield load_page(routes.auth_complete(ticket))

    @rx.event
    async def sign_in(self, form: SignInForm):
        """The browser is on its way to the session cookie, or the form says why not."""
        locale = await locale_of(self)
        if wrong := _missing(form, locale, "email", "password"):
            yield self._show(wrong)
            return
        self._send()
        yield
        try:
            step = await auth_calls.sign_in(
                email=form["email"].strip(),
                password=form["password"],
                network=self.router.session.client_ip,
                cookies=self.router.headers.cookie,
            )
        except AppError as error:
            yield self._fail(error, locale)
            return
        if isinstance(step, Attempt):
            await_step(await self.get_state(TwoStepState), step)
            yield rx.redirect(routes.TWO_STEP)
        else:
            yield load_page(routes.auth_complete(step))

    @rx.event
    async def forgot_password(self, form: EmailForm):
        """Says the same whether the account exists or not."""
        locale = await locale_of(self)
        if wrong := _missing(form, locale, "email"):
            yield self._show(wrong)
            return
        self._send()
        yield
        try:
            await auth_calls.forgot_password(email=form["email"].strip(), network=self.router.session.client_ip)
        except AppError as error:
            yield self._fail(error, locale)
            return
        self._clear()
        self.mailed = True

    @rx.event
    async def reset_password(self, form: PasswordForm):
        """The password is the new one, and every session of the account is over."""
        locale = await locale_of(self)
        if wrong := _missing(form, locale, "password"):
            yield self._show(wrong)
            return
        self._send()
        yield
        token = self.router.url.query_parameters.get("token", "")
        try:
            await auth_calls.reset_password(
                token=token, password=form["password"], network=self.router.session.client_ip
            )
        except AppError as error:
            yield self._fail(error, locale)
            return
        self._clear()
        self.changed = True

    @rx.event
    def sign_out(self):
        """Leaves through the route that ends the session and its cookie."""
        return load_page(routes.AUTH_LOGOUT)

    def _clear(self) -> None:
        self.errors = dict.fromkeys(FIELDS, "")
        self.failure = ""
        self.busy = False

    def _send(self) -> None:
        self._clear()
        self.busy = True

    def _show(self, wrong: Mapping[str, str]) -> rx.event.EventSpec:
        """The errors stand beside their fields and the first of them has the focus."""
        self._clear()
        self.errors = {**self.errors, **wrong}
        return rx.set_focus(next(field for field in FIELDS if field in wrong))

    def _fail(self, error: AppError, locale: str) -> rx.event.EventSpec | None:
        text = error_text(locale, error)
        if isinstance(error, InvalidInput) and error.field in FIELDS:
            return self._show({error.field: text})
        self._clear()
        self.failure = text
        return None


def _missing(form: Mapping[str, object], locale: str, *required: str) -> dict[str, str]:
    """Errors of the fields that are empty or, for an address, cannot be one."""
    wrong = {}
    for field in required:
        value = str(form[field]).strip()
        if not value:
            wrong[field] = gettext(locale, "Fill in this field.")
        elif field == "email" and not _EMAIL.fullmatch(value):
            wrong[field] = gettext(locale, "That is not an email address.")
    return wrong
