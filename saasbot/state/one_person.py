"""A tab holds what one person sees: when another comes, or nobody, everything of the one before is gone first."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import reflex as rx
from reflex.state import BaseState, State, StateUpdate
from reflex_base.event import Event

from saasbot import routes
from saasbot.domain.accounts import SignedIn, network_of
from saasbot.domain.actor import Actor
from saasbot.infra.logging import get_logger
from saasbot.realtime.hub import assign, hub
from saasbot.state.leaving import load_page
from saasbot.state.session import SessionState, session_of, show_session

log = get_logger(__name__)


class TabChanged(Exception):
    """Another person has the tab, or nobody: what was prepared for the one before is not shown."""


async def keep_one_person(state: Any, session: SignedIn | None) -> bool:
    """What the tab held for another session, for another company, or without one for another network, is gone; who the person is and
    what they may is shown anew. Returns whether something had to go.
    """
    held = await state.get_state(SessionState)
    network = "" if session else network_of(state.router.session.client_ip)
    if held._session_id:
        is_other = (held._session_id, held._company_id) != _whose(session)
    else:
        is_other = bool(held._network) and session is None and held._network != network
    if is_other:
        await _empty(state)
        held = await state.get_state(SessionState)
    if session is not None:
        show_session(held, session)
    assign(held, _network=network)
    return is_other


@asynccontextmanager
async def still(state: Any, session: SignedIn) -> AsyncIterator[Actor]:
    """`async with self` of a background handler, whenever time has passed since it asked who acts: the tab is locked, and the
    actor is the same person of the same company, with the role of now.

    Raises: TabChanged, before anything can be written.
    """
    async with state:
        now = await session_of(state)
        if now is None or _whose(now) != _whose(session):
            raise TabChanged
        yield now.actor


class Renewal:
    """What the hub does with a tab when something of its session has changed: `hub.start(…, renew=Renewal(app))`."""

    def __init__(self, app: rx.App) -> None:
        self._app = app

    async def __call__(self, tab: str) -> None:
        """The tab holds what the person of its session may see. Where that is somebody else, or nobody, it begins anew."""
        with self._app.set_contexts():  # the hub calls from a task of its own
            async with self._app.modify_state(rx.BaseStateToken(ident=tab, cls=SessionState)) as root:
                session = await session_of(root)  # pyright: ignore[reportArgumentType]  # a state like any other
                is_other = await keep_one_person(root, session)
            namespace = self._app.event_namespace
            if is_other and namespace is not None:
                log.info("state.tab_emptied", signed_in=session is not None)
                go = Event.from_event_type([load_page(routes.DASHBOARD if session else routes.LOGIN)])
                await namespace.emit_update(StateUpdate(events=go), tab)


def _whose(session: SignedIn | None) -> tuple[str, str]:
    return (str(session.session_id), str(session.actor.company_id)) if session else ("", "")


async def _empty(state: Any) -> None:
    """Every var of every state is as in a new tab, and nothing is pushed to it."""
    hub.forget(state.router.session.client_token)
    for every in _state_classes(State):  # with Redis only what the event needs is loaded, and reset
        await state.get_state(every)
    state._get_root_state().reset()


def _state_classes(top: type[BaseState]) -> Iterator[type[BaseState]]:
    for below in top.get_substates():
        yield below
        yield from _state_classes(below)
