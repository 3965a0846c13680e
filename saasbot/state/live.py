"""A page stays true by itself: it tells the hub what its tab looks at, as the person of its session."""

from collections.abc import Iterable
from typing import TypeVar

import reflex as rx

from saasbot.domain.accounts import Cookie, authenticate
from saasbot.domain.actor import Actor
from saasbot.infra import session_cookie
from saasbot.realtime.hub import hub
from saasbot.realtime.watches import Load, Show
from saasbot.state.session import NotSignedIn

S = TypeVar("S", bound=rx.State)
T = TypeVar("T")


async def watch(
    state: S,
    name: str,
    *,
    topics: Iterable[str],
    load: Load[T],
    show: Show[S, T],
    page: str | tuple[str, ...] | None = None,
) -> Actor:
    """From now on this tab is shown the changes of `topics` (see `saasbot.realtime.hub`). Call it in the page's load
    handler before the first reading. Returns the actor of the session, which is checked again before every push.

    Raises: NotSignedIn.
    """
    cookie = Cookie(session_cookie.token_in(state.router.headers.cookie))

    async def check() -> Actor | None:
        session = await authenticate(cookie)
        return session.actor if session else None

    actor = await check()
    if actor is None:
        raise NotSignedIn
    hub.watch(
        state.router.session.client_token,
        name,
        actor=actor,
        check=check,
        state=type(state),
        topics=topics,
        load=load,
        show=show,
        page=page,
    )
    return actor


def unwatch(state: rx.State, name: str) -> None:
    """This tab no longer looks at what it registered under `name`."""
    hub.unwatch(state.router.session.client_token, name)


def is_watching(state: rx.State, name: str) -> bool:
    """Whether this tab still looks at what it registered under `name`."""
    return hub.watches(state.router.session.client_token, name)
