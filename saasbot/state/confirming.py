"""The page that a mailed confirmation link opens."""

import reflex as rx
from typing_extensions import TypedDict

from saasbot.domain import accounts
from saasbot.domain.accounts import PasswordNeeded
from saasbot.infra import device_cookie
from saasbot.infra.errors import AppError
from saasbot.infra.i18n import error_text
from saasbot.state.arguments import EXACT, Text
from saasbot.state.locale import locale_of
from saasbot.state.session import session_of


class ConfirmForm(TypedDict):
    __pydantic_config__ = EXACT  # type: ignore[misc]  # where pydantic looks for it

    password: Text


class ConfirmState(rx.State):
    """`step` is "password", "done" or "invalid"; empty until it is known."""

    step: rx.Field[str] = rx.field("")
    failure: rx.Field[str] = rx.field("")
    busy: rx.Field[bool] = rx.field(False)
    in_session: rx.Field[bool] = rx.field(False)

    @rx.event
    async def begin(self):
        """In the account's own session the address is confirmed at once; a browser without it is asked for the password."""
        self.reset()
        session = await session_of(self)
        self.in_session = session is not None
        if session is not None and session.actor.email_confirmed:
            self.step = "done"
            return
        try:
            await self._confirm("")
        except PasswordNeeded:
            self.step = "password"
        except AppError as error:
            self.step, self.failure = "invalid", error_text(await locale_of(self), error)

    @rx.event
    async def confirm(self, form: ConfirmForm):
        """The address is confirmed by whoever knows the account's password, or the form says why not."""
        self.busy, self.failure = True, ""
        yield
        try:
            await self._confirm(form["password"])
        except AppError as error:
            self.failure = error_text(await locale_of(self), error)
        self.busy = False

    async def _confirm(self, password: str) -> None:
        """Raises: AppError."""
        session = await session_of(self)
        await accounts.confirm_email(
            token=self.router.url.query_parameters.get("token", ""),
            signed_in_as=session.user_id if session else None,
            password=password,
            network=accounts.network_of(self.router.session.client_ip),
            device=device_cookie.value_in(self.router.headers.cookie),
        )
        self.step = "done"
