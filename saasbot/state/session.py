"""The session behind a tab: who acts in a handler, and what the pages show of them."""

from contextvars import ContextVar
from dataclasses import replace
from typing import ClassVar

import reflex as rx

from saasbot.domain.accounts import Cookie, SignedIn, authenticate, network_of
from saasbot.domain.actor import Actor
from saasbot.infra import session_cookie
from saasbot.infra.errors import AppError
from saasbot.realtime.hub import assign


class NotSignedIn(AppError):
    code: ClassVar[str] = "not_signed_in"
    status: ClassVar[int] = 401
    message: ClassVar[str] = "Your session has ended. Sign in again."


class SessionState(rx.State):
    """View data of the session; identity itself is read from the cookie at every event, never from here."""

    user_id: rx.Field[str] = rx.field("")
    user_name: rx.Field[str] = rx.field("")
    role: rx.Field[str] = rx.field("")
    permissions: rx.Field[list[str]] = rx.field(default_factory=list)
    csrf_token: rx.Field[str] = rx.field("")
    """Sent back with uploads; worthless without the HttpOnly cookie."""

    _session_id: str = ""
    _company_id: str = ""
    _network: str = ""
    """Where a tab without a session is: a sign-in that is half done is nobody else's who has the tab's token."""


def show_session(state: SessionState, session: SignedIn) -> None:
    """The vars say whose session this is, and what they may now."""
    actor = session.actor
    assign(
        state,
        _session_id=str(session.session_id),
        _company_id=str(actor.company_id),
        user_id=str(session.user_id),
        user_name=actor.name,
        role=actor.role or "",
        permissions=sorted(actor.permissions),
        csrf_token=session.csrf_token,
    )


_event: ContextVar[str] = ContextVar("event", default="")


def begin_event(name: str) -> None:
    """The guard says which event is being served: the audit trail wants to know."""
    _event.set(name)


async def session_of(state: rx.State) -> SignedIn | None:
    """The live session of this tab's socket. Its cookie was read at connect; its row is checked now."""
    session = await authenticate(Cookie(session_cookie.token_in(state.router.headers.cookie)))
    if session is None:
        return None
    network = network_of(state.router.session.client_ip)
    origin = replace(session.actor.origin, network=network, act=_event.get())
    return replace(session, actor=replace(session.actor, origin=origin))


async def current_actor(state: rx.State) -> Actor:
    """Who acts in this handler. Raises: NotSignedIn."""
    return (await current_session(state)).actor


async def current_session(state: rx.State) -> SignedIn:
    """The session behind this handler. Raises: NotSignedIn."""
    session = await session_of(state)
    if session is None:
        raise NotSignedIn
    return session
