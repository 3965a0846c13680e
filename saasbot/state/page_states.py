"""A tab holds the view data of the page on screen: what the pages before it read is gone when the next one loads."""

from collections.abc import Sequence
from typing import Any

import reflex as rx

from saasbot import routes
from saasbot.realtime.hub import hub

_STATES: dict[str, frozenset[type[rx.State]]] = {}
"""By route. States on no page's list (session, frame, language) stay."""


def uses(route: str, states: Sequence[type[rx.State]]) -> None:
    """The page at `route` shows these states. Called where the page is registered."""
    _STATES[_route_id(route)] = frozenset(states)


def states_of(route: str) -> frozenset[type[rx.State]]:
    return _STATES.get(_route_id(route), frozenset())


def _route_id(route: str) -> str:
    """As Reflex writes it: `/index` for the page at the root."""
    return "/index" if route == routes.DASHBOARD else f"/{route.lstrip('/')}"


async def leave_other_pages(state: Any) -> None:
    """Before a page is read, and before a reload sends what the tab holds: the states of other pages are as in a new tab, and
    nothing of them is pushed any more. A state's `PREFERENCES` stay: how somebody likes to look, never what they see.
    """
    route = state.router.route_id
    hub.turn_to(state.router.session.client_token, route)
    here = states_of(route)
    for other in frozenset().union(*_STATES.values()) - here:
        _clear(await state.get_state(other))


def _clear(state: rx.State) -> None:
    """Only what differs is set: a var that is set is sent."""
    kept = getattr(type(state), "PREFERENCES", ())
    for name, field in type(state).__fields__.items():
        if field._owner is not type(state) or name in kept:
            continue
        first = field.default_value()
        if getattr(state, name) != first:
            setattr(state, name, first)
